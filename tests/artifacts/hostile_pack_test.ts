import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { AgentError } from "../../src/base/errors.ts";
import { ObjectCache, PackFile } from "../../src/git/pack_file.ts";
import { objectIdOf } from "../../src/git/pack_object.ts";
import { PackReceiver } from "../../src/git/pack_receiver.ts";
import { seeded } from "../events/mutated_payload.ts";
import { peerTest } from "../system_peers.ts";
import {
  bytesOf,
  entry,
  idDelta,
  idOf,
  insertingDelta,
  offsetDelta,
  pack,
} from "../git/pack_builder.ts";
import { entryHeader, typeNumbers } from "../git/pack_builder.ts";
import { Playground, repository } from "./playground.ts";

/** How many damaged packs are tried; `LONG_TESTS=1` takes time for many more. */
const mutations = Deno.env.get("LONG_TESTS") === "1" ? 20_000 : 500;
const limits = { inflatedBytes: 4_000_000, objects: 1_000 };
const trailerBytes = 20;

type Random = () => number;

/** Takes a pack apart, and reads every object back: what is there now. */
function taken(bytes: Uint8Array, path: string, chunk: number): string[] {
  using file = Deno.openSync(path, { read: true, write: true, create: true, truncate: true });
  const receiver = new PackReceiver(file, limits, { cache: new ObjectCache(0) });
  for (let at = 0; at < bytes.length; at += chunk) receiver.push(bytes.subarray(at, at + chunk));
  const { objects } = receiver.finish();
  const ends = objects.map(({ offset }) => offset).sort((a, b) => a - b);
  const offsets = new Map(objects.map(({ id, offset }) => [id, offset]));
  const layout = {
    endOf: (offset: number) =>
      ends.includes(offset)
        ? ends[ends.indexOf(offset) + 1] ?? bytes.length - trailerBytes
        : undefined,
    find: (id: string) => offsets.get(id),
  };
  const read = new PackFile(file, layout, limits.inflatedBytes, new ObjectCache(0));
  for (const { id, offset } of objects) assert.equal(objectIdOf(read.read(offset)), id);
  return objects.map(({ id }) => id).sort();
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** One to four kinds of damage, wherever they fall. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let damaged = bytes;
  for (let left = 1 + below(random, 4); left > 0; left--) {
    const at = below(random, damaged.length);
    const length = below(random, 40);
    const [head, tail] = [damaged.subarray(0, at), damaged.subarray(at)];
    switch (below(random, 7)) {
      case 0:
        damaged = bytesOf(head, [(damaged[at] ?? 0) ^ 1 << below(random, 8)], tail.subarray(1));
        break;
      case 1:
        damaged = bytesOf(head, [[0, 1, 0x7f, 0x80, 0xff][below(random, 5)]!], tail.subarray(1));
        break;
      case 2:
        damaged = bytesOf(head, tail.subarray(length));
        break;
      case 3:
        damaged = bytesOf(head, Array.from({ length }, () => below(random, 256)), tail);
        break;
      case 4:
        damaged = bytesOf(head, tail.subarray(0, length), tail);
        break;
      case 5:
        // A size, or a distance, that goes on and on.
        damaged = bytesOf(head, Array(1 + below(random, 9)).fill(0xff), tail.subarray(1));
        break;
      case 6:
        // The header's number of objects.
        damaged = damaged.length < 12 ? damaged : bytesOf(
          damaged.subarray(0, 11),
          [below(random, 256)],
          damaged.subarray(12),
        );
    }
    if (below(random, 12) === 0) damaged = damaged.subarray(0, at);
  }
  return damaged;
}

/** As if the damage had been meant: the checksum is right. */
function sealed(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, Math.max(0, bytes.length - trailerBytes));
  return bytesOf(body, createHash("sha1").update(body).digest());
}

/** Packs whose zlib streams are right, and whose deltas are damaged inside. */
function withDamagedDeltas(random: Random): Uint8Array {
  const base = bytesOf("a line of the base, quite long\n".repeat(40));
  const result = bytesOf("another line of text\n".repeat(30));
  const { blob } = typeNumbers;
  const entries = [entry(blob, base)];
  for (let count = 0; count < 4; count++) {
    const delta = mutated(insertingDelta(base, result), random);
    const distance = entries.reduce((sum, { length }) => sum + length, 0);
    entries.push(
      below(random, 2) === 0 ? idDelta(idOf("blob", base), delta) : offsetDelta(distance, delta),
    );
  }
  const claimed = below(random, 2 ** 31);
  if (below(random, 3) === 0) entries.push(bytesOf(entryHeader(blob, claimed), deflateSync(base)));
  return pack(entries);
}

async function tryAll(sources: readonly Uint8Array[], seed: number): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "pack");
    const random = seeded(seed);
    const originals = sources.map((bytes) => taken(bytes, path, 5_000));
    const reasons = new Set<string>();
    const rssBefore = Deno.memoryUsage().rss;
    for (let count = 0; count < mutations; count++) {
      const which = count % (sources.length + 1);
      const source = sources[which];
      const isSealed = count % 2 === 0;
      const damaged = source === undefined ? withDamagedDeltas(random) : mutated(source, random);
      const bytes = isSealed && source !== undefined ? sealed(damaged) : damaged;
      const startMs = performance.now();
      try {
        const ids = taken(bytes, path, 1 + below(random, 5_000));
        const isSame = String(ids) === String(originals[which]);
        if (source !== undefined && !isSealed) assert(isSame, "other objects under a checksum");
      } catch (error) {
        const isExpected = error instanceof AgentError && ["input", "limit"].includes(error.kind);
        if (!isExpected) {
          throw new Error(`pack ${count} of seed ${seed}: ${bytes.toHex()}`, { cause: error });
        }
        assert.match(error.message, /^Cannot (read|accept) "the received objects": ./);
        reasons.add(error.message.replaceAll(/[0-9a-f]{40}|\d+/g, ""));
      }
      assert(performance.now() - startMs < 5_000, `pack ${count} of seed ${seed} takes too long`);
    }
    // Damage claims sizes of gigabytes again and again. (The runtime itself keeps a little of each
    // stream that could not be inflated, for as long as its thread lives.)
    const grownMiB = (Deno.memoryUsage().rss - rssBefore) / 2 ** 20;
    assert(grownMiB < 200 + mutations / 5, `${grownMiB} MiB`);
    // Else the damage is such that nothing behind the first check is ever tried.
    assert(reasons.size >= 8, [...reasons].join("\n"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

peerTest(
  `hostile pack: takes ${mutations} damaged packs of native git without harm`,
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const random = seeded(10);
    const lines = Array.from({ length: 120 }, (_, line) => `line ${line * 7919 % 1_000}\n`);
    const variant = (file: number) =>
      lines.map((line, at) => at % 40 === file ? "x\n" : line).join("");
    await playground.commit(
      Object.fromEntries(Array.from({ length: 12 }, (_, file) => [`d/f${file}`, variant(file)])),
    );
    await playground.commit({
      "d/f1": variant(20),
      "other": "1",
      "noise": Uint8Array.from({ length: 3_000 }, () => 256 * random()),
    });
    const sources = [];
    for (const depth of ["--depth=50", "--depth=0"]) {
      await playground.remote.git(repository, ["repack", "-adfq", "--window=20", depth]);
      const packs = join(playground.remote.directory(repository), "objects", "pack");
      for (const { name } of Deno.readDirSync(packs)) {
        if (name.endsWith(".pack")) sources.push(Deno.readFileSync(join(packs, name)));
      }
    }
    await tryAll(sources, 11);
  },
);

Deno.test(`hostile pack: takes ${mutations} damaged packs made by hand without harm`, async () => {
  const base = bytesOf("hello, this is a blob\n".repeat(30));
  const { blob, commit, tag, tree } = typeNumbers;
  const mixed = [
    // The delta comes before its base.
    idDelta(idOf("blob", base), insertingDelta(base, bytesOf("first"))),
    entry(blob, base),
    entry(tree, bytesOf("100644 a\0", Uint8Array.fromHex(idOf("blob", base)))),
    entry(commit, bytesOf("tree 1\n")),
    entry(tag, bytesOf("object 1\n")),
    entry(blob, new Uint8Array(0)),
  ];
  const chain = [entry(blob, base)];
  for (let link = 0; link < 12; link++) {
    const [from, to] = [link === 0 ? base : bytesOf(`link ${link - 1}`), bytesOf(`link ${link}`)];
    chain.push(offsetDelta(chain.at(-1)?.length ?? 0, insertingDelta(from, to)));
  }
  await tryAll([pack(mixed), pack(chain)], 12);
});
