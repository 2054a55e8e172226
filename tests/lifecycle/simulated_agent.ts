import type { IdentityConfig, LifecycleConfig } from "../../src/config/agent_config.ts";
import { describeEffect } from "../../src/lifecycle/describe_effect.ts";
import type { Effect } from "../../src/lifecycle/effect.ts";
import type { Input } from "../../src/lifecycle/input.ts";
import type { Remembered } from "../../src/lifecycle/ports.ts";
import { Replay, type ReplayAnswers } from "../../src/lifecycle/replay.ts";
import type { AgentState } from "../../src/lifecycle/state.ts";

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
  multiTenant: true,
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

/** The replayed core with what came out as text. */
export class SimulatedAgent {
  readonly #replay: Replay;
  readonly #log: string[] = [];

  constructor(
    lifecycle: Partial<LifecycleConfig> = {},
    answers: ReplayAnswers = {},
    remembered: Remembered = {},
    own: Partial<IdentityConfig> = {},
  ) {
    const settings = {
      identity: { ...identity, ...own },
      lifecycle: { ...lifecycleConfig, ...lifecycle },
    };
    this.#replay = new Replay(settings, answers, remembered);
  }

  get state(): AgentState {
    return this.#replay.state;
  }

  /** Takes an input and everything that follows from it; returns what came out, one line an effect. */
  input(input: Input): string[] {
    return this.#described(this.#replay.input(input));
  }

  /** Takes a message as it comes from the broker. */
  message(topic: string, payload: string | object): string[] {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    return this.#described(this.#replay.message(topic, new TextEncoder().encode(text)).effects);
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

  #described(effects: readonly Effect[]): string[] {
    const lines = effects.map(describeEffect);
    this.#log.push(...lines);
    return lines;
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
