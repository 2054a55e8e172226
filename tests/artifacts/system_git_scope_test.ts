import assert from "node:assert/strict";
import { permissionsOf } from "../../src/artifacts/git_worker_run.ts";
import { peerTest } from "../system_peers.ts";
import { Playground } from "./playground.ts";
import { cartridgeKey, configFor, sourceFor } from "./sync_playground.ts";
import { launcher } from "./system_git_playground.ts";

const program = new URL("../../", import.meta.url).pathname;
const script = new URL("./system_git_scoped.ts", import.meta.url).pathname;

Deno.test("permissionsOf: grants no host to a job whose commit the system's git has brought", () => {
  const { net, run } = permissionsOf({
    url: "git@host:r.git",
    gitDirectory: "/state/git/1",
    destination: "/app",
    stagingDirectories: [],
    limits: { bytes: 1, files: 1 },
    idleTimeoutMs: 1,
    localChanges: "discard",
    transfer: { isWhole: true },
  });
  assert.deepEqual([net, run], [false, false]);
});

peerTest(
  "system git: checks out and follows with the launcher as only program, and no host",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "a": "1" });
    const paths = [playground.app, `${playground.app}.agent`, playground.stateDir];
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--ignore-env",
        "--cached-only",
        `--allow-read=${[...paths, program].join(",")}`,
        `--allow-write=${paths.join(",")}`,
        `--allow-run=${launcher}`,
        script,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const config = configFor(playground, { engine: "git", cloneRetries: 1, updateIntervalMs: 50 });
    const input = new Blob([JSON.stringify({
      config,
      stateDir: playground.stateDir,
      source: sourceFor(playground),
      cartridgeKey,
    })]);
    await input.stream().pipeTo(child.stdin);
    let text = "";
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (text === "") await playground.commit({ "a": "2" });
      text += piece;
    }
    assert.equal((await child.status).code, 0);
    const [first = "", second] = text.split("\n");
    const { outcome, lines } = JSON.parse(first);
    assert.deepEqual(outcome, { kind: "checkedOut", files: 1, commit }, lines.join("\n"));
    assert.equal(second, "updated");
    assert.deepEqual(playground.files(), { "a": "2" });
  },
);
