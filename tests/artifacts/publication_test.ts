import assert from "node:assert/strict";
import { join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import type { IndexEntry } from "../../src/git/index_file.ts";
import { assertPhysicalDirectory } from "../../src/git/physical_path.ts";
import { publish } from "../../src/artifacts/publication.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const isLinkRefusal = (error: unknown) =>
  error instanceof AgentError && error.kind === "refused" && /symbolic link/.test(error.message);

/** Directories `app`, `staged` and `outside`, the last with a file and a link to it in `app`. */
async function directories(root: string) {
  const [app, staged, outside] = ["app", "staged", "outside"].map((name) => join(root, name));
  if (!app || !staged || !outside) throw new Error("never");
  for (const path of [app, staged, outside]) await Deno.mkdir(path);
  await Deno.writeTextFile(join(outside, "file"), "mine");
  await Deno.symlink(outside, join(app, "sub"));
  return { app, staged, outside };
}

const entry: IndexEntry = { path: "sub/file", id: "1".repeat(40), mode: 0o100644 };
const file = { path: entry.path, id: entry.id, mode: 0o100644 } as const;

Deno.test("publish: writes through no link that turned up since the survey", async () => {
  await using temporary = await temporaryDirectory();
  const { app, staged, outside } = await directories(temporary.path);
  await Deno.mkdir(join(staged, "sub"));
  await Deno.writeTextFile(join(staged, "sub/file"), "evil");
  const plan = { files: [file], directories: ["sub"], links: [], leftOut: [], collisions: [] };
  const publication = { root: app, stagedTree: staged, staged: [entry], remove: [], plan };
  assert.throws(() => publish(publication), isLinkRefusal);
  assert.equal(await Deno.readTextFile(join(outside, "file")), "mine");
});

Deno.test("publish: removes nothing through a link that turned up since the survey", async () => {
  await using temporary = await temporaryDirectory();
  const { app, staged, outside } = await directories(temporary.path);
  const plan = { files: [], directories: [], links: [], leftOut: [], collisions: [] };
  const publication = { root: app, stagedTree: staged, staged: [], remove: ["sub/file"], plan };
  assert.throws(() => publish(publication), isLinkRefusal);
  assert.equal(await Deno.readTextFile(join(outside, "file")), "mine");
});

Deno.test("assertPhysicalDirectory: looks at every component below the root", async () => {
  await using temporary = await temporaryDirectory();
  const { app, outside } = await directories(temporary.path);
  await Deno.mkdir(join(outside, "deep"));
  await Deno.mkdir(join(app, "real/deep"), { recursive: true });
  assertPhysicalDirectory(app, "");
  assertPhysicalDirectory(app, "real/deep");
  assert.throws(() => assertPhysicalDirectory(app, "sub"), isLinkRefusal);
  assert.throws(() => assertPhysicalDirectory(app, "sub/deep"), isLinkRefusal);
  assert.throws(() => assertPhysicalDirectory(app, "real/nosuch"), /it is gone/);
  // The root itself is the operator's choice.
  assertPhysicalDirectory(join(app, "sub"), "deep");
});
