import assert from "node:assert/strict";
import { laneLimits } from "../../src/agent/lane_limits.ts";
import { limitsInTurn, stuckReasons } from "../../src/agent/service.ts";
import { parseWishes } from "../../src/agent/service_launcher.ts";
import { ServiceNotifier, type ServiceWishes } from "../../src/agent/service_notifier.ts";
import { Lanes } from "../../src/lifecycle/lanes.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";

interface Told extends AsyncDisposable {
  readonly notifier: ServiceNotifier;
  /** What the manager heard, one element for each datagram. */
  readonly told: string[];
  readonly clock: FakeClock;
  readonly log: ReturnType<typeof memoryLog>;
}

interface Options {
  readonly wishes?: ServiceWishes;
  readonly stuck?: () => readonly string[];
  /** Before it is told; may reject. */
  readonly hear?: () => Promise<void>;
}

function tell({ wishes, stuck, hear }: Options = {}): Told {
  const told: string[] = [];
  const clock = new FakeClock();
  const log = memoryLog();
  const notifier = new ServiceNotifier({
    manager: {
      wishes: () => Promise.resolve(wishes ?? { listens: true, watchdogMs: 60_000 }),
      tell: async (assignments) => {
        await hear?.();
        told.push(assignments.join(" "));
      },
    },
    stuck: stuck ?? (() => []),
    log,
    clock,
  });
  return {
    notifier,
    told,
    clock,
    log,
    [Symbol.asyncDispose]: () => notifier[Symbol.asyncDispose](),
  };
}

Deno.test("service notifier: is silent about readiness until it is told, and says it once", async () => {
  await using agent = tell({ wishes: { listens: true } });
  await agent.clock.advance(1_000_000);
  assert.deepEqual(agent.told, []);
  agent.notifier.ready();
  agent.notifier.ready();
  await agent.clock.advance(1);
  agent.notifier.ready();
  await agent.clock.advance(1);
  assert.deepEqual(agent.told, ["READY=1"]);
});

Deno.test("service notifier: feeds the watchdog three times as often as it must", async () => {
  await using agent = tell();
  await agent.clock.advance(1);
  assert.deepEqual(agent.told, ["WATCHDOG=1"]);
  await agent.clock.advance(60_000);
  assert.deepEqual(agent.told, Array(4).fill("WATCHDOG=1"));
});

Deno.test("service notifier: feeds no watchdog that nobody set", async () => {
  await using agent = tell({ wishes: { listens: true } });
  await agent.clock.advance(600_000);
  assert.deepEqual(agent.told, []);
});

Deno.test("service notifier: gives no sign of life while there is no progress", async () => {
  let reasons: string[] = [];
  await using agent = tell({ stuck: () => reasons });
  await agent.clock.advance(20_001);
  assert.equal(agent.told.length, 2);
  reasons = ["lane main is stuck"];
  await agent.clock.advance(120_000);
  assert.equal(agent.told.length, 2);
  const said = agent.log.records.filter(({ level }) => level === "error");
  assert.equal(said.length, 1, "said once");
  assert.match(said[0]!.message, /ends the agent in 60 s: lane main is stuck/);
  reasons = [];
  await agent.clock.advance(20_000);
  assert.equal(agent.told.length, 3, "and again when there is");
});

Deno.test("service notifier: says the newest of what waits, in one go", async () => {
  const gate = Promise.withResolvers<void>();
  await using agent = tell({ wishes: { listens: true }, hear: () => gate.promise });
  agent.notifier.status("first");
  await agent.clock.advance(1);
  agent.notifier.status("second");
  agent.notifier.ready();
  agent.notifier.status("third\nMAINPID=1");
  gate.resolve();
  await agent.clock.advance(1);
  assert.deepEqual(agent.told, ["STATUS=first", "STATUS=third MAINPID=1 READY=1"]);
});

Deno.test("service notifier: repeats readiness until it is heard, an old sign of life never", async () => {
  let failures = 2;
  const hear = () => failures-- > 0 ? Promise.reject(new Error("hangs")) : Promise.resolve();
  await using agent = tell({ hear });
  agent.notifier.ready();
  await agent.clock.advance(4_000);
  assert.deepEqual(agent.told, []);
  await agent.clock.advance(6_001);
  assert.deepEqual(agent.told, ["READY=1"]);
  assert.equal(agent.log.records.filter(({ level }) => level === "warning").length, 1);
});

Deno.test("service notifier: says that the agent ends, and nothing after it", async () => {
  await using agent = tell();
  agent.notifier.ready();
  await agent.clock.advance(1);
  const ending = agent.notifier.ending(10_000);
  agent.notifier.status("active");
  await agent.clock.advance(1);
  await ending;
  agent.notifier.ready();
  await agent.clock.advance(100_000);
  assert.deepEqual(agent.told, ["READY=1 WATCHDOG=1", "STOPPING=1"]);
});

Deno.test("service notifier: does not keep the agent from ending when nobody hears", async () => {
  await using agent = tell({ hear: () => new Promise(() => {}) });
  agent.notifier.ready();
  await agent.clock.advance(1);
  const ending = agent.notifier.ending(10_000);
  await agent.clock.advance(2_000);
  await ending;
  // The one that hangs is given up by its own limit, which is not the notifier's.
  const disposed = agent.notifier[Symbol.asyncDispose]();
  await agent.clock.advance(2_000);
  await disposed;
});

Deno.test("service notifier: warns when nobody listens, and lets the agent be", async () => {
  await using agent = tell({ wishes: { listens: false } });
  agent.notifier.ready();
  await agent.clock.advance(100_000);
  await agent.notifier.ending(10_000);
  assert.deepEqual(agent.told, []);
  assert.match(agent.log.text(), /warning test service.manager=systemd, but nobody listens/);
});

const limits = laneLimits(
  {
    extensions: {
      timeoutMs: 10_000,
      timeoutMsByEvent: {},
      graceMs: 1_000,
      allowedModules: [],
    },
    artifacts: {
      cloneRetries: 1,
      cloneRetryIntervalMs: 1_000,
      limits: { bytes: 1, files: 1, timeoutMs: 10_000 },
    },
  } as unknown as Parameters<typeof laneLimits>[0],
  () => Infinity,
);

Deno.test("service: a job that outlasts its limit stops the signs of life", async () => {
  const clock = new FakeClock();
  const lanes = new Lanes({ onOverflow: () => {}, onDropped: () => {} }, () => clock.monotonicMs());
  const gate = Promise.withResolvers<void>();
  lanes.add("lifecycle", { name: "extension StartServers", run: () => gate.promise });
  await clock.advance(70_000);
  assert.deepEqual(stuckReasons(lanes.reports, limits), []);
  await clock.advance(2_000);
  assert.deepEqual(stuckReasons(lanes.reports, limits), [
    "lane lifecycle is stuck: extension StartServers runs for 72 s",
  ]);
  gate.resolve();
  await lanes.idle();
  assert.deepEqual(stuckReasons(lanes.reports, limits), []);
});

Deno.test("service: a checkout that waits its turn is no standstill as long as others end", () => {
  const lane = (job: string) => [{
    name: "lifecycle" as const,
    depth: 1,
    running: job,
    runningMs: 1_000_000,
  }];
  const checkout = lane("checkout of tenant 7");
  assert.deepEqual(stuckReasons(checkout, limitsInTurn(limits, () => 20_000)), []);
  assert.equal(stuckReasons(checkout, limitsInTurn(limits, () => 1_000_000)).length, 1);
  const write = lane("write of the state");
  assert.equal(stuckReasons(write, limitsInTurn(limits, () => 0)).length, 1);
  assert.deepEqual(stuckReasons(lane("wait for ports"), limits), [], "may take for ever");
});

Deno.test("service: reads what the launcher says of systemd", () => {
  assert.deepEqual(parseWishes([]), { listens: false });
  assert.deepEqual(parseWishes(["notify 1"]), { listens: true });
  const all = ["notify 1", "watchdog_usec 60000000", "later more"];
  assert.deepEqual(parseWishes(all), { listens: true, watchdogMs: 60_000 });
  for (const odd of ["0", "x", "-1", "", "1e400"]) {
    assert.deepEqual(parseWishes(["notify 1", `watchdog_usec ${odd}`]), { listens: true });
  }
});
