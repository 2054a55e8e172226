import assert from "node:assert/strict";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import { ObjectCache } from "../../src/git/pack_file.ts";
import type { GitObject } from "../../src/git/pack_object.ts";
import { type PackLimits, PackReceiver } from "../../src/git/pack_receiver.ts";
import {
  bytesOf,
  entry,
  entryHeader,
  idDelta,
  idOf,
  insertingDelta,
  offsetDelta,
  pack,
  typeNumbers,
  varint,
} from "./pack_builder.ts";

const limits: PackLimits = { inflatedBytes: 10_000_000, objects: 1000 };
const blob = bytesOf("hello, this is a blob\n");
const { blob: blobType } = typeNumbers;

interface Received {
  readonly ids: string[];
  readonly trailer: Uint8Array;
  readonly bytes: Uint8Array;
}

function receive(
  bytes: Uint8Array,
  options: {
    limits?: PackLimits;
    chunk?: number;
    elsewhere?: (id: string) => GitObject | undefined;
    cacheBytes?: number;
  } = {},
): Received {
  const directory = Deno.makeTempDirSync();
  try {
    const path = join(directory, "pack");
    using file = Deno.openSync(path, { read: true, write: true, createNew: true });
    const cache = new ObjectCache(options.cacheBytes);
    const receiver = new PackReceiver(file, options.limits ?? limits, {
      cache,
      ...(options.elsewhere ? { findElsewhere: options.elsewhere } : {}),
    });
    const size = options.chunk ?? 1000;
    for (let at = 0; at < bytes.length; at += size) receiver.push(bytes.subarray(at, at + size));
    const { objects, trailer } = receiver.finish();
    return { ids: objects.map(({ id }) => id), trailer, bytes: Deno.readFileSync(path) };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function isRefusal(kind: string, reason: RegExp) {
  return (error: unknown) => {
    assert(error instanceof AgentError, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, reason);
    return true;
  };
}

Deno.test("PackReceiver: finds every object however the bytes are cut", () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 });
  fc.assert(
    fc.property(contents, fc.integer({ min: 1, max: 5000 }), (blobs, chunk) => {
      const received = receive(pack(blobs.map((content) => entry(blobType, content))), { chunk });
      assert.deepEqual(received.ids, blobs.map((content) => idOf("blob", content)));
    }),
    { numRuns: 60 },
  );
});

Deno.test("PackReceiver: takes objects larger than its window", () => {
  const large = new Uint8Array(5_000_000);
  for (let at = 0; at < large.length; at++) large[at] = at * 2_654_435_761 >>> 13;
  const received = receive(pack([entry(blobType, large), entry(blobType, blob)]), {
    chunk: 65_536,
  });
  assert.deepEqual(received.ids, [idOf("blob", large), idOf("blob", blob)]);
});

Deno.test("PackReceiver: applies deltas to bases before, after and through other deltas", () => {
  const [first, second, third] = [bytesOf("second"), bytesOf("third"), bytesOf("fourth")];
  const base = entry(blobType, blob);
  const one = offsetDelta(base.length, insertingDelta(blob, first));
  const two = idDelta(idOf("blob", first), insertingDelta(first, second));
  const early = idDelta(idOf("blob", second), insertingDelta(second, third));
  const onEarly = offsetDelta(early.length, insertingDelta(third, bytesOf("fifth")));
  for (const cacheBytes of [0, 1_000_000]) {
    const { ids } = receive(pack([early, onEarly, base, one, two]), { cacheBytes });
    const expected = [blob, first, second, third, bytesOf("fifth")];
    assert.deepEqual(ids.sort(), expected.map((content) => idOf("blob", content)).sort());
  }
});

Deno.test("PackReceiver: completes a thin pack so that it stands alone", () => {
  const thin = pack([
    idDelta(idOf("blob", blob), insertingDelta(blob, bytesOf("changed"))),
    entry(blobType, bytesOf("other")),
  ]);
  const elsewhere = (id: string) =>
    id === idOf("blob", blob) ? { type: "blob" as const, data: blob } : undefined;
  const completed = receive(thin, { elsewhere });
  const expected = [blob, bytesOf("changed"), bytesOf("other")].map((c) => idOf("blob", c)).sort();
  assert.deepEqual(completed.ids.sort(), expected);
  assert.deepEqual(receive(completed.bytes).ids.sort(), expected);
  assert.equal(completed.trailer.toHex(), completed.bytes.slice(-20).toHex());
  assert.throws(() => receive(thin), isRefusal("input", /delta's base is missing/));
});

Deno.test("PackReceiver: completes a thin pack in which a delta's base waits, too", () => {
  const [changed, again] = [bytesOf("changed"), bytesOf("and again")];
  const thin = pack([
    idDelta(idOf("blob", changed), insertingDelta(changed, again)),
    idDelta(idOf("blob", blob), insertingDelta(blob, changed)),
  ]);
  const elsewhere = (id: string) =>
    id === idOf("blob", blob) ? { type: "blob" as const, data: blob } : undefined;
  const completed = receive(thin, { elsewhere });
  const expected = [blob, changed, again].map((content) => idOf("blob", content)).sort();
  assert.deepEqual(completed.ids.sort(), expected);
  assert.deepEqual(receive(completed.bytes).ids.sort(), expected);
});

Deno.test("PackReceiver: refuses every pack with a flipped byte or a missing end", () => {
  const good = pack([entry(blobType, blob), entry(blobType, bytesOf("x".repeat(300)))]);
  const isExpected = (error: unknown) =>
    error instanceof AgentError && ["input", "limit"].includes(error.kind);
  for (let at = 0; at < good.length; at++) {
    const flipped = good.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 0x41;
    assert.throws(() => receive(flipped), isExpected, `byte ${at}`);
    assert.throws(() => receive(good.subarray(0, at)), isExpected, `cut at ${at}`);
  }
  assert.throws(() => receive(bytesOf(good, "more")), isRefusal("input", /goes on|checksum/));
});

Deno.test("PackReceiver: survives any bytes with an AgentError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(20), (noise, count) => {
      const header = pack([], count).subarray(0, 12);
      assert.throws(() => receive(bytesOf(header, noise)), (error) => error instanceof AgentError);
    }),
    { numRuns: 200 },
  );
});

Deno.test("PackReceiver: refuses what is larger than allowed without making room for it", () => {
  const zeros = new Uint8Array(1_000_000);
  const cases: [string, Uint8Array, PackLimits, string, RegExp][] = [
    [
      "claims 3, has a million",
      pack([entry(blobType, zeros, 3)]),
      limits,
      "input",
      /larger than it/,
    ],
    ["claims more than it has", pack([entry(blobType, blob, 99)]), limits, "input", /another size/],
    [
      "claims 4 GB",
      pack([entry(blobType, zeros, 2 ** 32)]),
      { ...limits, inflatedBytes: 2 ** 31 },
      "limit",
      /artifact.limit.bytes/,
    ],
    [
      "many that are large together",
      pack(Array(20).fill(entry(blobType, zeros))),
      limits,
      "limit",
      /artifact.limit.bytes/,
    ],
    ["claims 4 billion objects", pack([], 2 ** 32 - 1), limits, "limit", /4294967295/],
  ];
  for (const [what, bytes, bounds, kind, reason] of cases) {
    assert.throws(() => receive(bytes, { limits: bounds }), isRefusal(kind, reason), what);
  }
});

Deno.test("PackReceiver: refuses one large object by its header, before any of it arrives", () => {
  const most = 256 * 1024 * 1024;
  const roomy = { ...limits, inflatedBytes: 2 ** 31 };
  const claiming = (size: number) =>
    bytesOf(pack([], 1).subarray(0, 12), entryHeader(blobType, size), new Uint8Array(40));
  const refusal = isRefusal("limit", /has 268435457 bytes, one alone may have 268435456/);
  assert.throws(() => receive(claiming(most + 1), { limits: roomy }), refusal);
  // Zeros are no zlib stream: the size was not what is wrong.
  assert.throws(() => receive(claiming(most), { limits: roomy }), isRefusal("input", /is damaged/));
});

Deno.test("PackReceiver: refuses a delta that makes one large object", () => {
  const base = bytesOf(new Uint8Array(65_536).fill(65));
  const delta = bytesOf(varint(base.length), varint(2 ** 28 + 1), Array(4097).fill(0x80));
  const bytes = pack([entry(blobType, base), idDelta(idOf("blob", base), delta)]);
  assert.throws(
    () => receive(bytes, { limits: { ...limits, inflatedBytes: 2 ** 31 } }),
    isRefusal("limit", /has 268435457 bytes, one alone may have 268435456/),
  );
});

Deno.test("PackReceiver: refuses deltas that make more than allowed or do not fit", () => {
  const base = bytesOf(new Uint8Array(65_536).fill(65));
  const bomb = (times: number) =>
    bytesOf(varint(base.length), varint(base.length * times), Array(times).fill(0x80));
  const withDelta = (delta: Uint8Array) =>
    pack([entry(blobType, base), idDelta(idOf("blob", base), delta)]);
  assert.throws(() => receive(withDelta(bomb(60_000))), isRefusal("limit", /artifact.limit.bytes/));
  const many = pack([
    entry(blobType, base),
    ...Array(30).fill(idDelta(idOf("blob", base), bomb(20))),
  ]);
  assert.throws(() => receive(many), isRefusal("limit", /artifact.limit.bytes/));
  const bad: [Uint8Array, RegExp][] = [
    [bytesOf(varint(3), varint(3), [1, 65]), /does not fit its base/],
    [bytesOf(varint(base.length), varint(3), [0]), /unknown instruction/],
    [bytesOf(varint(base.length), varint(9), [1, 65]), /another size/],
    [bytesOf(varint(base.length), varint(3), [3, 65]), /inserts more than it has/],
    [bytesOf(varint(base.length), varint(9), [0x91, 0xff, 0xff]), /cut off|outside its base/],
    [bytesOf(varint(base.length), varint(9), [0x9f, 1, 0, 1, 0, 9]), /outside its base/],
    [bytesOf(varint(base.length)), /cut off/],
  ];
  for (const [delta, reason] of bad) {
    assert.throws(() => receive(withDelta(delta)), isRefusal("input", reason));
  }
  for (const distance of [1, 5, 70_000]) {
    const bytes = pack([entry(blobType, base), offsetDelta(distance, insertingDelta(base, blob))]);
    assert.throws(() => receive(bytes), isRefusal("input", /base is missing/));
  }
});

Deno.test("PackReceiver: refuses compressed bytes that never end", () => {
  // An empty stored block, again and again: 5 bytes in, nothing out.
  const blocks = bytesOf([0x78, 0x01], Array(20_000).fill([0, 0, 0, 0xff, 0xff]).flat());
  const bytes = pack([bytesOf(entryHeader(blobType, 10), blocks)]);
  assert.throws(() => receive(bytes), isRefusal("input", /cut off|damaged/));
  // A long chain of deltas is walked, not recursed into.
  const chain = [entry(blobType, blob)];
  for (let link = 0; link < 300; link++) {
    chain.push(offsetDelta(chain.at(-1)?.length ?? 0, insertingDelta(blob, blob)));
  }
  assert.equal(receive(pack(chain), { cacheBytes: 0 }).ids.length, 301);
});

Deno.test("PackReceiver: computes what zlib of any strength packed", () => {
  const packed = [0, 1, 9].map((level) =>
    bytesOf(entryHeader(blobType, blob.length), deflateSync(blob, { level }))
  );
  assert.deepEqual(new Set(receive(pack(packed)).ids), new Set([idOf("blob", blob)]));
});
