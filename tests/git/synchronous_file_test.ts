import assert from "node:assert/strict";
import { join } from "node:path";
import { removeIfEmptySync, writeNewFileSync } from "../../src/git/synchronous_file.ts";
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

Deno.test("removeIfEmptySync: removes an empty directory, and nothing else", async () => {
  await using temporary = await temporaryDirectory();
  const path = (name: string) => join(temporary.path, name);
  for (const name of ["empty", "full", "full/inner"]) await Deno.mkdir(path(name));
  await Deno.writeTextFile(path("file"), "");
  await Deno.symlink("empty", path("link"));
  for (const name of ["link", "file", "full", "gone", "file/below", "empty"]) {
    removeIfEmptySync(path(name));
  }
  const left = [...Deno.readDirSync(temporary.path)].map(({ name }) => name).sort();
  assert.deepEqual(left, ["file", "full", "link"]);
  assert(Deno.lstatSync(path("full/inner")).isDirectory);
});

Deno.test("removeIfEmptySync: leaves a directory to whoever is faster", async () => {
  await using temporary = await temporaryDirectory();
  const directory = join(temporary.path, "directory");
  const others = [
    () => Deno.writeTextFileSync(join(directory, "file"), "mine"),
    () => Deno.removeSync(directory),
  ];
  const { removeSync } = Deno;
  for (const [index, other] of others.entries()) {
    Deno.mkdirSync(directory);
    Deno.removeSync = (path, options) => {
      Deno.removeSync = removeSync;
      other();
      removeSync(path, options);
    };
    try {
      removeIfEmptySync(directory);
    } finally {
      Deno.removeSync = removeSync;
    }
    const left = [...Deno.readDirSync(temporary.path)].map(({ name }) => name);
    assert.deepEqual(left, index === 0 ? ["directory"] : []);
    if (index === 0) {
      assert.equal(Deno.readTextFileSync(join(directory, "file")), "mine");
      removeSync(directory, { recursive: true });
    }
  }
});
