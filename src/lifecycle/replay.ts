import { type Decoded, decodeEvent } from "../events/decode.ts";
import type { Effect } from "./effect.ts";
import type { Input } from "./input.ts";
import type { CheckoutOutcome, ExtensionOutcome, Remembered, RemovalOutcome } from "./ports.ts";
import { type AgentState, initialState, type Settings } from "./state.ts";
import { step } from "./step.ts";

/** How the replayed world answers; `"pending"` means that the work does not end. */
export interface ReplayAnswers {
  /** Absent or undefined: it succeeds. */
  readonly extension?: (event: string) => ExtensionOutcome | "pending" | undefined;
  readonly checkout?: () => CheckoutOutcome | "pending";
  readonly removal?: () => RemovalOutcome | "pending";
  readonly ports?: "open" | "closed";
}

/**
 * The pure core in a world that answers at once: messages in, effects out. No network, no clock, no
 * program is run.
 */
export class Replay {
  readonly #settings: Settings;
  readonly #answers: ReplayAnswers;
  #state: AgentState;

  constructor(settings: Settings, answers: ReplayAnswers = {}, remembered: Remembered = {}) {
    this.#settings = settings;
    this.#answers = answers;
    this.#state = initialState(remembered);
  }

  /** The present state. */
  get state(): AgentState {
    return this.#state;
  }

  /** Takes an input with everything that follows from it; gives the effects in order. */
  input(input: Input): readonly Effect[] {
    const effects: Effect[] = [];
    const inputs = [input];
    for (let next = inputs.shift(); next; next = inputs.shift()) {
      const taken = step(this.#state, next, this.#settings);
      this.#state = taken.state;
      effects.push(...taken.effects);
      inputs.push(...taken.effects.flatMap((effect) => this.#answer(effect) ?? []));
    }
    return effects;
  }

  /** Takes a message as the broker delivers it. */
  message(
    topic: string,
    payload: Uint8Array,
  ): { readonly decoded: Decoded; readonly effects: readonly Effect[] } {
    const decoded = decodeEvent(topic, payload);
    const effects = decoded.kind === "event"
      ? this.input({ kind: "event", event: decoded.event })
      : [];
    return { decoded, effects };
  }

  #answer(effect: Effect): Input | undefined {
    switch (effect.kind) {
      case "subscribe":
        return { kind: "subscribed", group: effect.group };
      case "runExtension": {
        const outcome = this.#answers.extension?.(effect.event) ?? { kind: "succeeded" };
        if (outcome === "pending") return undefined;
        const tenant = effect.tenantId === undefined ? {} : { tenantId: effect.tenantId };
        return { kind: "extensionEnded", event: effect.event, outcome, ...tenant };
      }
      case "awaitPorts":
        return this.#answers.ports === "closed" ? undefined : { kind: "portsOpen" };
      case "checkOut": {
        const outcome = this.#answers.checkout?.() ?? { kind: "checkedOut", files: 1 };
        if (outcome === "pending") return undefined;
        return { kind: "checkedOut", tenantId: effect.tenantId, outcome };
      }
      case "removeArtifacts": {
        const outcome = this.#answers.removal?.() ?? { kind: "removed", files: 1 };
        if (outcome === "pending") return undefined;
        return { kind: "artifactsRemoved", tenantId: effect.tenantId, outcome };
      }
      default:
        return undefined;
    }
  }
}
