import assert from "node:assert/strict";
import { permissionsOf } from "../../src/artifacts/git_worker_run.ts";
import type { ArtifactsConfig } from "../../src/config/agent_config.ts";
import { peerTest } from "../system_peers.ts";
import { canaryPassword, Playground } from "./playground.ts";
import { commitTree } from "./tree_commit.ts";
import { cartridgeKey, configFor, sourceFor } from "./sync_playground.ts";

const source = new URL("../../", import.meta.url).pathname;
const launcherPath = new URL("../../extensions/launcher", import.meta.url).pathname;
const script = new URL("./scoped_checkout.ts", import.meta.url).pathname;

Deno.test("permissionsOf: grants the repository's host and port and the job's directories only", () => {
  const job = {
    url: "https://[::1]/r.git",
    gitDirectory: "/state/git/1",
    destination: "/app",
    stagingDirectories: ["/app.agent/1"],
    backup: "/app_backup",
    limits: { bytes: 1, files: 1 },
    idleTimeoutMs: 1,
    localChanges: "discard",
  } as const;
  const paths = ["/state/git/1", "/app", "/app.agent/1", "/app_backup"];
  assert.deepEqual(permissionsOf(job), {
    net: ["[::1]:443"],
    read: paths,
    write: paths,
    env: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
  });
});

Deno.test("permissionsOf: grants a removal the job's directories and no host", () => {
  const job = {
    gitDirectory: "/state/git/1",
    destination: "/app",
    stagingDirectories: ["/app.agent/1"],
    removesDestination: false,
  };
  const paths = ["/state/git/1", "/app", "/app.agent/1"];
  const { net, read, write, run } = permissionsOf(job);
  assert.deepEqual([net, read, write, run], [false, paths, paths, false]);
});

/** Runs the program with the agent's scope, and what it says about itself. */
async function runScoped(
  playground: Playground,
  changes: Partial<ArtifactsConfig>,
  launcher?: string,
) {
  const paths = [
    playground.app,
    `${playground.app}_backup`,
    `${playground.app}.agent`,
    playground.stateDir,
  ];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--ignore-env",
      "--cached-only",
      `--allow-net=${playground.remote.address}`,
      // The program itself: its workers are loaded from there.
      `--allow-read=${[...paths, source].join(",")}`,
      `--allow-write=${paths.join(",")}`,
      ...(launcher === undefined ? [] : [`--allow-run=${launcher}`]),
      script,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = new Blob([JSON.stringify({
    config: {
      ...configFor(playground, { backupInitial: true, ...changes }),
      allowedHosts: [playground.remote.address, "127.0.0.1:9"],
    },
    stateDir: playground.stateDir,
    source: sourceFor(playground),
    cartridgeKey,
    launcher,
  })]);
  const [output] = await Promise.all([child.output(), input.stream().pipeTo(child.stdin)]);
  const errors = new TextDecoder().decode(output.stderr);
  assert.equal(output.code, 0, errors);
  return { errors, ...JSON.parse(new TextDecoder().decode(output.stdout)) };
}

peerTest(
  "permissions: a checkout and a removal need the agent's scope and no more",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "index.html": "hello" });
    await Deno.writeTextFile(`${playground.app}/before`, "x");
    const { outcomes, published, lines, denied, errors } = await runScoped(playground, {});
    const fine = { kind: "checkedOut", files: 1, commit };
    assert.deepEqual(outcomes.slice(0, 2), [fine, fine], lines.join("\n"));
    assert.match(outcomes[2].reason, /lacks a permission for it, of .*127.0.0.1:9/);
    assert.deepEqual(denied, [true, true, true]);
    assert.deepEqual(published, ["before", "index.html"]);
    assert.deepEqual(outcomes[3], { kind: "removed", files: 1 }, lines.join("\n"));
    assert.deepEqual(playground.files(), { "before": "x" });
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
    assert.deepEqual([...Deno.readDirSync(`${playground.stateDir}/git`)], []);
    assert(!(errors + lines.join("")).includes(canaryPassword));
  },
);

peerTest(
  "permissions: links, and publishing by one, need the launcher and no more of Deno",
  ["git"],
  async () => {
    for (const publish of ["files", "symlink"] as const) {
      await using playground = await Playground.open();
      const commit = await commitTree(playground, { "a": "1", "l": { link: "a" } });
      await Deno.writeTextFile(`${playground.app}/before`, "x");
      const { outcomes, published, lines, denied } = await runScoped(
        playground,
        { publish },
        launcherPath,
      );
      const fine = { kind: "checkedOut", files: 1, commit };
      assert.deepEqual(outcomes.slice(0, 2), [fine, fine], lines.join("\n"));
      assert.deepEqual(denied, [true, true, true]);
      const others = publish === "files" ? ["before"] : [];
      assert.deepEqual(published, ["a", ...others, "l"]);
      assert.deepEqual(outcomes[3], { kind: "removed", files: 2 }, lines.join("\n"));
      assert.deepEqual(playground.files(), { "before": "x" });
      assert.deepEqual(playground.surroundings(), ["app", "state"]);
    }
  },
);
