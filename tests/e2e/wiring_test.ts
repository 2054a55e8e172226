/** What only the agent as a whole can get wrong: that its parts know of each other. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Secret } from "../../src/base/secret.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { contentOf, packet } from "../broker/wire.ts";
import { peerTest } from "../system_peers.ts";
import {
  holdingScript,
  sayingScript,
  untilFile,
  untilLogged,
  untilSaid,
} from "./extension_runs.ts";
import { embeddedPeers, systemPeers } from "./peer_kit.ts";
import { canaries, openScene, patience, type Scene, sequence, wholeLife } from "./scene.ts";

const otherMember = { ...sandboxMember, memberId: `${sandboxMember.memberId}-other` };

for (const kit of [embeddedPeers, systemPeers]) {
  peerTest(
    `wiring: on ${kit.name} a member event that was missed in a gap is run as inferred`,
    kit.needs,
    async () => {
      const names = ["STRATOS_EVENT_MEMBER_ID", "STRATOS_EVENT_INFERRED"];
      await using scene = await openScene(kit, {
        receiver: false,
        line: true,
        home: { extensions: { "bash/MemberActivatedEvent.sh": sayingScript(names) } },
      });
      const { platform, home, line } = scene;
      await scene.start();
      await becomeActive(scene);
      assert.equal(
        await untilSaid(home, `MemberActivatedEvent ${sandboxMember.memberId} `),
        `MemberActivatedEvent ${sandboxMember.memberId} `,
        "what was not missed is not inferred",
      );
      await line!.cut();
      await platform.addMember({ identity: otherMember, state: "Active" });
      line!.mend();
      assert.equal(
        await untilSaid(home, `MemberActivatedEvent ${otherMember.memberId} `),
        `MemberActivatedEvent ${otherMember.memberId} true`,
      );
      assert.deepEqual(platform.faults, []);
    },
  );

  peerTest(
    `wiring: on ${kit.name} the session is gone from the broker once the member may be shut down`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, { receiver: false });
      const { platform, broker, home } = scene;
      const first = await scene.start();
      await becomeActive(scene);
      await first.kill();
      assert.equal(await hasSession(broker.port), true, "it outlives a crash");
      await Deno.remove(join(home.logDir, "agent.log"));
      const second = await scene.start();
      await untilLogged(home, "the session goes on");
      await platform.sendCleanupMember();
      await platform.until("InstanceReadyToShutdownEvent", patience);
      await untilLogged(home, "a new session");
      assert.equal(await second.end(), 0, second.output());
      assert.equal(await hasSession(broker.port), false);
    },
  );

  peerTest(
    `wiring: on ${kit.name} an agent that is to end waits for the line to tell what is due`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, {
        receiver: false,
        line: true,
        home: {
          extensions: { "bash/StartServers.sh": holdingScript },
          settings: { "shutdown.timeout": "30" },
        },
      });
      const { platform, home, line } = scene;
      const agent = await scene.start();
      const letGo = await holdAt(scene, "StartServers");
      await line!.cut();
      await letGo();
      await untilFile(join(home.stateDir, "lifecycle.json"), (text) => text.includes("activated"));
      const ended = agent.end();
      await untilLogged(home, "Ending because of SIGTERM");
      line!.mend();
      assert.equal(await ended, 0, agent.output());
      await platform.until("InstanceActivatedEvent", patience);
      assert.deepEqual(sequence(platform), wholeLife.slice(0, 2));
      assert.doesNotMatch(await readLog(scene), /Not ended within/);
    },
  );
}

Deno.test("wiring: a port that closes after activation is told to the receiver", async () => {
  using application = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using scene = await openScene(embeddedPeers, {
    home: {
      ports: [application.addr.port],
      settings: { "health.ports.check": "true", "stats.notifier.interval": "1" },
    },
  });
  const told: string[] = [];
  const nextMemory = () => {
    const value = scene.nextHealth("memory_consumption");
    const { onHealth } = scene.receiver!;
    scene.receiver!.onHealth = (name, value) => {
      told.push(name);
      onHealth(name, value);
    };
    return value;
  };
  const first = nextMemory();
  await scene.start();
  await becomeActive(scene);
  await first;
  await nextMemory();
  assert.ok(!told.includes("ports_not_open"), "the port is open");
  const closed = scene.nextHealth("ports_not_open");
  application.close();
  assert.equal(await closed, 1);
});

Deno.test("wiring: an unacknowledged status event is warned about when the setting says so", async () => {
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    home: {
      extensions: { "bash/StartServers.sh": holdingScript },
      settings: { "mb.publisher.timeout": "1" },
    },
  });
  const { broker, home } = scene;
  await scene.start();
  const letGo = await holdAt(scene, "StartServers");
  await broker.stop();
  await letGo();
  await untilLogged(home, 'instance/status/InstanceActivatedEvent" is unacknowledged for 1 s');
});

Deno.test("wiring: warnings about the configuration are in the log from the start", async () => {
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    home: { settings: { "mb.ca.file": "/nonexistent/ca.pem", "mb.no.such": "x" } },
  });
  await scene.start();
  const log = await untilLogged(scene.home, "mb.ca.file without mb.tls=true");
  assert.match(log, /WARNING .*mb\.ca\.file without mb\.tls=true/);
  assert.match(log, /WARNING .*mb\.no\.such/);
});

Deno.test("wiring: the processor's use is looked at long before it is published", async () => {
  await using scene = await openScene(embeddedPeers, {
    home: { extensions: { "launcher": listingLauncher } },
  });
  const { platform, home } = scene;
  await scene.start();
  await platform.until("CompleteTopologyRequestEvent", patience);
  // Nothing else asks for it before the member is active.
  await untilFile(join(home.path, "launches"), (verbs) => verbs.includes("probe cgroup"));
  assert.equal(platform.state(), "Created");
});

peerTest(
  "wiring: secrets are hidden wherever text leaves the agent, whoever prints them",
  ["git"],
  async () => {
    const wrong = "canary-wrong-password";
    await using scene = await openScene(embeddedPeers, {
      files: { "index.html": "first" },
      receiver: false,
      home: {
        settings: { "artifact.activate.on.failure": "true" },
        extensions: {
          "bash/StartServers.sh": printing("the key is $STRATOS_CARTRIDGE_KEY"),
          "bash/InstanceActivatedEvent.sh": printing(
            `the broker takes ${canaries.broker}, the repository ${wrong}`,
          ),
        },
      },
    });
    const { platform, home, repositories } = scene;
    // Without it everything goes to the terminal as well.
    await Deno.remove(join(home.path, "logging.ini"));
    platform.setRepositories(
      repositories.map((each) => ({ ...each, password: new Secret(wrong) })),
    );
    const agent = await scene.start();
    await becomeActive(scene);
    await untilLogged(home, "the broker takes");
    assert.equal(await agent.end(), 0, agent.output());
    const places = new Map([["the output", agent.output()]]);
    for await (const { name } of Deno.readDir(home.logDir)) {
      places.set(name, await Deno.readTextFile(join(home.logDir, name)));
    }
    for (const place of ["the output", "agent.log", "error.log"]) {
      assert.match(places.get(place) ?? "", /The checkout failed/, place);
    }
    for (const place of [...places.keys()]) {
      assert.match(places.get(place)!, /the key is \*\*\*/, place);
      assert.match(places.get(place)!, /the broker takes \*\*\*, the repository \*\*\*/, place);
    }
    const secrets = [canaries.cartridgeKey, canaries.broker, wrong];
    for (const [place, text] of places) {
      for (
        const secret of secrets.flatMap((each) => [each, btoa(each), btoa(`deployer:${each}`)])
      ) {
        assert.ok(!text.includes(secret), `${secret} stands in ${place}`);
      }
    }
  },
);

peerTest(
  "wiring: an agent whose files are in place is active once the Git server that was down is back",
  ["git"],
  async () => {
    await using scene = await openScene(embeddedPeers, {
      files: { "index.html": "first" },
      front: true,
      receiver: false,
      home: { settings: { "artifact.clone.retries": "1", "artifact.update.interval": "1" } },
    });
    const { platform, home, front } = scene;
    const first = await scene.start();
    await becomeActive(scene);
    await first.kill();
    await front!.stop();
    await Deno.remove(join(home.logDir, "agent.log"));
    await scene.start();
    await untilLogged(home, "The checkout failed after 1 of 1 attempts");
    // What the first agent could not see acknowledged was sent again before.
    const from = platform.mark;
    front!.start();
    await platform.until("InstanceActivatedEvent", { ...patience, from });
    assert.equal(await Deno.readTextFile(join(home.applicationPath, "index.html")), "first");
    assert.deepEqual(platform.faults, []);
  },
);

async function becomeActive({ platform }: Scene): Promise<void> {
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
}

/** Brings the agent into an extension that holds; the result lets it end. */
async function holdAt({ platform, home }: Scene, event: string): Promise<() => Promise<void>> {
  const hold = join(home.path, "hold");
  await Deno.writeTextFile(hold, "");
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await untilFile(join(home.path, "marks"), (marks) => marks.includes(event));
  return () => Deno.remove(hold);
}

function readLog({ home }: Scene): Promise<string> {
  return Deno.readTextFile(join(home.logDir, "agent.log"));
}

/** Whether the broker keeps a session for the member, as its answer to a CONNECT without clean says. */
async function hasSession(port: number): Promise<boolean> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const texts = [sandboxMember.memberId, "agent", canaries.broker].flatMap(lengthAndBytes);
  const withNameAndPassword = 0xc0;
  await connection.write(
    packet(0x10, [...lengthAndBytes("MQTT"), 4, withNameAndPassword, 0, 30, ...texts]),
  );
  const answer = new Uint8Array(4);
  for (let length = 0, read; length < 4; length += read) {
    read = await connection.read(answer.subarray(length)) ?? assert.fail("no answer");
  }
  const [flags, code] = contentOf(answer);
  assert.equal(code, 0, "let in");
  return flags === 1;
}

function lengthAndBytes(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [bytes.length >> 8, bytes.length & 255, ...bytes];
}

/** Fails, for then the agent repeats what was printed in its own log. */
function printing(text: string): string {
  return `#!/bin/sh\necho "${text}"\nexit 1\n`;
}

/** The launcher, with its verbs listed in `launches` of the home. */
const listingLauncher = `#!/bin/sh
echo "$*" >>"\${0%/*}/../launches"
exec '${fileURLToPath(new URL("../../extensions/launcher", import.meta.url))}' "$@"
`;
