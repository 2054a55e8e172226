import assert from "node:assert/strict";
import { join } from "node:path";
import type { StatusSnapshot } from "../../src/status/snapshot.ts";
import { parseMetrics } from "../status/prometheus_text.ts";
import { peerTest } from "../system_peers.ts";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { canaries, openScene, patience, type Scene } from "./scene.ts";

const anyPort = { "status.listen": "127.0.0.1:0" };

/** Where the agent of a scene says its status is, without a slash at the end. */
async function statusOf({ home }: Scene): Promise<string> {
  const log = await untilFile(join(home.logDir, "agent.log"), (text) => address.test(text));
  return address.exec(log)![1]!;
}

const address = /The status is at (http:\/\/\S+)\//;

/** Resolves with the first snapshot of the event stream for which something holds. */
async function untilStatus(
  url: string,
  holds: (status: StatusSnapshot) => boolean,
): Promise<StatusSnapshot> {
  const over = new AbortController();
  const response = await fetch(`${url}/events`, {
    signal: AbortSignal.any([over.signal, AbortSignal.timeout(patience.timeoutMs)]),
  });
  let text = "";
  try {
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      const blocks = text.split("\n\n");
      text = blocks.pop()!;
      for (const block of blocks.filter((each) => each.startsWith("event: snapshot\n"))) {
        const status = JSON.parse(block.slice(block.indexOf("\ndata: ") + 7)) as StatusSnapshot;
        if (holds(status)) return status;
      }
    }
    throw new Error("the stream ended");
  } finally {
    over.abort();
  }
}

peerTest(
  "status: every endpoint of a running agent says what is true, and no secret",
  ["git"],
  async () => {
    await using scene = await openScene(embeddedPeers, {
      files: { "index.html": "first", "a/b.txt": "b" },
      home: {
        settings: anyPort,
        extensions: {
          "bash/StartServers.sh":
            `#!/bin/sh\necho "printed ${canaries.broker}"\necho "last line"\n`,
          "bash/MemberActivatedEvent.sh":
            `#!/bin/sh\necho "cannot: ${canaries.cartridgeKey}"\nexit 3\n`,
        },
      },
    });
    const { platform } = scene;
    const agent = await scene.start();
    const url = await statusOf(scene);
    await platform.until("CompleteTopologyRequestEvent", patience);
    await platform.initializeMember();
    await platform.until("InstanceActivatedEvent", patience);
    await scene.nextHealth("load_average");
    const status = await untilStatus(
      url,
      ({ extensions, health, counters }) =>
        extensions.some(({ event }) => event === "MemberActivatedEvent") &&
        health.samples.length > 0 && counters.acknowledged >= 2,
    );
    assert.equal(status.lifecycle.phase, "active");
    assert.deepEqual(status.lifecycle.published, ["started", "activated"]);
    assert.deepEqual(status.readiness, { ready: true, reasons: [] });
    assert.equal(status.broker.url, `127.0.0.1:${scene.broker.port}`);
    const servers = status.extensions.find(({ event }) => event === "StartServers");
    assert.equal(servers?.status, 0);
    assert.deepEqual(servers?.output, ["printed ***", "last line"]);
    const failed = status.extensions.find(({ event }) => event === "MemberActivatedEvent");
    assert.deepEqual([failed?.status, failed?.failures], [3, 1]);
    const [artifacts] = status.artifacts;
    assert.equal(artifacts?.state, "inStep");
    assert.equal(artifacts?.files, 2);
    assert.match(artifacts?.commit ?? "", /^[0-9a-f]{40}$/);
    assert.match(artifacts?.branch ?? "", /main|master/);
    assert.equal(artifacts?.destination, scene.home.applicationPath);
    assert.deepEqual(status.receivers.map(({ purpose, state }) => [purpose, state]), [
      ["health", "up"],
    ]);
    assert.ok(status.receivers[0]!.sent > 0 && status.receivers[0]!.sessionAgeMs! > 0);
    const titles = status.activity.map(({ title }) => title);
    assert.ok(titles.includes("Phase awaitingPorts → active"), titles.join("\n"));
    const event = status.activity.find(({ title }) => title.startsWith("MemberActivatedEvent"));
    assert.equal(event?.outcome, "failed");
    assert.match(event?.detail ?? "", /exit status 3/);
    assert.equal(status.counters.events["artifactUpdated"], 1);
    assert.ok(
      status.configuration.some(({ key, value }) => key === "mb.password" && value === "***"),
    );
    assert.ok(status.permissions.net.includes("127.0.0.1:0"));
    assert.ok(status.agent.memoryBytes > 1e7);

    for (const path of ["/livez", "/readyz"]) {
      const response = await fetch(url + path);
      assert.equal(response.status, 200, await response.text());
    }
    const metrics = parseMetrics(await (await fetch(`${url}/metrics`)).text());
    const value = (name: string) => metrics.find((each) => each.name === name)?.samples[0]?.value;
    assert.equal(value("cartridge_agent_ready"), 1);
    assert.equal(value("cartridge_agent_artifact_files"), 2);
    assert.ok(value("process_resident_memory_bytes")! > 1e7);
    const pageResponse = await fetch(`${url}/`);
    assert.match(await pageResponse.text(), /^<!doctype html>/i);
    assert.match(pageResponse.headers.get("content-security-policy")!, /^default-src 'none'/);
    const posted = await fetch(`${url}/status.json`, { method: "POST", body: "x" });
    assert.equal(posted.status, 405);
    await posted.body?.cancel();

    const said = await Promise.all(
      ["/", "/status.json", "/livez", "/readyz", "/metrics", "/nothing"].map(async (path) => {
        const response = await fetch(url + path);
        return `${JSON.stringify([...response.headers])}${await response.text()}`;
      }),
    );
    const all = `${said.join("\n")}${JSON.stringify(status)}`;
    for (const canary of Object.values(canaries)) assert.ok(!all.includes(canary), canary);
    assert.equal(await agent.end(), 0, agent.output());
  },
);

Deno.test("status: an agent that has lost its broker is alive and not ready, and says why", async () => {
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    line: true,
    home: { settings: anyPort },
  });
  const agent = await scene.start();
  const url = await statusOf(scene);
  await untilStatus(url, ({ readiness }) => readiness.ready);
  await scene.line!.cut();
  const status = await untilStatus(url, ({ broker }) => !broker.connected);
  assert.deepEqual(status.readiness.reasons, ["not connected to a broker"]);
  assert.notEqual(status.broker.lastError, undefined);
  const not = await fetch(`${url}/readyz`);
  assert.equal(not.status, 503);
  assert.equal(await not.text(), "not ready: not connected to a broker\n");
  const alive = await fetch(`${url}/livez`);
  assert.equal(alive.status, 200);
  await alive.body?.cancel();
  scene.line!.mend();
  const back = await untilStatus(url, ({ broker }) => broker.connected);
  assert.equal(back.broker.reconnects, 1);
  assert.equal(await agent.end(), 0, agent.output());
});

Deno.test("status: a port that is taken is one warning, and the agent does its work", async () => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    home: { settings: { "status.listen": `127.0.0.1:${other.addr.port}` } },
  });
  const agent = await scene.start();
  await scene.platform.until("CompleteTopologyRequestEvent", patience);
  await scene.platform.initializeMember();
  await scene.platform.until("InstanceActivatedEvent", patience);
  assert.equal(await agent.end(), 0, agent.output());
  const log = await Deno.readTextFile(join(scene.home.logDir, "agent.log"));
  assert.equal(log.match(/WARNING .*The status endpoint cannot listen/g)?.length, 1);
});

Deno.test("status: where others can reach it, only the token opens it", async () => {
  const token = "0123456789-token-canary";
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    home: {
      settings: { "status.listen": "0.0.0.0:0", "status.token.file": "extensions/token" },
      extensions: { token },
    },
  });
  const agent = await scene.start();
  const url = (await statusOf(scene)).replace("0.0.0.0", "127.0.0.1");
  const refused = await fetch(`${url}/status.json`);
  assert.equal(refused.status, 401);
  assert.doesNotMatch(await refused.text(), /phase/);
  const headers = { authorization: `Bearer ${token}` };
  const text = await (await fetch(`${url}/status.json`, { headers })).text();
  assert.match(text, /"phase"/);
  assert.ok(!text.includes(token));
  assert.equal(await agent.end(), 0, agent.output());
});
