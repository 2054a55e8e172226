import assert from "node:assert/strict";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { runSandbox, type SandboxOptions, type SandboxOutcome } from "../../src/sandbox/sandbox.ts";
import { peerTest } from "../system_peers.ts";
import { type Mischief, openHomeClient, startFakeAgent } from "./fake_agent.ts";

/** The outcome, what was printed, and where the home was. */
interface Shown {
  readonly outcome: SandboxOutcome;
  readonly lines: readonly string[];
}

/** Runs the sandbox with a scripted agent and looks that nothing is left of it. */
async function show(
  mischief: readonly Mischief[],
  options: Partial<SandboxOptions> = {},
  look: (home: string, line: string) => void = () => {},
): Promise<Shown> {
  const lines: string[] = [];
  let home = "";
  const outcome = await runSandbox({
    once: true,
    write: (line) => {
      lines.push(line);
      look(home, line);
    },
    colour: false,
    startAgent: (path) => {
      home = path;
      return startFakeAgent(path, new Set(mischief));
    },
    signal: new AbortController().signal,
    portDelayMs: 50,
    stepLimitMs: 10_000,
    ...options,
  });
  assert.notEqual(home, "");
  await assert.rejects(Deno.stat(home), Deno.errors.NotFound, "the home is still there");
  return { outcome, lines };
}

/** The lines without their times. */
function told(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^ *\d+\.\d\d s {2}/, "").replace(/ +/, " "));
}

peerTest(
  "sandbox: misses nothing and tells all when the agent lives its life",
  ["git"],
  async () => {
    const { outcome, lines } = await show([]);
    assert.deepEqual(outcome, { missing: [], skipped: [] }, lines.join("\n"));
    const story = told(lines);
    const expected = [
      "agent asks for the topology",
      "platform member initialized",
      "agent asks for the tenants",
      "agent extension InstanceStartedEvent ran",
      "agent started",
      "platform names the repository of the artifacts",
      "agent artifacts checked out (3 files)",
      "agent activated",
      "receiver health: memory 41.2 %",
      "receiver health: load 12.0 %",
      "git a new commit arrives",
      "agent new commit checked out (4 files)",
      "platform asks the member to clean up",
      "agent in maintenance, cleaning up",
      "agent ready to shut down",
      "platform member terminated",
      "agent ended in order",
      "sandbox all 18 steps happened",
    ];
    assert.deepEqual(story.filter((line) => expected.includes(line)), expected, lines.join("\n"));
    assert.equal(
      story.filter((line) => line === "agent extension ArtifactUpdatedEvent ran").length,
      2,
    );
    assert.ok(story.includes("agent extension clean ran"));
    const portOpened = story.findIndex((line) => line.startsWith("server accepts connections"));
    assert.ok(portOpened < story.indexOf("agent activated"));
  },
);

Deno.test("sandbox: says what it skips and misses nothing when there is no Git", async () => {
  const { outcome, lines } = await show([], { git: false });
  assert.deepEqual(outcome.missing, [], lines.join("\n"));
  assert.equal(outcome.skipped.length, 5);
  assert.ok(outcome.skipped.includes("follows a new commit"));
  assert.ok(
    told(lines).includes("sandbox Git is not there: the steps about artifacts are skipped"),
  );
  assert.ok(told(lines).includes("sandbox skipped: follows a new commit"));
  assert.ok(told(lines).includes("sandbox all 13 steps happened"));
});

const omissions: readonly [Mischief, readonly string[]][] = [
  ["no tenants", ["asks for the tenants"]],
  ["no health", ["publishes the memory in use", "publishes the load average"]],
  ["no clean", ["runs the extension clean"]],
  ["no ready", ["publishes InstanceReadyToShutdown"]],
  ["activation before the port", ["publishes InstanceActivated once the port is open"]],
  ["stragglers", ["ends in order"]],
  ["ready before maintenance", ["sends nothing that a peer refuses"]],
  ["no activation", [
    "publishes InstanceActivated once the port is open",
    "publishes InstanceMaintenanceMode",
    "publishes InstanceReadyToShutdown",
    "sends nothing that a peer refuses",
  ]],
];

for (const [mischief, missing] of omissions) {
  Deno.test(`sandbox: names what is missing when the agent's mischief is "${mischief}"`, async () => {
    const portDelayMs = mischief === "activation before the port" ? 1_000 : 50;
    const { outcome, lines } = await show([mischief], {
      git: false,
      stepLimitMs: 2_500,
      portDelayMs,
    });
    assert.deepEqual(outcome.missing, missing, lines.join("\n"));
    assert.ok(told(lines).includes(`sandbox ! not seen: ${missing[0]}`));
  });
}

peerTest(
  "sandbox: names what is missing when the agent does not follow a commit",
  ["git"],
  async () => {
    const { outcome, lines } = await show(["no second checkout"], { stepLimitMs: 3_000 });
    assert.deepEqual(outcome.missing, [
      "follows a new commit",
      "runs the extension ArtifactUpdatedEvent for the new commit",
    ], lines.join("\n"));
  },
);

Deno.test("sandbox: stops waiting and says so when the agent ends by itself", async () => {
  const { outcome, lines } = await show(["ends early"], { git: false });
  assert.ok(told(lines).includes("agent ! ended unasked: by itself"), lines.join("\n"));
  assert.ok(outcome.missing.includes("publishes InstanceReadyToShutdown"));
  assert.ok(outcome.missing.includes("ends in order"));
});

Deno.test("sandbox: gives up after its whole time when steps do not come", async () => {
  const startMs = performance.now();
  const { outcome } = await show(["no tenants", "no health"], { git: false, limitMs: 1_500 });
  // One step alone would be waited for longer.
  assert.ok(performance.now() - startMs < 8_000);
  assert.ok(outcome.missing.includes("publishes the load average"));
});

Deno.test("sandbox: stays alive and says what to try when it is not told to end", async () => {
  const ctrlC = new AbortController();
  const options = { once: false, git: false, signal: ctrlC.signal };
  const { outcome, lines } = await show([], options, (_, line) => {
    if (line.includes("mosquitto_pub")) ctrlC.abort();
  });
  assert.deepEqual(outcome.missing, []);
  assert.ok(lines.some((line) => line.includes("Ctrl-C")));
  assert.equal(told(lines).at(-1), "agent ended in order");
});

Deno.test("sandbox: terminates the member when somebody tries the clean-up out", async () => {
  const ctrlC = new AbortController();
  const options = { once: false, git: false, signal: ctrlC.signal };
  let cleanedUp: Promise<void> | undefined;
  const { lines } = await show([], options, (home, line) => {
    if (line.includes("mosquitto_pub")) cleanedUp = publishCleanup(home);
    if (line.includes("would end the instance now")) ctrlC.abort();
  });
  await cleanedUp;
  assert.ok(told(lines).includes("platform member terminated"), lines.join("\n"));
  assert.equal(told(lines).at(-1), "agent ended in order");
});

async function publishCleanup(home: string): Promise<void> {
  await using client = await openHomeClient(home);
  const { memberId } = sandboxMember;
  const topic = "instance/notifier/InstanceCleanupMemberEvent";
  await client.publish(topic, JSON.stringify({ memberId }));
}

Deno.test("sandbox: ends in order when Ctrl-C comes in the middle", async () => {
  const ctrlC = new AbortController();
  const options = { git: false, signal: ctrlC.signal };
  const { outcome, lines } = await show([], options, (_, line) => {
    if (line.includes("member is Starting")) ctrlC.abort();
  });
  assert.ok(outcome.missing.includes("publishes InstanceReadyToShutdown"));
  assert.ok(told(lines).includes("agent ended in order"));
});

Deno.test("sandbox: closes everything and passes the error on when the agent cannot start", async () => {
  let home = "";
  const running = runSandbox({
    once: true,
    write: () => {},
    colour: false,
    git: false,
    signal: new AbortController().signal,
    startAgent: (path) => {
      home = path;
      return Promise.reject(new Error("no agent today"));
    },
  });
  await assert.rejects(running, /no agent today/);
  await assert.rejects(Deno.stat(home), Deno.errors.NotFound);
});

Deno.test("sandbox: prints no password when it plays once", async () => {
  const secrets = new Set<string>();
  const { lines } = await show([], { git: false }, (home) => {
    if (home === "") return;
    const conf = Deno.readTextFileSync(`${home}/agent.conf`);
    for (const [, value = ""] of conf.matchAll(/password = (\w+)/g)) secrets.add(value);
  });
  assert.equal(secrets.size, 2);
  for (const secret of secrets) assert.ok(!lines.join("\n").includes(secret));
});
