import assert from "node:assert/strict";
import { join } from "node:path";
import { openMqttBroker } from "../../src/sandbox/mqtt_broker.ts";
import { FakeClock } from "../fake_clock.ts";
import { openMosquitto } from "../mosquitto.ts";
import { peerTest } from "../system_peers.ts";
import { never, openAgentEnd } from "./agent_end.ts";
import { type Certificate, issue, makeAuthority } from "./certificates.ts";

const notifier = { filter: "instance/notifier/#", qos: 1 } as const;

/** Files of a directory that is removed at the end. */
async function openFiles(
  texts: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly at: (name: string) => string }> {
  const directory = await Deno.makeTempDir();
  const at = (name: string) => join(directory, name);
  for (const [name, text] of Object.entries(texts)) await Deno.writeTextFile(at(name), text);
  return {
    at,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

async function makeServer(
  addresses: readonly string[] = ["127.0.0.1"],
): Promise<{ authority: Certificate; server: Certificate }> {
  const authority = await makeAuthority();
  return { authority, server: await issue(authority, "broker.example", addresses) };
}

peerTest(
  "broker connection over TLS: shows its client certificate to mosquitto",
  ["mosquitto"],
  async () => {
    const { authority, server } = await makeServer();
    const client = await issue(authority, "member-1");
    await using broker = await openMosquitto({ tls: { ...server, clientCa: authority.cert } });
    await using files = await openFiles({
      "ca.pem": authority.cert,
      "cert.pem": client.cert,
      "key.pem": client.key,
    });
    const [caFile, certFile, keyFile] = ["ca.pem", "cert.pem", "key.pem"].map(files.at);
    await using agent = openAgentEnd([broker.port], {
      broker: { tls: { caFile: caFile!, certFile: certFile!, keyFile: keyFile! } },
    });
    await agent.connection.subscribe([notifier], never);
    const echo = { filter: "a/b", qos: 1 } as const;
    await agent.connection.subscribe([echo], never);
    await agent.connection.publish("a/b", "x".repeat(1_000_000), never);
    await agent.until(() => agent.messages.length === 1);

    await using stranger = openAgentEnd([broker.port], {
      clientId: "stranger",
      broker: { tls: { caFile: caFile! } },
      clock: new FakeClock(),
    });
    await stranger.until(() => stranger.log.text().includes("No broker is reachable"));
    assert.equal(stranger.connected.length, 0);
  },
);

Deno.test("broker connection over TLS: works with the embedded broker and its authority", async () => {
  const { authority, server } = await makeServer();
  await using broker = await openMqttBroker({ tls: server });
  await using files = await openFiles({ "ca.pem": authority.cert });
  await using agent = openAgentEnd([broker.port], {
    broker: { tls: { caFile: files.at("ca.pem") } },
  });
  await agent.connection.subscribe([notifier], never);
  await agent.connection.publish("instance/notifier/E", "x".repeat(3_000_000), never);
  await agent.until(() => agent.messages.length === 1);
});

Deno.test("broker connection over TLS: refuses a broker with another name", async () => {
  const { authority, server } = await makeServer([]);
  await using broker = await openMqttBroker({ tls: server });
  await using files = await openFiles({ "ca.pem": authority.cert });
  await using agent = openAgentEnd([broker.port], {
    clock: new FakeClock(),
    broker: { tls: { caFile: files.at("ca.pem") } },
  });
  await agent.until(() => agent.log.text().includes("No broker is reachable"));
  assert.match(agent.log.text(), /does not match certificate's altnames/);
});

Deno.test("broker connection over TLS: refuses a broker of an unknown authority, until the file is replaced", async () => {
  const { authority, server } = await makeServer();
  await using broker = await openMqttBroker({ tls: server });
  await using files = await openFiles({ "ca.pem": (await makeAuthority()).cert });
  const clock = new FakeClock();
  await using agent = openAgentEnd([broker.port], {
    clock,
    broker: { tls: { caFile: files.at("ca.pem") } },
  });
  const subscribed = agent.connection.subscribe([notifier], never);
  await agent.until(() => agent.log.text().includes("No broker is reachable"));
  assert.equal(agent.connected.length, 0);
  await Deno.writeTextFile(files.at("ca.pem"), authority.cert);
  await clock.untilSleeping();
  await clock.advance(1_000);
  await subscribed;
});

Deno.test("broker connection over TLS: says which file is missing or unusable, once", async () => {
  await using broker = await openMqttBroker();
  await using files = await openFiles({ "bad.pem": "nonsense" });
  for (const name of ["absent.pem", "bad.pem"]) {
    const clock = new FakeClock();
    await using agent = openAgentEnd([broker.port], {
      clock,
      broker: { tls: { caFile: files.at(name) } },
    });
    const errors = () => agent.log.records.filter(({ level }) => level !== "debug");
    await agent.until(() => errors().length === 1);
    assert.ok(errors()[0]!.message.includes(name), agent.log.text());
    assert.equal(errors()[0]!.level, "error");
    await clock.untilSleeping();
    await clock.advance(10_000);
    await agent.until(() => agent.log.records.length === 3);
    assert.equal(errors().length, 1, agent.log.text());
  }
});
