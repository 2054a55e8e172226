import assert from "node:assert/strict";
import { join } from "node:path";
import type { AgentProcess } from "./agent_process.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience, type Scene } from "./scene.ts";

const ways: readonly (readonly [string, readonly string[] | undefined])[] = [
  ["with exactly its scope", undefined],
  ["in its seal", ["--allow-all"]],
];
for (const [title, flags] of ways) {
  Deno.test(`SIGHUP: an agent ${title} takes over what it can, says what it cannot, and lives on`, async () => {
    await using scene = await openScene(embeddedPeers, {
      receiver: false,
      home: { extensions: { "bash/StartServers.sh": "#!/bin/sh\nexec sleep 100\n" } },
    });
    const agent = await scene.start({
      ...(flags ? { flags } : {}),
      environment: { LOG_LEVEL: "" },
    });
    await scene.platform.until("CompleteTopologyRequestEvent", patience);

    await edit(
      scene,
      (text) =>
        text.replace(
          /stats\.notifier\.interval = .*/,
          "stats.notifier.interval = 33\nextension.timeout.StartServers = 1",
        )
          .replace(/mb\.username = .*/, "mb.username = somebody"),
    );
    await hangUp(
      agent,
      scene,
      /applied: stats\.notifier\.interval=33, extension\.timeout\.StartServers=1/,
    );
    await until(scene, /need a restart of the agent: mb\.username/);

    await edit(scene, (text) => text.replace("interval = 33", "interval = soon"));
    await hangUp(agent, scene, /not applied, the one before stays: .*soon/s);

    // The level of logging.ini: nothing below errors is written any more.
    await edit(scene, (text) => text.replace("interval = soon", "interval = 34"));
    await Deno.writeTextFile(join(scene.home.path, "logging.ini"), errorsOnly);
    Deno.kill(agent.pid, "SIGHUP");
    await scene.platform.initializeMember();
    await scene.platform.until("InstanceActivatedEvent", patience);
    await until(scene, /StartServers\.sh status=timed-out/);
    assert.equal(await agent.end(), 0, agent.output());
    const log = await logOf(scene);
    assert.doesNotMatch(log, /Ending because/);
    assert.equal(log.match(/starts for member/g)?.length, 1, "nothing was moved aside");
  });
}

Deno.test("SIGHUP: before the agent is at work it is not lost, and ends nothing", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const agent = await scene.start({ flags: ["--allow-all"] });
  await until(scene, /starts for member/);
  await hangUp(agent, scene, /The configuration was read again/);
  assert.equal(await agent.end(), 0, agent.output());
});

const errorsOnly = `[loggers]
keys=root
[handlers]
keys=file
[formatters]
keys=
[handler_file]
class=logging.FileHandler
args=("agent.log", "w")
[logger_root]
level=ERROR
handlers=file
`;

async function edit({ home }: Scene, change: (text: string) => string): Promise<void> {
  const path = join(home.path, "agent.conf");
  const text = await Deno.readTextFile(path);
  const changed = change(text);
  assert.notEqual(changed, text);
  await Deno.writeTextFile(path, changed);
}

async function hangUp({ pid }: AgentProcess, scene: Scene, expected: RegExp): Promise<void> {
  Deno.kill(pid, "SIGHUP");
  await until(scene, expected);
}

async function logOf({ home }: Scene): Promise<string> {
  return await Deno.readTextFile(join(home.logDir, "agent.log")).catch(() => "");
}

/** Looked for again and again: a watcher of the directory would miss what came before it. */
async function until(scene: Scene, expected: RegExp): Promise<void> {
  const deadlineMs = performance.now() + patience.timeoutMs;
  while (!expected.test(await logOf(scene))) {
    assert.ok(performance.now() < deadlineMs, `${expected} did not come:\n${await logOf(scene)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
