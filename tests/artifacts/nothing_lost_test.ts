import assert from "node:assert/strict";
import { join } from "node:path";
import { commitRound, edit, remoteFiles } from "./commit_playground.ts";
import { launcherLinks, Playground } from "./playground.ts";
import { openSync, sourceFor } from "./sync_playground.ts";
import { peerTest } from "../system_peers.ts";

const never = new AbortController().signal;

peerTest("sparse then auto.commit: deletes nothing that was never in place", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "web/a": "a\n", "other/b": "b\n" });
  await playground.checkOut({ sparse: ["web"] });
  const done = await commitRound(playground);
  assert.deepEqual(await remoteFiles(playground), { "web/a": "a\n", "other/b": "b\n" });
  assert.equal(done.committed.count, 0);
});

peerTest("removal: keeps what was committed and never pushed", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "a\n" });
  await playground.checkOut({ localChanges: "keep" });
  await edit(playground, { "upload": "precious\n" });
  await commitRound(playground, { password: "wrong" });
  const { text } = await playground.nativeGit("rev-parse", "HEAD");
  playground.remove();
  const shown = await playground.nativeGit("show", `${text.trim()}:upload`);
  assert.ok(playground.files().upload === "precious\n" || shown.text === "precious\n");
});

peerTest(
  "auto.commit: a checkout that is held leaves what a commit builds on",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "a\n" });
    await playground.checkOut({ localChanges: "keep" });
    const big = new Uint8Array(17 * 1024 * 1024);
    for (let at = 0; at < big.length; at += 65536) {
      crypto.getRandomValues(big.subarray(at, at + 65536));
    }
    await playground.commit({ "big": big });
    await playground.checkOut({ localChanges: "keep" });
    await playground.commit({ "c": "c\n" });
    await edit(playground, { "a": "local\n" });
    assert.equal((await playground.checkOut({ localChanges: "keep" })).kind, "held");
    const done = await commitRound(playground);
    assert.equal(done.pushed, true);
  },
);

peerTest("auto.commit: a change during staging is not overwritten", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "a\n" });
  await playground.checkOut({ localChanges: "keep" });
  await playground.commit({ "a": "theirs\n" });
  await playground.checkOut({ localChanges: "keep" }, {
    faultPoint: (point) => {
      if (point === "files staged") Deno.writeTextFileSync(join(playground.app, "a"), "precious\n");
    },
  }).catch(() => {});
  await commitRound(playground);
  const kept = await playground.nativeGit("log", "--all", "-p");
  assert.ok(playground.files().a === "precious\n" || kept.text.includes("+precious"), kept.text);
});

peerTest(
  "from symlink to files: a crash between link and directory loses nothing",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await Deno.remove(playground.app);
    await playground.commit({ "a": "a\n" });
    await playground.checkOutLinked();
    Deno.writeTextFileSync(join(playground.app, "upload"), "precious\n");
    const trees = join(playground.root, "app.agent", "trees");
    await playground.checkOut({
      trees,
      localChanges: "keep",
      stagingDirectories: [join(playground.root, "app.agent", "1")],
    }, {
      ...launcherLinks,
      faultPoint: (point) => {
        if (point === "link removed") throw new Error("crash");
      },
    }).catch(() => {});
    await Deno.mkdir(playground.app, { recursive: true });
    const done = await playground.checkOut({
      trees,
      localChanges: "keep",
      stagingDirectories: [join(playground.root, "app.agent", "1")],
    });
    assert.deepEqual(playground.files(), { "a": "a\n", "upload": "precious\n" });
    assert.equal(done.kind, "published");
  },
);

/** Another repository with one file. @returns Where it is. */
async function otherRepository({ remote }: Playground): Promise<string> {
  await remote.createRepository("other");
  await remote.commit("other", { "b": "b\n" });
  return remote.url("other");
}

async function treeOf(playground: Playground, repo: string) {
  return (await playground.remote.git(repo, ["ls-tree", "-r", "--name-only", "main"])).trim().split(
    "\n",
  );
}

peerTest(
  "takeover: is none while local changes of the former tenant hold the checkout",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "a\n" });
    const other = await otherRepository(playground);
    const { sync } = openSync(playground, { autoCommit: true, cloneRetries: 1 });
    await using _ = sync;
    await sync.checkOut(sourceFor(playground), never);
    await edit(playground, { "a": "local\n" });
    const outcome = await sync.checkOut(
      sourceFor(playground, { tenantId: 2, repoUrl: other }),
      never,
    );
    const names = Object.keys(playground.files());
    assert.ok(
      outcome.kind !== "checkedOut" || names.includes("b"),
      JSON.stringify([outcome, names]),
    );
  },
);

peerTest("first commit: does not go to another repository that has content", ["git"], async () => {
  await using playground = await Playground.open();
  const other = await otherRepository(playground);
  await playground.checkOut({ localChanges: "keep" });
  await edit(playground, { "secret": "of tenant 1\n" });
  await playground.remote.git("site", ["config", "http.receivepack", "false"]);
  const first = await commitRound(playground, { mayBegin: true });
  assert.ok(first.pushFailure);
  const done = await commitRound(playground, { url: other });
  assert.deepEqual(await treeOf(playground, "other"), ["b"]);
  assert.equal(done.kept?.why, "otherRepository");
});

peerTest(
  "first commit: a takeover does not push it to the other tenant's repository",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const other = await otherRepository(playground);
    const { sync } = openSync(playground, { autoCommit: true, cloneRetries: 1 });
    await using _ = sync;
    await sync.checkOut(sourceFor(playground), never);
    await edit(playground, { "secret": "of tenant 1\n" });
    // The first repository takes no pushes.
    await playground.remote.git("site", ["config", "http.receivepack", "false"]);
    await sync.checkOut(sourceFor(playground), never);
    await sync.checkOut(
      sourceFor(playground, { tenantId: 2, repoUrl: other }),
      never,
    );
    await sync.checkOut(
      sourceFor(playground, { tenantId: 2, repoUrl: other }),
      never,
    );
    assert.deepEqual(await treeOf(playground, "other"), ["b"]);
  },
);

peerTest(
  "auto.commit: what a link leads to in the moment of reading is not committed",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "a\n" });
    await playground.checkOut({ localChanges: "keep" });
    const secret = join(playground.root, "secret");
    await Deno.writeTextFile(secret, "key of root\n");
    await edit(playground, { "upload": "12345678901\n" });
    const path = join(playground.app, "upload");
    const { readFileSync, openSync } = Deno;
    const swap = () => {
      Deno.renameSync(path, `${path}.aside`);
      Deno.symlinkSync(secret, path);
    };
    const restore = () => Deno.renameSync(`${path}.aside`, path);
    Deno.readFileSync = (given) => {
      if (given !== path) return readFileSync(given);
      swap();
      const data = readFileSync(given);
      restore();
      return data;
    };
    Deno.openSync = (given, options) => {
      if (given !== path) return openSync(given, options);
      swap();
      const file = openSync(given, options);
      restore();
      return file;
    };
    try {
      await commitRound(playground);
    } finally {
      Object.assign(Deno, { readFileSync, openSync });
    }
    assert.ok(!JSON.stringify(await remoteFiles(playground)).includes("key of root"));
    await commitRound(playground);
    assert.equal((await remoteFiles(playground)).upload, "12345678901\n");
  },
);

peerTest(
  "linked: a tenant inside the super tenant's directory loses nothing",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "a\n" });
    const other = await otherRepository(playground);
    const { sync } = openSync(playground, {
      multiTenant: true,
      superTenantPath: "/",
      tenantPath: "/tenants",
      publish: "symlink",
      backupInitial: true,
    }, { makeLinks: launcherLinks.makeLinks as never });
    await using _ = sync;
    const first = await sync.checkOut(
      sourceFor(playground, { tenantId: 1, repoUrl: other }),
      never,
    );
    assert.equal(first.kind, "failed");
    const second = await sync.checkOut(sourceFor(playground, { tenantId: -1234 }), never);
    assert.equal(second.kind, "failed");
  },
);

/** A power cut may leave a file empty that was replaced without being forced to disk. */
peerTest(
  "auto.commit: a power cut after a commit that was not pushed removes no file",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "a\n" });
    await playground.checkOut({ localChanges: "keep" });
    await edit(playground, { "upload": "precious\n" });
    await playground.remote.git("site", ["config", "http.receivepack", "false"]);
    const forced = new Set<string>();
    const { openSync, renameSync } = Deno;
    const written = new Map<Deno.FsFile, string>();
    Deno.openSync = (path, options) => {
      const file = openSync(path, options);
      if (options?.write) {
        const { syncDataSync } = file;
        forced.delete(String(path));
        Object.assign(file, {
          syncDataSync: () => {
            forced.add(String(path));
            syncDataSync.call(file);
          },
        });
        written.set(file, String(path));
      }
      return file;
    };
    const lost = new Set<string>();
    Deno.renameSync = (from, to) => {
      renameSync(from, to);
      if (String(from).endsWith(".new")) {
        if (forced.has(String(from))) lost.delete(String(to));
        else lost.add(String(to));
      }
    };
    try {
      assert.ok((await commitRound(playground)).pushFailure);
    } finally {
      Object.assign(Deno, { openSync, renameSync });
    }
    for (const path of lost) {
      if (path.includes("/refs/heads/") || path.endsWith("/HEAD")) Deno.truncateSync(path);
    }
    await commitRound(playground).catch(String);
    await playground.checkOut({ localChanges: "keep" }).catch(String);
    assert.equal(playground.files().upload, "precious\n");
  },
);
