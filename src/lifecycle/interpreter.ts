import type { Clock } from "../base/clock.ts";
import { isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { TaskGroup } from "../base/tasks.ts";
import { statusMessage, subscriptions } from "../events/status_event.ts";
import type { PlatformFacts } from "../topology/facts.ts";
import { awaitPorts } from "./await_ports.ts";
import { Complaints } from "./complaints.ts";
import type { Effect, LaneEffect } from "./effect.ts";
import type { Input } from "./input.ts";
import type { LaneJob } from "./lane.ts";
import { type LaneReport, Lanes } from "./lanes.ts";
import type {
  ArtifactPort,
  BrokerPort,
  ExtensionPort,
  HealthPort,
  LogPublisherPort,
  Memory,
  OutboxPort,
  PortProbe,
} from "./ports.ts";
import { Requests } from "./requests.ts";
import type { Settings } from "./state.ts";
import type { StepTrace } from "./trace_port.ts";

/** The world, as far as the lifecycle touches it. */
export interface World {
  readonly broker: BrokerPort;
  readonly outbox: OutboxPort;
  readonly extensions: ExtensionPort;
  readonly artifacts: ArtifactPort;
  readonly health: HealthPort;
  /** Absent: nobody publishes log lines. */
  readonly logs?: LogPublisherPort;
  readonly probe: PortProbe;
  readonly memory: Memory;
}

/** What the interpreter needs beside the world. */
export interface InterpreterOptions {
  readonly world: World;
  readonly settings: Settings;
  readonly dispatch: (input: Input) => void;
  /** Read when an extension starts. */
  readonly facts: () => PlatformFacts;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Carries out effects; outcomes come back as inputs. */
export class Interpreter {
  readonly #options: InterpreterOptions;
  readonly #lanes: Lanes;
  readonly #tasks: TaskGroup;
  readonly #requests: Requests;
  readonly #complaints: Complaints;

  constructor(options: InterpreterOptions) {
    this.#options = options;
    const { world, log, clock, random, dispatch } = options;
    this.#tasks = new TaskGroup(log, clock);
    this.#complaints = new Complaints(clock);
    this.#requests = new Requests(world.broker, log, clock, random);
    this.#lanes = new Lanes({
      onOverflow: (lane) => {
        if (lane === "topology") dispatch({ kind: "topologyLaneOverflowed" });
      },
      onDropped: (lane, count) =>
        log.warning(`Extensions cannot keep up: ${count} runs were dropped`, { lane, count }),
    }, () => clock.monotonicMs());
  }

  /** How many jobs wait or run in each lane. */
  get laneDepths(): Readonly<Record<string, number>> {
    return this.#lanes.depths;
  }

  /** What each lane does now. */
  get lanes(): readonly LaneReport[] {
    return this.#lanes.reports;
  }

  /**
   * Carries out one effect; never waits for it and never throws.
   *
   * @param step What the effect follows from.
   */
  perform(effect: Effect, step?: StepTrace): void {
    const { world, log } = this.#options;
    switch (effect.kind) {
      case "subscribe":
        return this.#start(`subscription ${effect.group}`, async (signal) => {
          await world.broker.subscribe(subscriptions[effect.group], signal);
          this.#options.dispatch({ kind: "subscribed", group: effect.group });
        });
      case "request":
        return this.#start(
          `request ${effect.what}`,
          (signal) => this.#requests.ask(effect.what, signal),
        );
      case "answered":
        return this.#requests.answered(effect.what);
      case "startHealth":
        return world.health.start();
      case "startLogs":
        return world.logs?.start();
      case "startUpdates":
        return world.artifacts.startUpdates(
          effect.tenantId,
          () => this.#options.dispatch({ kind: "artifactsChanged", tenantId: effect.tenantId }),
        );
      case "cancelWork":
        this.#lanes.cancel(new DOMException("a clean-up overtakes it", "AbortError"));
        return this.#start("end of the update loops", () => world.artifacts.stopUpdates());
      case "forgetSession":
        return this.#start(
          "removal of the session",
          (signal) => world.broker.forgetSession(signal),
        );
      case "log": {
        const said = this.#complaints.say(effect.message);
        const level = effect.level === "critical" ? "error" : effect.level;
        if (said) log[level](effect.message, { leftOut: said.leftOut });
        return;
      }
      case "runExtension":
      case "publish":
      case "remember":
      case "awaitPorts":
      case "checkOut":
      case "removeArtifacts":
        return this.#lanes.add(effect.lane, traced(this.#job(effect), effect, step));
    }
  }

  /**
   * Ends all work: extensions are stopped, jobs cancelled.
   *
   * @param limitMs Milliseconds to wait.
   * @returns Names of what had not ended by then.
   */
  async stop(limitMs: number): Promise<readonly string[]> {
    const { clock, world } = this.#options;
    this.#lanes.cancel(new DOMException("the agent ends", "AbortError"));
    const tasks = new TaskGroup(this.#options.log, clock);
    void tasks.start("update loops", () => world.artifacts.stopUpdates());
    void tasks.start("lanes", () => this.#lanes.idle());
    void tasks.start("log lines", () => world.logs?.stop() ?? Promise.resolve());
    const [mine, stragglers] = await Promise.all([
      this.#tasks.close(limitMs),
      tasks.close(limitMs),
    ]);
    return [
      ...mine,
      ...stragglers.flatMap((name) => name === "lanes" ? this.#lanes.running : name),
    ];
  }

  #start(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    // The group logs failures and names what is still running at the end.
    void this.#tasks.start(name, work);
  }

  #job(effect: LaneEffect): LaneJob {
    const { world, settings, log, clock, dispatch } = this.#options;
    switch (effect.kind) {
      case "runExtension":
        return this.#extensionJob(effect);
      case "publish": {
        const { topic, payload } = statusMessage(effect.status, settings.identity);
        return this.#mustRun(`write of ${topic}`, () => world.outbox.append(topic, payload));
      }
      case "remember":
        return this.#mustRun("write of the state", () => world.memory.save(effect.remembered));
      case "awaitPorts":
        return this.#cancellable("wait for the ports", async (signal) => {
          const { ports, listenAddress, portCheckTimeoutMs: timeoutMs } = settings.lifecycle;
          await awaitPorts({ ports, listenAddress, timeoutMs }, world.probe, log, clock, signal);
          dispatch({ kind: "portsOpen" });
        });
      case "removeArtifacts": {
        const { tenantId } = effect;
        return this.#cancellable(`removal of tenant ${tenantId}`, async (signal) => {
          const outcome = await world.artifacts.remove(tenantId, signal);
          dispatch({ kind: "artifactsRemoved", tenantId, outcome });
        });
      }
      case "checkOut":
        return {
          key: "checkOut",
          ...this.#cancellable(`checkout of tenant ${effect.tenantId}`, async (signal) => {
            const outcome = await world.artifacts.checkOut(effect.source, signal);
            dispatch({ kind: "checkedOut", tenantId: effect.tenantId, outcome });
          }),
        };
    }
  }

  #extensionJob(effect: LaneEffect & { kind: "runExtension" }): LaneJob {
    const { world, facts, dispatch } = this.#options;
    const { event, values, tenantId, whenBusy } = effect;
    const job = this.#cancellable(`extension ${event}`, async (signal) => {
      const outcome = await world.extensions.run({ event, values, facts }, signal);
      const tenant = tenantId === undefined ? {} : { tenantId };
      dispatch({ kind: "extensionEnded", event, outcome, ...tenant });
    });
    return {
      ...job,
      ...(whenBusy === "keepNewest" ? { key: event } : {}),
      ...(whenBusy === "dropOldest" ? { droppable: true } : {}),
    };
  }

  #mustRun(name: string, work: () => Promise<void>): LaneJob {
    return { ...this.#cancellable(name, work), mustRun: true };
  }

  #cancellable(name: string, work: (signal: AbortSignal) => Promise<void>): LaneJob {
    const { log } = this.#options;
    return {
      name,
      run: async (signal) => {
        try {
          await work(signal);
        } catch (error) {
          if (!isAbort(error, signal)) log.error(`${name} failed: ${reasonOf(error)}`);
        }
      },
    };
  }
}

function traced(job: LaneJob, effect: LaneEffect, step: StepTrace | undefined): LaneJob {
  return step ? { ...job, run: (signal) => step.work(effect, () => job.run(signal)) } : job;
}
