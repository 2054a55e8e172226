import assert from "node:assert/strict";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import {
  encodeIndex,
  encodeIndexAfter,
  type IndexEntry,
  parseIndex,
} from "../../src/git/index_file.ts";

const u32 = fc.nat(0xffffffff);
const entries = fc.uniqueArray(
  fc.record({
    path: fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 })
      .filter((path) => !path.includes("\0") && path.isWellFormed()),
    id: fc.stringMatching(/^[0-9a-f]{40}$/),
    mode: fc.constantFrom<IndexEntry["mode"]>(0o100644, 0o100755),
    stamp: fc.record({
      size: u32,
      mtimeMs: fc.nat(4e12),
      ctimeMs: fc.nat(4e12),
      dev: u32,
      ino: u32,
      uid: u32,
      gid: u32,
    }, { noNullPrototype: true }),
  }, { noNullPrototype: true }),
  { selector: ({ path }) => path, maxLength: 20 },
);
const byPath = (all: readonly IndexEntry[]) => new Map(all.map((entry) => [entry.path, entry]));

Deno.test("index file: reads back what was written", () => {
  fc.assert(
    fc.property(entries, (all) => {
      assert.deepEqual(byPath(parseIndex(encodeIndex(all))), byPath(all));
    }),
  );
});

Deno.test("index file: keeps a name that begins with a byte order mark", () => {
  const entry = { path: "\ufeffa", id: "a".repeat(40), mode: 0o120000 } as const;
  assert.deepEqual(parseIndex(encodeIndex([entry])), [entry]);
});

Deno.test("index file: marks what was left out of the work tree", () => {
  const link = { path: "link", id: "a".repeat(40), mode: 0o120000 } as const;
  assert.deepEqual(parseIndex(encodeIndex([link])), [link]);
});

Deno.test("index file: refuses every flipped byte and every other text", () => {
  const id = "a".repeat(40);
  const bytes = encodeIndex([{ path: "a/b", id, mode: 0o160000 }, {
    path: "c",
    id,
    mode: 0o120000,
  }]);
  for (let at = 0; at < bytes.length; at++) {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    assert.throws(() => parseIndex(flipped), AgentError, `byte ${at}`);
  }
  fc.assert(fc.property(fc.uint8Array(), (noise) => {
    assert.throws(() => parseIndex(noise), AgentError);
  }));
});

Deno.test("index file: is in the order of the names' bytes, not of their UTF-16 units", () => {
  const entryOf = (path: string) => ({ path, id: "1".repeat(40), mode: 0o100644 }) as const;
  const ordered = ["a", "a.b", "a/b", "é", "\uff41", "\u{1f600}"];
  const read = parseIndex(encodeIndex(ordered.toReversed().map(entryOf)));
  assert.deepEqual(read.map(({ path }) => path), ordered);
});

Deno.test("index file: is the same bytes whatever is copied from the one before", () => {
  fc.assert(
    fc.property(entries, entries, fc.infiniteStream(fc.boolean()), (before, others, isKept) => {
      const former = encodeIndexAfter(before);
      const kept = former.entries.filter(() => isKept.next().value);
      const paths = new Set(kept.map(({ path }) => path));
      const added = others.filter(({ path }) => !paths.has(path));
      const changed = kept.map((entry) =>
        isKept.next().value ? entry : { ...entry, id: "7".repeat(40) }
      );
      const all = [...changed, ...added];
      const after = encodeIndexAfter(all, former);
      assert.deepEqual(after.bytes, encodeIndex(all));
      assert.deepEqual(
        after.entries,
        parseIndex(after.bytes).map(({ path }) => byPath(all).get(path)),
      );
      const again = encodeIndexAfter(after.entries, after);
      assert.deepEqual(again.bytes, after.bytes);
      assert.deepEqual(again.fresh, []);
    }),
  );
});

Deno.test("index file: encodes only what the one before does not have", () => {
  const entryOf = (path: string) => ({ path, id: "1".repeat(40), mode: 0o100644 }) as const;
  const former = encodeIndexAfter(["a", "b", "c", "d"].map(entryOf));
  const [a, , c, d] = former.entries;
  const changed = { ...entryOf("b"), id: "2".repeat(40) };
  const { fresh, entries } = encodeIndexAfter([a!, c!, d!, changed], former);
  assert.deepEqual(fresh, [changed]);
  assert.deepEqual(entries.map(({ path }) => path), ["a", "b", "c", "d"]);
});
