/**
 * What the lifecycle needs from the world, each as small as it can be. Adapters live in the rooms
 * that know the technology; the composition root puts them together.
 */

import type { PlatformFacts } from "../topology/facts.ts";

/** An MQTT topic filter with the highest quality of service wanted. */
export interface Subscription {
  readonly filter: string;
  readonly qos: 0 | 1;
}

/** The broker connection, as the lifecycle sees it. */
export interface BrokerPort {
  /**
   * Subscribes and keeps subscribed over reconnects.
   *
   * @returns Resolves when the broker acknowledged, however long that takes.
   */
  subscribe(subscriptions: readonly Subscription[], signal: AbortSignal): Promise<void>;
  /** Publishes once, QoS 1, and resolves on acknowledgement; rejects when the connection is lost. */
  publish(topic: string, payload: string, signal: AbortSignal): Promise<void>;
  /** Has the broker forget the persistent session; the connection goes on without one. */
  forgetSession(signal: AbortSignal): Promise<void>;
}

/** Status events on their way to the platform: durable, in order, at least once. */
export interface OutboxPort {
  /** Resolves when the event is on disk; it is sent later. */
  append(topic: string, payload: string): Promise<void>;
  /** Resolves when everything appended so far was acknowledged by the broker. */
  flushed(signal: AbortSignal): Promise<void>;
}

/** One run of everything that is installed for an event. */
export interface ExtensionRequest {
  /** Event name, e.g. `InstanceStartedEvent`. */
  readonly event: string;
  /** Values of this event alone, names without `STRATOS_`. */
  readonly values: Readonly<Record<string, string>>;
  /** Read when the run starts, so that a run that waited sees what is true then. */
  readonly facts: () => PlatformFacts;
}

/** How a run ended; a failure is a result, not an exception. */
export type ExtensionOutcome =
  | { readonly kind: "none" } // nothing is installed for the event
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "cancelled" };

/** Runs extensions. */
export interface ExtensionPort {
  /** Runs what is installed for the event; never rejects. Aborting stops the process group. */
  run(request: ExtensionRequest, signal: AbortSignal): Promise<ExtensionOutcome>;
}

/** Where a tenant's artifacts come from, as the platform said it. */
export interface ArtifactSource {
  readonly tenantId: number;
  /** May carry user information; never log it as it is. */
  readonly repoUrl: string;
  readonly repoUsername: string;
  /** Encrypted with CARTRIDGE_KEY, base64; empty when there is none. */
  readonly repoPassword: string;
}

/** How a checkout ended. */
export type CheckoutOutcome =
  | {
    readonly kind: "checkedOut";
    /** Files of the repository that are now in place. */
    readonly files: number;
    /** Object id; absent for an empty repository. */
    readonly commit?: string;
  }
  /** `refused`: this source will never work (path, host, tenant); otherwise all retries failed. */
  | { readonly kind: "failed"; readonly reason: string; readonly refused: boolean }
  | { readonly kind: "cancelled" };

/** How the removal of a tenant's artifacts ended. */
export type RemovalOutcome =
  | { readonly kind: "removed"; readonly files: number }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "cancelled" };

/** Keeps the application's files in step with a repository. */
export interface ArtifactPort {
  /** First checkout or a changed source; retries inside; never rejects. */
  checkOut(source: ArtifactSource, signal: AbortSignal): Promise<CheckoutOutcome>;
  /**
   * Polls the tenant's repository until stopped. Starting again replaces the loop.
   *
   * @param onUpdate Called after each update that changed files; must not throw.
   */
  startUpdates(tenantId: number, onUpdate: () => void): void;
  /**
   * Stops the tenant's update loop, removes what its checkouts wrote and the directories that this
   * leaves empty, and brings the backup of the initial artifacts back if there is one; never rejects.
   */
  remove(tenantId: number, signal: AbortSignal): Promise<RemovalOutcome>;
  /** Stops all loops and waits for the jobs in progress to end. */
  stopUpdates(): Promise<void>;
}

/** Health statistics. */
export interface HealthPort {
  /** Publishes from now on, the first value at once. Starting twice is starting once. */
  start(): void;
  stop(): void;
}

/** Lines of the application's log files. */
export interface LogPublisherPort {
  /** Publishes from now on. Starting twice is starting once. */
  start(): void;
  /** Ends publishing; resolves within a few seconds. What is left is published after the next start. */
  stop(): Promise<void>;
}

/** TCP ports of the application. */
export interface PortProbe {
  /** Those of the ports that accept a connection right now. */
  open(ports: readonly number[], signal: AbortSignal): Promise<ReadonlySet<number>>;
}

/** What must survive a restart. */
export interface Memory {
  /** Resolves when it is on disk. */
  save(remembered: Remembered): Promise<void>;
}

/** How far the member has come, as far as a restart has to know. */
export interface Remembered {
  /** The last status event that was handed to the outbox. */
  readonly published?: "started" | "activated" | "maintenance" | "readyToShutdown";
  /** A clean-up was asked for: from then on there is no way back. */
  readonly cleanUp?: boolean;
  /** The extension `clean` has run to its end. */
  readonly cleaned?: boolean;
}
