import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { makeDist } from "../../scripts/dist.ts";
import { filesBelow } from "../../scripts/files_below.ts";
import { tarArchive } from "../../src/base/tar_archive.ts";
import { runProgram } from "../compiled/compiled_program.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

async function extract(archive: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  const { code, err } = await runProgram("tar", ["-xf", archive, "-C", to]);
  assert.equal(code, 0, err);
}

Deno.test("archive: is what tar takes, with content, modes and names", async () => {
  await using dir = await temporaryDirectory();
  const archive = join(dir.path, "a.tar");
  const files = [
    { path: "a/empty", content: new Uint8Array(), mode: 0o644 },
    { path: "a/program", content: new Uint8Array(513).fill(65), mode: 0o755 },
    { path: `b/${"x".repeat(98)}`, content: new Uint8Array(512).fill(66), mode: 0o644 },
  ];
  await Deno.writeFile(archive, tarArchive(files));
  await extract(archive, join(dir.path, "out"));
  for (const { path, content, mode } of files) {
    const extracted = join(dir.path, "out", path);
    assert.deepEqual(await Deno.readFile(extracted), content);
    assert.equal((await Deno.stat(extracted)).mode! & 0o777, mode, path);
  }
  const long = { path: "x".repeat(101), content: new Uint8Array(), mode: 0o644 };
  assert.throws(() => tarArchive([long]), /fits into no archive/);
});

Deno.test("dist: holds sources that run, a bill, and checksums of all; the same again each time", async () => {
  await using dir = await temporaryDirectory();
  const [one, other] = [join(dir.path, "one"), join(dir.path, "other")];
  const made = await makeDist({ output: one, sourcesOnly: true });
  assert.deepEqual(
    made.map((path) => basename(path)).map((name) => name.replace(/\d+\.\d+\.\d+/, "V")),
    [
      "cartridge-agent-V.cdx.json",
      "cartridge-agent-V-sources.tar.gz",
      "SHA256SUMS",
    ],
  );
  const sums = await Deno.readTextFile(join(one, "SHA256SUMS"));
  for (const path of made.slice(0, -1)) {
    const sum = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
    assert.ok(sums.includes(`${sum}  ${basename(path)}\n`), sums);
  }
  const places = [join(dir.path, "here"), join(dir.path, "there")];
  await extract(made[1]!, places[0]!);
  const [release] = [...Deno.readDirSync(places[0]!)].map(({ name }) => name);
  const root = join(places[0]!, release!);
  const files = await filesBelow(root);
  for (const name of ["LICENSE", "README.md", "docs/settings.md", "deno.lock", "src/cli/run.ts"]) {
    assert.ok(files.includes(name), name);
  }
  assert.ok(files.some((name) => name.endsWith(".cdx.json")));
  const home = join(dir.path, "home");
  const agent = join(root, "scripts/agent");
  const env = { DENO: Deno.execPath() };
  const init = await runProgram(agent, ["init", home], { env });
  assert.equal(init.code, 0, init.err);
  const example = join(home, "payload/launch-params.example");
  await Deno.copyFile(example, join(home, "payload/launch-params"));
  const check = ["check", "--home", home, "--set", "mb.urls=127.0.0.1:1883"];
  const checked = await runProgram(agent, check, { env });
  assert.equal(checked.code, 0, checked.err);
  // Made from another place, and still the same but for what somebody changed in between.
  const again = await runProgram(Deno.execPath(), [
    ...["run", "--quiet", "--allow-all", join(root, "scripts/dist.ts")],
    ...["--sources-only", "--output", other],
  ], { cwd: root });
  assert.equal(again.code, 0, again.err);
  assert.equal(await Deno.readTextFile(join(other, "SHA256SUMS")), sums);
});
