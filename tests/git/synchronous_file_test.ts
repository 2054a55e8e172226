import assert from "node:assert/strict";
import { join } from "node:path";
import { writeNewFileSync } from "../../src/git/synchronous_file.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

Deno.test("writeNewFileSync: gives a file its mode whatever the umask is", async () => {
  await using temporary = await temporaryDirectory();
  for (const umask of [0o000, 0o022, 0o077]) {
    for (const mode of [0o644, 0o755]) {
      const path = join(temporary.path, `${umask}-${mode}`);
      const former = Deno.umask(umask);
      try {
        const info = writeNewFileSync(path, new TextEncoder().encode("content"), mode);
        assert.equal(info.mode! & 0o777, mode);
        assert.deepEqual(info, Deno.lstatSync(path));
        assert.equal(Deno.readTextFileSync(path), "content");
      } finally {
        Deno.umask(former);
      }
    }
  }
});

Deno.test("writeNewFileSync: leaves alone what is there, a link too", async () => {
  await using temporary = await temporaryDirectory();
  const [there, link] = [join(temporary.path, "there"), join(temporary.path, "link")];
  await Deno.writeTextFile(there, "mine");
  await Deno.symlink(join(temporary.path, "elsewhere"), link);
  for (const path of [there, link]) {
    const write = () => writeNewFileSync(path, new Uint8Array(1), 0o644);
    assert.throws(write, Deno.errors.AlreadyExists);
  }
  assert.equal(await Deno.readTextFile(there), "mine");
  assert.deepEqual([...Deno.readDirSync(temporary.path)].map(({ name }) => name).sort(), [
    "link",
    "there",
  ]);
});
