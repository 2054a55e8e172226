import assert from "node:assert/strict";
import { join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import { maxStringBytes, ValueFiles } from "../../src/extensions/value_files.ts";
import type { ExtensionValues } from "../../src/extensions/values.ts";

async function withFiles(
  fn: (files: ValueFiles, dir: string, faults: readonly string[]) => Promise<void>,
): Promise<void> {
  const faults: string[] = [];
  const root = await Deno.makeTempDir();
  try {
    const dir = join(root, "state", "extensions");
    await fn(new ValueFiles(dir, (fault) => faults.push(fault)), dir, faults);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function values(
  texts: Readonly<Record<string, string>>,
  documents: Readonly<Record<string, unknown>> = {},
): ExtensionValues {
  return {
    texts: new Map(Object.entries(texts)),
    documents: new Map(Object.entries(documents)),
    args: [],
  };
}

/** A value that makes `STRATOS_X=…` and its NUL so many bytes. */
const longest = (bytes: number) => "x".repeat(bytes - "STRATOS_X=".length - 1);

Deno.test("value files: gives a document as value and as a private file", async () => {
  await withFiles(async (files, dir) => {
    await using fitted = await files.fit(
      values({ STRATOS_A: "a" }, { STRATOS_TOPOLOGY_JSON: { a: "ü" } }),
    );
    const path = join(dir, "TOPOLOGY_JSON");
    assert.deepEqual(fitted.environment, {
      STRATOS_A: "a",
      STRATOS_TOPOLOGY_JSON: '{"a":"ü"}',
      STRATOS_TOPOLOGY_JSON_FILE: path,
    });
    assert.equal(await Deno.readTextFile(path), '{"a":"ü"}');
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.equal((await Deno.stat(dir)).mode! & 0o777, 0o700);
  });
});

Deno.test("value files: writes a document again only when it is another one, or gone", async () => {
  await withFiles(async (files, dir) => {
    const path = join(dir, "TOPOLOGY_JSON");
    const inode = async () => (await Deno.stat(path)).ino;
    const document = { a: 1 };
    const fit = async (json: unknown) => {
      await using _fitted = await files.fit(values({}, { STRATOS_TOPOLOGY_JSON: json }));
    };
    await fit(document);
    await Deno.writeTextFile(path, "marked");
    await fit(document);
    assert.equal(await Deno.readTextFile(path), "marked");
    const before = await inode();
    await fit({ a: 2 });
    assert.equal(await Deno.readTextFile(path), '{"a":2}');
    assert.notEqual(await inode(), before, "not replaced whole");
    await Deno.remove(path);
    await fit(document);
    assert.equal(await Deno.readTextFile(path), '{"a":1}');
  });
});

Deno.test("value files: the last of two runs at once decides what the file holds", async () => {
  await withFiles(async (files, dir) => {
    const runs = [1, 2, 3].map((n) => files.fit(values({}, { STRATOS_TENANT_LIST_JSON: [n] })));
    for (const run of await Promise.all(runs)) await run[Symbol.asyncDispose]();
    assert.equal(await Deno.readTextFile(join(dir, "TENANT_LIST_JSON")), "[3]");
  });
});

Deno.test("value files: a string goes into a file when Linux would refuse it, and not before", async () => {
  await withFiles(async (files, dir) => {
    {
      const text = longest(maxStringBytes);
      await using fitted = await files.fit(values({ STRATOS_X: text }));
      assert.deepEqual(fitted.environment, { STRATOS_X: text });
      const { success } = await new Deno.Command("true", { env: fitted.environment }).output();
      assert(success);
    }
    const text = longest(maxStringBytes + 1);
    assert.throws(() => new Deno.Command("true", { env: { STRATOS_X: text } }).spawn());
    const fitted = await files.fit(values({ STRATOS_X: text }));
    assert.deepEqual(Object.keys(fitted.environment), ["STRATOS_X_FILE"]);
    assert.deepEqual(fitted.asFileOnly, ["STRATOS_X"]);
    const path = fitted.environment.STRATOS_X_FILE ?? "";
    assert.equal(await Deno.readTextFile(path), text);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert(path.startsWith(dir));
    await fitted[Symbol.asyncDispose]();
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  });
});

Deno.test("value files: counts bytes, not characters", async () => {
  await withFiles(async (files) => {
    await using fitted = await files.fit(values({ STRATOS_X: "ü".repeat(70_000) }));
    assert.deepEqual(fitted.asFileOnly, ["STRATOS_X"]);
  });
});

Deno.test("value files: moves the largest first when all together are too large", async () => {
  await withFiles(async (files) => {
    const texts = { STRATOS_A: "a".repeat(5_000), STRATOS_B: "b".repeat(30_000), STRATOS_C: "c" };
    const document = { d: "d".repeat(40_000) };
    await using fitted = await files.fit(
      values(texts, { STRATOS_TOPOLOGY_JSON: document }),
      10_000,
    );
    assert.deepEqual(fitted.asFileOnly, ["STRATOS_TOPOLOGY_JSON", "STRATOS_B"]);
    assert.deepEqual(Object.keys(fitted.environment).toSorted(), [
      "STRATOS_A",
      "STRATOS_B_FILE",
      "STRATOS_C",
      "STRATOS_TOPOLOGY_JSON_FILE",
    ]);
  });
});

Deno.test("value files: refuses when too many small values do not fit", async () => {
  await withFiles(async (files, dir) => {
    const texts = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, n) => [`STRATOS_${n}`, "x".repeat(400)]),
    );
    await assert.rejects(files.fit(values(texts)), (error) => {
      assert(error instanceof AgentError);
      assert.equal(error.kind, "limit");
      return true;
    });
    await assert.rejects(Deno.stat(join(dir, "runs")), Deno.errors.NotFound);
  });
});

Deno.test("value files: a launch parameter keeps a name that a path would take", async () => {
  await withFiles(async (files) => {
    const texts = { STRATOS_TOPOLOGY_JSON_FILE: "own" };
    await using fitted = await files.fit(values(texts, { STRATOS_TOPOLOGY_JSON: {} }));
    assert.equal(fitted.environment.STRATOS_TOPOLOGY_JSON_FILE, "own");
  });
});

Deno.test("value files: removes what a killed agent left", async () => {
  await withFiles(async (files, dir) => {
    await Deno.mkdir(join(dir, "runs", "77"), { recursive: true });
    await using _fitted = await files.fit(values({ STRATOS_X: "x".repeat(200_000) }));
    assert.deepEqual([...Deno.readDirSync(join(dir, "runs"))].map((e) => e.name), ["1"]);
  });
});

Deno.test("value files: a document that cannot be written is given in the environment, and said", async () => {
  await withFiles(async (files, dir, faults) => {
    // A file where the folder should be: as little can be written there as on a full disk.
    await Deno.mkdir(join(dir, ".."), { recursive: true });
    await Deno.writeTextFile(dir, "");
    const document = { a: 1 };
    await using fitted = await files.fit(values({}, { STRATOS_TOPOLOGY_JSON: document }));
    assert.deepEqual(fitted.environment, { STRATOS_TOPOLOGY_JSON: '{"a":1}' });
    assert.equal(faults.length, 1);
    assert.match(faults[0]!, /^STRATOS_TOPOLOGY_JSON is not in a file: /);
    await Deno.remove(dir);
    await using later = await files.fit(values({}, { STRATOS_TOPOLOGY_JSON: document }));
    assert.ok(later.environment["STRATOS_TOPOLOGY_JSON_FILE"], "written once there is room");
  });
});
