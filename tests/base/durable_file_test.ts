import assert from "node:assert/strict";
import { join } from "node:path";
import { readIfPresent, replaceFile } from "../../src/base/durable_file.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

Deno.test("durable file: replaces the whole content, for the owner's eyes alone", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "state");
  await replaceFile(path, "a longer first content");
  await replaceFile(path, "second");
  assert.equal(await Deno.readTextFile(path), "second");
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  assert.deepEqual([...Deno.readDirSync(directory.path)].map(({ name }) => name), ["state"]);
});

Deno.test("durable file: leaves the old content when the new one cannot be written", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "state");
  await replaceFile(path, "old");
  await Deno.mkdir(`${path}.new`);
  await assert.rejects(replaceFile(path, "new"));
  assert.equal(await readIfPresent(path), "old");
});

Deno.test("durable file: gives nothing for a file that is not there", async () => {
  await using directory = await temporaryDirectory();
  assert.equal(await readIfPresent(join(directory.path, "none")), undefined);
});
