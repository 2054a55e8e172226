import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import mqtt from "mqtt";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { openMqttBroker } from "../../src/sandbox/mqtt_broker.ts";
import { embeddedPeers, type PeerKit, systemPeers } from "../e2e/peer_kit.ts";
import { canaries, openScene } from "../e2e/scene.ts";
import { freePort, openMosquitto } from "../mosquitto.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function emit(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(join(project, "scripts/agent"), {
    args: ["emit", ...args],
    env: { NO_COLOR: "1", DENO: Deno.execPath(), ...env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** A message as it came to somebody who listens to all. */
interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

/** Listens to all of a broker until the first message. */
async function firstMessage(
  port: number,
  login: { readonly username?: string; readonly password?: string },
): Promise<AsyncDisposable & { readonly message: Promise<Heard> }> {
  const client = mqtt.connect({ host: "127.0.0.1", port, protocolVersion: 4, ...login });
  const { promise, resolve } = Promise.withResolvers<Heard>();
  client.on("message", (topic, payload, { qos, retain }) => {
    resolve({ topic, payload: payload.toString(), qos, retain });
  });
  await client.subscribeAsync("#", { qos: 2 });
  return { message: promise, [Symbol.asyncDispose]: () => client.endAsync() };
}

const agentLogin = { username: "agent", password: canaries.broker };

for (const kit of [embeddedPeers, systemPeers] as readonly PeerKit[]) {
  peerTest(
    `emit: on ${kit.name} publishes an event of the home's member with the home's credentials`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, { receiver: false });
      await using listener = await firstMessage(scene.broker.port, agentLogin);
      const { code, out, err } = await emit([
        "InstanceCleanupClusterEvent",
        "--home",
        scene.home.path,
      ]);
      assert.equal(code, 0, err);
      const payload = `{"clusterId":"${sandboxMember.clusterId}",` +
        `"clusterInstanceId":"${sandboxMember.clusterInstanceId}"}`;
      const topic = "instance/notifier/InstanceCleanupClusterEvent";
      assert.deepEqual(await listener.message, { topic, payload, qos: 2, retain: false });
      assert.equal(out, `${topic}\n${payload}\n`);
      assert.ok(!(out + err).includes(canaries.broker));
    },
  );
}

Deno.test("emit: is heard on a broker of the command line, ids and password given, without a home", async () => {
  await using broker = await openMqttBroker(agentLogin);
  await using listener = await firstMessage(broker.port, agentLogin);
  await using place = await temporaryDirectory();
  const passwordFile = join(place.path, "the password");
  await Deno.writeTextFile(passwordFile, `${canaries.broker}\n`);
  const { code, err } = await emit([
    "--set",
    "tenantId=7",
    "DomainMappingRemovedEvent",
    "--set=applicationId=a",
    "--set=serviceName=s",
    "--set=clusterId=c",
    "--set=domainName=ü='x'",
    `--broker=127.0.0.1:${broker.port}`,
    `--home=${place.path}`,
    "--username=agent",
    `--password-file=${passwordFile}`,
  ]);
  assert.equal(code, 0, err);
  const { topic, payload } = await listener.message;
  assert.equal(topic, "domain/mapping/DomainMappingRemovedEvent");
  assert.equal(
    payload,
    '{"applicationId":"a","tenantId":7,"serviceName":"s","clusterId":"c",' +
      '"domainName":"ü\\u003d\\u0027x\\u0027"}',
  );
});

Deno.test("emit: never hands the home's credentials to a broker of the command line", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const seen: boolean[] = [];
  await using broker = await openMqttBroker({
    ...agentLogin,
    onConnect: (_clientId, accepted) => seen.push(accepted),
  });
  const { code, err } = await emit([
    "MemberStartedEvent",
    `--home=${scene.home.path}`,
    `--broker=127.0.0.1:${broker.port}`,
  ]);
  assert.equal(code, 69, err);
  assert.match(err, /Cannot publish to "127\.0\.0\.1:\d+": .*(refused|authorized)/i);
  assert.deepEqual(seen, [false], "asked once");
});

Deno.test("emit: uses the next broker of the home when the first is dead", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const conf = join(scene.home.path, "agent.conf");
  const text = await Deno.readTextFile(conf);
  const urls = `mb.urls = 127.0.0.1:${freePort()},127.0.0.1:${scene.broker.port}`;
  await Deno.writeTextFile(conf, text.replace(/^mb\.urls.*$/m, urls));
  await using listener = await firstMessage(scene.broker.port, agentLogin);
  const { code, err } = await emit(["TenantRemovedEvent", "--home", scene.home.path]);
  assert.equal(code, 0, err);
  assert.equal((await listener.message).payload, '{"tenantId":-1234}');
});

Deno.test("emit: ends with 69 when the broker is not there", async () => {
  await using place = await temporaryDirectory();
  const broker = `127.0.0.1:${freePort()}`;
  const { code, err, out } = await emit([
    "TenantRemovedEvent",
    "--set=tenantId=1",
    `--broker=${broker}`,
    `--home=${place.path}`,
  ]);
  assert.equal(code, 69, err);
  assert.match(err, new RegExp(`Cannot publish to "${broker}": .*refused`, "i"));
  assert.equal(out, "");
});

Deno.test("emit: ends with 69 within its limit when the broker says nothing", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = silent.accept();
  await using place = await temporaryDirectory();
  const { code, err } = await emit([
    "TenantRemovedEvent",
    "--set=tenantId=1",
    `--broker=127.0.0.1:${silent.addr.port}`,
    `--home=${place.path}`,
  ]);
  (await accepted).close();
  assert.equal(code, 69, err);
});

peerTest(
  "emit: leaves no session behind on the broker when it is done",
  ["mosquitto"],
  async () => {
    await using broker = await openMosquitto({ lines: ["sys_interval 1"] });
    await using place = await temporaryDirectory();
    const { code, err } = await emit([
      "TenantRemovedEvent",
      "--set=tenantId=1",
      `--broker=127.0.0.1:${broker.port}`,
      `--home=${place.path}`,
    ]);
    assert.equal(code, 0, err);
    const client = mqtt.connect({ host: "127.0.0.1", port: broker.port, protocolVersion: 4 });
    try {
      const { promise, resolve } = Promise.withResolvers<string>();
      client.on("message", (_topic, payload) => resolve(payload.toString()));
      await client.subscribeAsync("$SYS/broker/clients/disconnected");
      assert.equal(await promise, "0");
    } finally {
      await client.endAsync();
    }
  },
);

for (
  const [name, args, message] of [
    ["there is no name", [], /names no event; see: emit --list/],
    ["there are two names", ["A", "B"], /Unexpected argument 'B'/],
    ["there is no such event", ["MemberFlew"], /no event "MemberFlew"/],
    ["a field is unknown", ["TenantRemovedEvent", "--set=x=1"], /no field x; it has tenantId/],
    ["ids are missing", ["MemberStartedEvent", "--set=memberId=m"], /--set serviceName=… --set/],
    ["a field has no value", ["TenantRemovedEvent", "--set=tenantId"], /--set needs key=value/],
    [
      "the broker is no host:port",
      ["TenantRemovedEvent", "--set=tenantId=1", "--broker=nonsense"],
      /--broker is not host:port/,
    ],
    [
      "there is a password without a name",
      ["TenantRemovedEvent", "--set=tenantId=1", "--broker=a:1", "--password-file=p"],
      /--password-file needs --username/,
    ],
  ] as const
) {
  Deno.test(`emit: ends with 64 and says why when ${name}`, async () => {
    await using place = await temporaryDirectory();
    const { code, err } = await emit([...args, ...brokerIfNone(args), `--home=${place.path}`]);
    assert.equal(code, 64, err);
    assert.match(err, message);
  });
}

/** Without a broker the wrapper looks at the home first, which is not what is tried here. */
function brokerIfNone(args: readonly string[]): readonly string[] {
  return args.some((arg) => arg.startsWith("--broker")) ? [] : ["--broker=127.0.0.1:1"];
}

Deno.test("emit: ends with 78 when the password file cannot be read", async () => {
  await using place = await temporaryDirectory();
  const { code, err } = await emit([
    "TenantRemovedEvent",
    "--set=tenantId=1",
    "--broker=127.0.0.1:1",
    "--username=u",
    `--password-file=${place.path}/none`,
    `--home=${place.path}`,
  ]);
  assert.equal(code, 78, err);
  assert.match(err, /Cannot read the password in ".*none"/);
});

Deno.test("emit: lists every event with its fields", async () => {
  const { code, out } = await emit(["--list"]);
  assert.equal(code, 0);
  assert.match(
    out,
    /^topology\/MemberActivatedEvent: serviceName, clusterId, .*portMap \(object\)/m,
  );
  assert.match(out, /^domain\/mapping\/DomainMappingRemovedEvent: /m);
});
