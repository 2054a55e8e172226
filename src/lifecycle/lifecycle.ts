import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { IdentityConfig, LifecycleConfig } from "../config/agent_config.ts";
import type { AgentEvent } from "../events/agent_event.ts";
import { decodeEvent } from "../events/decode.ts";
import { fingerprint } from "../events/fingerprint.ts";
import { statusOfTopic } from "../events/status_event.ts";
import { platformFacts } from "../topology/facts.ts";
import { Complaints } from "./complaints.ts";
import type { Effect } from "./effect.ts";
import type { Input } from "./input.ts";
import { Interpreter, type World } from "./interpreter.ts";
import type { LaneReport } from "./lanes.ts";
import type { Remembered } from "./ports.ts";
import { type AgentState, initialState, type Settings } from "./state.ts";
import { step } from "./step.ts";
import type { TracePort } from "./trace_port.ts";

/** What a {@link Lifecycle} is made of. */
export interface LifecycleOptions {
  readonly identity: IdentityConfig;
  readonly lifecycle: LifecycleConfig;
  readonly world: World;
  readonly remembered: Remembered;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of every input with the state and the effects it led to; for status displays and tests. */
  readonly onStep?: (input: Input, state: AgentState, effects: readonly Effect[]) => void;
  readonly trace?: TracePort;
}

/** The payload that a part of the state was made of, to recognise an unchanged copy. */
interface Source {
  readonly print: string;
  readonly made: unknown;
}

/**
 * The loop around the pure core: messages become inputs, inputs lead to a state and effects, effects
 * are carried out, and their outcomes are inputs again.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #settings: Settings;
  readonly #interpreter: Interpreter;
  readonly #complaints: Complaints;
  readonly #sources = new Map<"topology" | "tenants", Source>();
  readonly #inputs: Input[] = [];
  #state: AgentState;
  #stepping = false;
  #stopped = false;

  constructor(options: LifecycleOptions) {
    const { identity, lifecycle, world, log, clock, random } = options;
    this.#options = options;
    this.#settings = { identity, lifecycle };
    this.#complaints = new Complaints(clock);
    this.#state = initialState(options.remembered);
    this.#interpreter = new Interpreter({
      world,
      settings: this.#settings,
      dispatch: (input) => this.dispatch(input),
      facts: () =>
        platformFacts(
          this.#state.topology?.document,
          this.#state.tenants,
          identity,
          identity.lbClusterId,
        ),
      log,
      clock,
      random,
    });
  }

  /** The present state. */
  get state(): AgentState {
    return this.#state;
  }

  /** How many jobs wait or run in each lane. */
  get laneDepths(): Readonly<Record<string, number>> {
    return this.#interpreter.laneDepths;
  }

  /** What each lane does now. */
  get lanes(): readonly LaneReport[] {
    return this.#interpreter.lanes;
  }

  /** Begins: subscribes and asks for the topology. */
  start(): void {
    this.dispatch({ kind: "boot" });
  }

  /**
   * Takes one message of the broker. Never throws; what cannot be read is logged and passed over.
   *
   * @returns `false` when it cannot be taken now: its lane never drops anything and is full. Leave it
   *   unacknowledged, and the broker sends it again.
   */
  receive(topic: string, payload: Uint8Array): boolean {
    const lane = undroppable.find(({ prefix }) => topic.startsWith(prefix))?.lane;
    if (lane && (this.#interpreter.laneDepths[lane] ?? 0) >= fullLane) return false;
    this.#take(topic, payload);
    return true;
  }

  #take(topic: string, payload: Uint8Array): void {
    const what = completeTopics.get(topic);
    const print = what && fingerprint(payload);
    if (what && print === this.#knownPrint(what)) return this.dispatch({ kind: "unchanged", what });
    const { log } = this.#options;
    const decoded = decodeEvent(topic, payload);
    switch (decoded.kind) {
      case "event":
        if (what && print) this.#sources.set(what, { print, made: madeOf(decoded.event) });
        return this.dispatch({ kind: "event", event: decoded.event });
      case "ignored":
        return log.debug(`Ignored ${topic}: ${decoded.reason}`);
      case "unknown":
        return log.debug(`Ignored ${topic.slice(0, 200)}: unknown topic`);
      case "malformed": {
        const said = this.#complaints.say(topic);
        const facts = { bytes: payload.length, leftOut: said?.leftOut ?? 0 };
        if (said) log.warning(`Ignored ${topic}: ${decoded.reason}`, facts);
        return;
      }
    }
  }

  /**
   * The connection is back after a gap.
   *
   * @param isSessionLost The broker no longer knew the session.
   */
  reconnected(isSessionLost: boolean): void {
    this.dispatch({ kind: "reconnected", isSessionLost });
  }

  /** The broker acknowledged a status event. */
  acknowledged(topic: string): void {
    if (statusOfTopic(topic) === "readyToShutdown") this.dispatch({ kind: "readyAcknowledged" });
  }

  /** Takes one input; inputs that come while one is stepped wait their turn. */
  dispatch(input: Input): void {
    if (this.#stopped) return;
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
  }

  /**
   * Ends all work; later inputs are ignored.
   *
   * @param limitMs Milliseconds to wait.
   * @returns Names of what had not ended by then.
   */
  stop(limitMs: number): Promise<readonly string[]> {
    this.#stopped = true;
    return this.#interpreter.stop(limitMs);
  }

  #step(input: Input): void {
    const before = this.#state;
    const { state, effects } = step(before, input, this.#settings);
    this.#state = state;
    if (state.phase.kind !== before.phase.kind) {
      this.#options.log.info(`Phase ${before.phase.kind} → ${state.phase.kind}`);
    }
    const trace = this.#options.trace?.step(input, effects);
    for (const effect of effects) this.#interpreter.perform(effect, trace);
    trace?.ended();
    this.#options.onStep?.(input, state, effects);
  }

  /** The fingerprint of what is known, unless events have changed it since. */
  #knownPrint(what: "topology" | "tenants"): string | undefined {
    const source = this.#sources.get(what);
    if (!source) return undefined;
    const isKnown = what === "topology"
      ? this.#state.topology?.isExactly(source.made)
      : this.#state.tenants === source.made;
    return isKnown ? source.print : undefined;
  }
}

/** Lanes that drop nothing take no more than this many waiting jobs. */
const fullLane = 10_000;

const undroppable = [
  { prefix: "domain/mapping/", lane: "domainMapping" },
  { prefix: "application/signup/", lane: "signUp" },
] as const;

const completeTopics: ReadonlyMap<string, "topology" | "tenants"> = new Map([
  ["topology/CompleteTopologyEvent", "topology"],
  ["tenant/CompleteTenantEvent", "tenants"],
]);

function madeOf(event: AgentEvent): unknown {
  switch (event.kind) {
    case "completeTopology":
      return event.topology;
    case "completeTenant":
      return event.tenants;
    default:
      return undefined;
  }
}
