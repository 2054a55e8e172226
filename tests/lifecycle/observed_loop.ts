import type { World } from "../../src/lifecycle/interpreter.ts";
import { Lifecycle } from "../../src/lifecycle/lifecycle.ts";
import type {
  ArtifactSource,
  CheckoutOutcome,
  ExtensionRequest,
  Remembered,
} from "../../src/lifecycle/ports.ts";
import { FakeClock } from "../fake_clock.ts";
import { type MemoryLog, memoryLog } from "../memory_log.ts";
import { identity, lifecycleConfig, topologyWith } from "./simulated_agent.ts";

/** A lifecycle in a world that records what is asked of it; ended with the test. */
export interface ObservedLoop extends AsyncDisposable {
  readonly lifecycle: Lifecycle;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  /** Everything that was asked of the world, in order. */
  readonly calls: readonly string[];
  readonly requests: readonly ExtensionRequest[];
  /** Sources of all checkouts, in order. */
  readonly sources: readonly ArtifactSource[];
  /** Hands a message over as the broker does. */
  receive(topic: string, payload: object): boolean;
  /** Runs of that extension do not end before the result is resolved. */
  hold(event: string): PromiseWithResolvers<void>;
  /** Checkouts of repositories with `hangs` in their URL end now. */
  endHanging(): void;
  /** Lets everything that needs no time happen; `jobs` at most in one lane. */
  settle(jobs?: number): Promise<void>;
  /** Starts, and brings the member to Active. */
  becomeActive(): Promise<void>;
}

/** Opens a {@link ObservedLoop}. */
export function openLoop(
  options: { repo?: boolean; remembered?: Remembered; lbClusterId?: string } = {},
): ObservedLoop {
  const calls: string[] = [];
  const requests: ExtensionRequest[] = [];
  const sources: ArtifactSource[] = [];
  const held = new Map<string, PromiseWithResolvers<void>>();
  const hanging: (() => void)[] = [];
  const clock = new FakeClock();
  const log = memoryLog();
  const say = (call: string) => void calls.push(call);
  const world: World = {
    broker: {
      subscribe: (subscriptions) =>
        Promise.resolve(
          say(`subscribe ${subscriptions.map(({ filter, qos }) => `${filter}:${qos}`)}`),
        ),
      publish: (topic, payload) => Promise.resolve(say(`publish ${topic} ${payload}`)),
      forgetSession: () => Promise.resolve(say("forgetSession")),
    },
    outbox: {
      append: (topic) => Promise.resolve(say(`status ${topic.split("/").at(-1)}`)),
      flushed: () => Promise.resolve(),
    },
    extensions: {
      run: async (request, signal) => {
        requests.push(request);
        say(`run ${request.event}`);
        await Promise.race([held.get(request.event)?.promise, untilAborted(signal)]);
        if (!signal.aborted) return { kind: "succeeded" };
        say(`cancelled ${request.event}`);
        return { kind: "cancelled" };
      },
    },
    artifacts: {
      checkOut: async (source, signal): Promise<CheckoutOutcome> => {
        sources.push(source);
        say(`checkOut ${source.tenantId}`);
        if (source.repoUrl.includes("hangs")) {
          const { promise, resolve } = Promise.withResolvers<void>();
          hanging.push(resolve);
          await Promise.race([promise, untilAborted(signal)]);
        }
        return signal.aborted ? { kind: "cancelled" } : { kind: "checkedOut", files: 2 };
      },
      startUpdates: (tenantId) => say(`startUpdates ${tenantId}`),
      stopUpdates: () => Promise.resolve(say("stopUpdates")),
      remove: (tenantId) => {
        say(`remove ${tenantId}`);
        return Promise.resolve({ kind: "removed", files: 2 });
      },
    },
    health: { start: () => say("startHealth"), stop: () => {} },
    probe: { open: (ports) => Promise.resolve(new Set(ports)) },
    memory: { save: (remembered) => Promise.resolve(say(`save ${remembered.published}`)) },
  };
  const { lbClusterId } = options;
  const lifecycle = new Lifecycle({
    identity: lbClusterId === undefined ? identity : { ...identity, lbClusterId },
    lifecycle: { ...lifecycleConfig, awaitsArtifacts: options.repo ?? false },
    world,
    remembered: options.remembered ?? {},
    log,
    clock,
    random: () => 1,
  });
  const settle = async (jobs = 1) => {
    for (let turn = 0; turn < jobs; turn++) await clock.advance(0);
  };
  const receive = (topic: string, payload: object) =>
    lifecycle.receive(topic, new TextEncoder().encode(JSON.stringify(payload)));
  return {
    lifecycle,
    clock,
    log,
    calls,
    requests,
    sources,
    receive,
    hold: (event) => {
      const resolvers = Promise.withResolvers<void>();
      held.set(event, resolvers);
      return resolvers;
    },
    endHanging: () => hanging.splice(0).forEach((end) => end()),
    settle,
    becomeActive: async () => {
      lifecycle.start();
      await settle();
      receive("topology/CompleteTopologyEvent", topologyWith("Initialized"));
      await settle();
    },
    [Symbol.asyncDispose]: async () => void await lifecycle.stop(1_000),
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}
