import assert from "node:assert/strict";
import { join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import { peerTest } from "../system_peers.ts";
import { Playground, type RawEntry } from "./playground.ts";

/** Everything outside APPLICATION_PATH that a hostile repository could aim at. */
async function withTargets(playground: Playground) {
  const outside = join(playground.root, "outside");
  await Deno.mkdir(outside);
  await Deno.writeTextFile(join(outside, "precious"), "mine");
  return outside;
}

peerTest("hostile repository: is refused whole, before anything is written", ["git"], async () => {
  const hostile: [string, (p: Playground) => Promise<readonly RawEntry[]>][] = [];
  for (
    const name of [
      "..",
      ".",
      ".git",
      ".GIT",
      "git~1",
      ".git ",
      ".git.",
      ".g\u200cit",
      ".git::$INDEX_ALLOCATION",
      "a\\b",
      "../outside/precious",
      "/tmp/absolute",
      "a\nb",
      ".cartridge-agent",
      new Uint8Array([0x61, 0xff]),
    ]
  ) {
    const file = async (p: Playground) => [
      { mode: "100644", name: "good", id: await p.blob("x") },
      { mode: "100644", name, id: await p.blob("evil") },
    ];
    const directory = async (p: Playground) => [
      { mode: "100644", name: "good", id: await p.blob("x") },
      {
        mode: "40000",
        name,
        id: await p.rawTree([{ mode: "100755", name: "precious", id: await p.blob("evil") }]),
      },
    ];
    hostile.push([`file ${name}`, file], [`directory ${name}`, directory]);
  }
  hostile.push(["link and directory of one name", async (p) => [
    { mode: "120000", name: "a", id: await p.blob("../outside") },
    {
      mode: "40000",
      name: "a",
      id: await p.rawTree([{ mode: "100644", name: "precious", id: await p.blob("evil") }]),
    },
  ]]);
  await using playground = await Playground.open();
  await withTargets(playground);
  for (const isUpdate of [false, true]) {
    if (isUpdate) {
      await playground.commit({ "before": "1" });
      await playground.checkOut();
    }
    const files = playground.files();
    for (const [what, entries] of hostile) {
      await playground.commitRawTree(await entries(playground));
      await assert.rejects(
        playground.checkOut(),
        (error) =>
          error instanceof AgentError && !error.retryable &&
          /the repository is refused/.test(error.message),
        what,
      );
      assert.deepEqual(playground.files(), files, what);
      assert.equal(playground.files(playground.root)["outside/precious"], "mine", what);
      assert.deepEqual(playground.surroundings(), ["app", "outside", "state"], what);
    }
    // The refusal is over with the commit.
    await playground.commitRawTree([
      { mode: "100644", name: "good", id: await playground.blob("x") },
    ]);
    await playground.checkOut();
    assert.deepEqual(playground.files(), { "good": "x" });
  }
});

peerTest(
  "hostile destination: no link is written through, at first or later",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const outside = await withTargets(playground);
    const link = join(playground.app, "sub");
    await Deno.symlink(outside, link);
    await playground.commit({ "index": "1", "sub/precious": "evil", "sub/new": "evil" });
    const refusal = (error: unknown) =>
      error instanceof AgentError && error.kind === "refused" &&
      /symbolic link/.test(error.message);
    await assert.rejects(playground.checkOut(), refusal);
    assert.deepEqual(playground.files(), { "sub": `→ ${outside}` });
    await Deno.remove(link);
    await playground.checkOut();
    assert.equal(playground.files()["sub/precious"], "evil");

    await Deno.remove(link, { recursive: true });
    await Deno.symlink(outside, link);
    await playground.commit({ "sub/precious": "worse" });
    await assert.rejects(playground.checkOut(), refusal);
    // Files that the repository deletes are not deleted through the link either.
    await playground.commit({ "sub/precious": null, "sub/new": null });
    await playground.checkOut();
    assert.deepEqual(playground.files(outside), { "precious": "mine" });
    assert.deepEqual(playground.files(), { "index": "1", "sub": `→ ${outside}` });
  },
);

peerTest(
  "hostile destination: a link in a file's place is replaced, not followed",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const outside = await withTargets(playground);
    const precious = join(outside, "precious");
    await Deno.symlink(precious, join(playground.app, "index"));
    await playground.commit({ "index": "1" });
    await playground.checkOut();
    assert.deepEqual(playground.files(), { "index": "1" });
    await Deno.remove(join(playground.app, "index"));
    await Deno.symlink(precious, join(playground.app, "index"));
    await playground.commit({ "index": "2" });
    const { notes } = await playground.checkOut();
    assert.deepEqual(notes.localChanges.first, ["index"]);
    await Deno.remove(join(playground.app, "index"));
    await Deno.symlink(precious, join(playground.app, "index"));
    await playground.commit({ "index": null, "other": "3" });
    await playground.checkOut();
    assert.deepEqual(playground.files(), { "other": "3" });
    assert.deepEqual(playground.files(outside), { "precious": "mine" });
  },
);

peerTest("hostile destination: a link in the staging place is not entered", ["git"], async () => {
  await using playground = await Playground.open();
  const outside = await withTargets(playground);
  await Deno.symlink(outside, join(playground.root, "app.agent"));
  await Deno.symlink(outside, join(playground.app, ".cartridge-agent"));
  await playground.commit({ "index": "1" });
  await playground.checkOut();
  assert.deepEqual(playground.files(), { "index": "1" });
  assert.deepEqual(playground.files(outside), { "precious": "mine" });
});

peerTest("limits: too many files, too many bytes, too many bytes on disk", ["git"], async () => {
  await using playground = await Playground.open();
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  await playground.commit({ "noise": noise });
  const limited = (bytes: number, files: number) =>
    playground.checkOut({ limits: { bytes, files } });
  const isLimit = (setting: RegExp) => (error: unknown) =>
    error instanceof AgentError && error.kind === "limit" && !error.retryable &&
    setting.test(error.message);
  await assert.rejects(
    limited(30_000, 10),
    isLimit(/more than 30000 bytes \(artifact.limit.bytes\)/),
  );
  const files = Object.fromEntries(
    Array.from({ length: 11 }, (_, index) => [`f${index}`, `${index}`]),
  );
  await playground.commit(files);
  await assert.rejects(limited(1e6, 10), isLimit(/more than 10 files \(artifact.limit.files\)/));
  // One blob that travels once and is a hundred files.
  const id = await playground.blob("z".repeat(50_000));
  await playground.commitRawTree(
    Array.from({ length: 100 }, (_, index) => ({ mode: "100644", name: `f${100 + index}`, id })),
  );
  await assert.rejects(limited(1e6, 1000), isLimit(/artifact.limit.bytes/));
  assert.deepEqual(playground.files(), {});
  await limited(1e7, 1000);
  assert.equal(Object.keys(playground.files()).length, 100);
});
