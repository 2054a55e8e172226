import { decodeEvent } from "../../src/events/decode.ts";
import type { IdentityConfig, LifecycleConfig } from "../../src/config/agent_config.ts";
import type { Effect } from "../../src/lifecycle/effect.ts";
import type { Input } from "../../src/lifecycle/input.ts";
import type { CheckoutOutcome, ExtensionOutcome, Remembered } from "../../src/lifecycle/ports.ts";
import { type AgentState, initialState, type Settings } from "../../src/lifecycle/state.ts";
import { step } from "../../src/lifecycle/step.ts";

/** The member of the golden vectors. */
export const identity: IdentityConfig = {
  applicationId: "single-cartridge-app",
  serviceName: "php",
  clusterId: "single-cartridge-app.my-php.php.domain",
  clusterInstanceId: "single-cartridge-app-1",
  memberId: "single-cartridge-app.my-php.php.domain6d9a5c9e-7b1f-4c1e-9f52-3a0f5b2a9a01",
  networkPartitionId: "network-partition-1",
  partitionId: "partition-1",
  tenantId: -1234,
  multiTenant: false,
};

/** Lifecycle settings without a repository. */
export const lifecycleConfig: LifecycleConfig = {
  ports: [8080],
  listenAddress: "localhost",
  portCheckTimeoutMs: 600_000,
  awaitsArtifacts: false,
  activateOnFailedCheckout: false,
  requiredExtensions: [],
  shutdownTimeoutMs: 10_000,
};

/** How the simulated world answers. */
export interface Answers {
  /** Outcome of an extension; absent: it succeeds. `"pending"`: it does not end. */
  readonly extension?: (event: string) => ExtensionOutcome | "pending" | undefined;
  readonly checkout?: () => CheckoutOutcome | "pending";
  readonly ports?: "open" | "closed";
}

/**
 * The pure core with a world that answers at once: what goes in and what comes out, as text.
 */
export class SimulatedAgent {
  readonly #settings: Settings;
  readonly #answers: Answers;
  readonly #log: string[] = [];
  state: AgentState;

  constructor(
    lifecycle: Partial<LifecycleConfig> = {},
    answers: Answers = {},
    remembered: Remembered = {},
  ) {
    this.#settings = { identity, lifecycle: { ...lifecycleConfig, ...lifecycle } };
    this.#answers = answers;
    this.state = initialState(remembered);
  }

  /** Takes an input and everything that follows from it; returns what came out, one line an effect. */
  input(input: Input): string[] {
    const from = this.#log.length;
    const queue = [input];
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { state, effects } = step(this.state, next, this.#settings);
      this.state = state;
      for (const effect of effects) {
        this.#log.push(describe(effect));
        queue.push(...this.#answer(effect));
      }
    }
    return this.#log.slice(from);
  }

  /** Takes a message as it comes from the broker. */
  message(topic: string, payload: string | object): string[] {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    const decoded = decodeEvent(topic, new TextEncoder().encode(text));
    if (decoded.kind !== "event") return [];
    return this.input({ kind: "event", event: decoded.event });
  }

  /** Status events that were published so far. */
  get published(): string[] {
    return this.#log.filter((line) => line.startsWith("publish ")).map((line) => line.slice(8));
  }

  /** Extensions that ran so far. */
  get extensions(): string[] {
    return this.#log.filter((line) => line.startsWith("extension "))
      .map((line) => line.slice(10).split(" ")[0]!);
  }

  #answer(effect: Effect): Input[] {
    switch (effect.kind) {
      case "subscribe":
        return [{ kind: "subscribed", group: effect.group }];
      case "runExtension": {
        const outcome = this.#answers.extension?.(effect.event) ?? { kind: "succeeded" };
        if (outcome === "pending") return [];
        const tenant = effect.tenantId === undefined ? {} : { tenantId: effect.tenantId };
        return [{ kind: "extensionEnded", event: effect.event, outcome, ...tenant }];
      }
      case "awaitPorts":
        return this.#answers.ports === "closed" ? [] : [{ kind: "portsOpen" }];
      case "checkOut": {
        const outcome = this.#answers.checkout?.() ?? { kind: "checkedOut", files: 1 };
        if (outcome === "pending") return [];
        return [{ kind: "checkedOut", tenantId: effect.source.tenantId, outcome }];
      }
      default:
        return [];
    }
  }
}

/** One line for an effect. */
export function describe(effect: Effect): string {
  switch (effect.kind) {
    case "runExtension":
      return `extension ${effect.event} [${effect.lane}]`;
    case "publish":
      return `publish ${effect.status}`;
    case "remember":
      return `remember ${JSON.stringify(effect.remembered)}`;
    case "checkOut":
      return `checkOut ${effect.source.repoUrl} [${effect.lane}]`;
    case "subscribe":
      return `subscribe ${effect.group}`;
    case "request":
    case "answered":
      return `${effect.kind} ${effect.what}`;
    case "startUpdates":
      return `startUpdates ${effect.tenantId}`;
    case "log":
      return `${effect.level}: ${effect.message}`;
    default:
      return effect.kind;
  }
}

/** A topology that holds the own member in that state, and others. */
export function topologyWith(
  status: string | undefined,
  others: Readonly<Record<string, readonly string[]>> = {},
): object {
  const states = [
    "Created",
    "Initialized",
    "Starting",
    "Active",
    "In_Maintenance",
    "ReadyToShutDown",
  ];
  const stack = status === undefined
    ? undefined
    : states.includes(status)
    ? states.slice(0, states.indexOf(status) + 1)
    : [...states.slice(0, 4), status];
  const stacks = { ...others, ...(stack ? { [identity.memberId]: stack } : {}) };
  const memberMap = Object.fromEntries(
    Object.entries(stacks).map(([memberId, stateStack]) => [memberId, {
      serviceName: identity.serviceName,
      clusterId: identity.clusterId,
      memberId,
      clusterInstanceId: identity.clusterInstanceId,
      networkPartitionId: identity.networkPartitionId,
      partitionId: identity.partitionId,
      portMap: {},
      memberStateManager: { stateStack, identifier: memberId },
    }]),
  );
  const cluster = { serviceName: identity.serviceName, clusterId: identity.clusterId, memberMap };
  const service = {
    serviceName: identity.serviceName,
    clusterIdClusterMap: { [identity.clusterId]: cluster },
  };
  return { topology: { clusterMap: {}, serviceMap: { [identity.serviceName]: service } } };
}
