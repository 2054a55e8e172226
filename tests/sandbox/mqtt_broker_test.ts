import assert from "node:assert/strict";
import { openMqttBroker } from "../../src/sandbox/mqtt_broker.ts";
import { issue, makeAuthority } from "../broker/certificates.ts";
import { freePort } from "../mosquitto.ts";
import { openMqttPeer } from "../broker/mqtt_peer.ts";

Deno.test("embedded broker: lets in who knows the password and tells of every attempt", async () => {
  const seen: boolean[] = [];
  await using broker = await openMqttBroker({
    username: "u",
    password: "right",
    onConnect: (_clientId, accepted) => void seen.push(accepted),
  });
  for (const credentials of [{}, { username: "u", password: "wrong" }, { username: "x" }]) {
    await assert.rejects(openMqttPeer(broker.port, credentials));
  }
  await using peer = await openMqttPeer(broker.port, { username: "u", password: "right" });
  assert.deepEqual(peer.received, []);
  assert.deepEqual(seen, [false, false, false, true]);
});

Deno.test("embedded broker: hands large messages on", async () => {
  await using broker = await openMqttBroker();
  await using peer = await openMqttPeer(broker.port);
  await peer.subscribe("a", 1);
  const large = "x".repeat(5_000_000);
  await peer.publish("a", large, 1);
  await peer.untilReceived(1);
  assert.ok(peer.received[0] === `a ${large}`);
});

Deno.test("embedded broker: is gone after kill and back on the same port after restart", async () => {
  const port = freePort();
  await using broker = await openMqttBroker({ port });
  assert.equal(broker.port, port);
  await broker.kill();
  await broker.kill();
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }), {
    name: "ConnectionRefused",
  });
  await broker.restart();
  await broker.restart();
  await using peer = await openMqttPeer(port);
  await peer.publish("a", "1");
  await broker[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

Deno.test("embedded broker: says so when the port is taken", async () => {
  await using broker = await openMqttBroker();
  await assert.rejects(openMqttBroker({ port: broker.port }), {
    kind: "unavailable",
    message: new RegExp(`Cannot listen on "127.0.0.1:${broker.port}"`),
  });
});

Deno.test("embedded broker: closes although a client never finishes its TLS handshake", async () => {
  const authority = await makeAuthority();
  const broker = await openMqttBroker({ tls: await issue(authority, "broker.example") });
  using silent = await Deno.connect({ hostname: "127.0.0.1", port: broker.port });
  await silent.write(Uint8Array.of(0x16, 3, 1));
  await broker[Symbol.asyncDispose]();
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: broker.port }), {
    name: "ConnectionRefused",
  });
});
