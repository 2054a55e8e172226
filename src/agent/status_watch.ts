import type { ArtifactObserver } from "../artifacts/observed_jobs.ts";
import type { Clock } from "../base/clock.ts";
import type { BrokerHandlers, Connected } from "../broker/broker_handlers.ts";
import { nameOf } from "../broker/link.ts";
import type { HealthSample } from "../cep/health_publisher.ts";
import type { EndedRun } from "../extensions/run_report.ts";
import type { Effect } from "../lifecycle/effect.ts";
import type { Input } from "../lifecycle/input.ts";
import type { LaneReport } from "../lifecycle/lanes.ts";
import type { Remembered } from "../lifecycle/ports.ts";
import type { AgentState } from "../lifecycle/state.ts";
import { ActivityJournal } from "../status/activity_journal.ts";
import { ArtifactRecord } from "../status/artifact_record.ts";
import { ExtensionRecord } from "../status/extension_record.ts";
import { RecentHealth } from "../status/recent_health.ts";
import type { Redact } from "../status/shown_line.ts";
import { LifecycleActivity } from "./status_activity.ts";

/**
 * Hears of everything that happens and keeps what a status shows of it, bounded. Each of its parts is
 * handed to the adapter that it listens to.
 */
export class StatusWatch {
  readonly journal: ActivityJournal;
  readonly extensions: ExtensionRecord;
  readonly artifacts: ArtifactRecord;
  readonly health = new RecentHealth();
  readonly lifecycle: LifecycleActivity;
  readonly #clock: Clock;
  /** By event; `endMs` by the clock that never jumps back. */
  readonly #lastRuns = new Map<
    string,
    { readonly endMs: number; readonly output: readonly string[] }
  >();
  /** Told of each change of the journal. */
  onChange: () => void = () => {};
  #connection: { readonly broker: string; readonly sinceMs: number } | undefined;
  #connections = 0;
  #acknowledged = 0;
  #phaseSinceMs: number;

  constructor(clock: Clock, redact: Redact, remembered: Remembered) {
    this.#clock = clock;
    this.#phaseSinceMs = clock.now();
    this.journal = new ActivityJournal({ clock, redact, onChange: () => this.onChange() });
    this.extensions = new ExtensionRecord(redact);
    this.artifacts = new ArtifactRecord(redact);
    const outputOf = (event: string) => this.#lastRuns.get(event)?.output ?? [];
    this.lifecycle = new LifecycleActivity(this.journal, remembered.published, outputOf);
  }

  /** The broker in use, and since when, in milliseconds since 1970. */
  get connection(): { readonly broker: string; readonly sinceMs: number } | undefined {
    return this.#connection;
  }

  /** Connections after the first one. */
  get reconnects(): number {
    return Math.max(0, this.#connections - 1);
  }

  /** Status events that the broker has acknowledged. */
  get acknowledgements(): number {
    return this.#acknowledged;
  }

  /** Milliseconds since 1970. */
  get phaseSinceMs(): number {
    return this.#phaseSinceMs;
  }

  /** Milliseconds since a script or module of an event ended. */
  quietMs(event: string): number {
    return this.#clock.monotonicMs() - (this.#lastRuns.get(event)?.endMs ?? -Infinity);
  }

  /** The broker is connected. */
  connected({ broker, sessionPresent }: Connected): void {
    this.#connections++;
    this.#connection = { broker: nameOf(broker), sinceMs: this.#clock.now() };
    const session = sessionPresent ? "the session goes on" : "a new session";
    this.journal.record({
      kind: "connection",
      title: `Connected to broker ${nameOf(broker)}, ${session}`,
      outcome: "succeeded",
    });
  }

  /** The connection is lost. */
  readonly lost: NonNullable<BrokerHandlers["onLost"]> = (reason) => {
    const broker = this.#connection?.broker ?? "";
    this.#connection = undefined;
    const title = `Lost the connection to broker ${broker}`;
    this.journal.record({ kind: "connection", title, outcome: "failed", detail: reason });
  };

  /** The broker acknowledged a status event. */
  acknowledged(topic: string): void {
    this.#acknowledged++;
    const title = `${topic.slice(topic.lastIndexOf("/") + 1)} acknowledged by the broker`;
    this.journal.record({ kind: "status", title, outcome: "succeeded" });
  }

  /** The lifecycle has taken a step. */
  stepped(
    input: Input,
    state: AgentState,
    effects: readonly Effect[],
    lanes: () => readonly LaneReport[],
  ): void {
    if (this.lifecycle.step(input, state, effects, lanes)) this.#phaseSinceMs = this.#clock.now();
  }

  /** A script or module has ended. */
  readonly ran = (run: EndedRun): void => {
    this.#lastRuns.set(run.event, { endMs: this.#clock.monotonicMs(), output: run.output });
    this.extensions.add(run, this.#clock.now());
  };

  /** Health was measured. */
  readonly sampled = (sample: HealthSample): void => this.health.add(sample);

  /** Hears of the artifacts' jobs. */
  readonly observer: ArtifactObserver = {
    onCheckout: (tenantId, repository, destination) =>
      this.artifacts.change(tenantId, { repository, destination, state: "working" }),
    onCheckedOut: (tenantId, { kind, branch, commit, files }) =>
      this.artifacts.change(tenantId, {
        state: kind === "held" ? "failed" : "inStep",
        branch,
        commit,
        files,
        ...this.#inStepNow(),
        lastError: kind === "held" ? "local changes would be lost" : undefined,
      }),
    onCommitted: (tenantId, { commit, branch, pushFailure, kept }) => {
      this.artifacts.change(tenantId, {
        ...(commit === undefined ? {} : { commit }),
        ...(branch === undefined ? {} : { branch }),
        ...(pushFailure === undefined ? this.#inStepNow() : { lastError: pushFailure }),
      });
      if (kept) this.artifacts.keep(tenantId, kept.ref);
    },
    onRemoved: (tenantId) =>
      this.artifacts.change(tenantId, { state: "removed", files: 0, commit: undefined }),
    onFailed: (tenantId, lastError) =>
      this.artifacts.change(tenantId, { state: "failed", lastError }),
    onAsked: (tenantId) => this.artifacts.change(tenantId, this.#inStepNow()),
  };

  #inStepNow() {
    return { lastSyncAt: new Date(this.#clock.now()).toISOString() };
  }
}
