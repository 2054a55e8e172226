import { describeEffect } from "../lifecycle/describe_effect.ts";
import { type Effect, type Status, statuses } from "../lifecycle/effect.ts";
import type { Input } from "../lifecycle/input.ts";
import type { LaneReport } from "../lifecycle/lanes.ts";
import type { CheckoutOutcome, ExtensionOutcome, RemovalOutcome } from "../lifecycle/ports.ts";
import type { AgentState } from "../lifecycle/state.ts";
import type { ActivityJournal, Outcome } from "../status/activity_journal.ts";
import { eventTitle } from "./status_words.ts";

/** Effects that are housekeeping and tell nobody anything. */
const unsaid: readonly Effect["kind"][] = ["answered", "remember"];

/** Turns the steps of the lifecycle into activities of a journal. */
export class LifecycleActivity {
  readonly #journal: ActivityJournal;
  readonly #outputOf: (event: string) => readonly string[];
  readonly #events = new Map<string, number>();
  readonly #checkouts = new Map<string, number>();
  readonly #published: Status[];
  #phase = "booting";
  #isSubscribed = false;

  /**
   * @param published The last status event of an earlier run.
   * @param outputOf The last lines of output of an event's last run.
   */
  constructor(
    journal: ActivityJournal,
    published: Status | undefined,
    outputOf: (event: string) => readonly string[],
  ) {
    this.#journal = journal;
    this.#outputOf = outputOf;
    this.#published = published === undefined
      ? []
      : statuses.slice(0, statuses.indexOf(published) + 1);
  }

  /** Events of the platform, counted by kind. */
  get events(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#events);
  }

  /** Checkouts, counted by how they ended. */
  get checkouts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#checkouts);
  }

  /** Status events of the own life, in order. */
  get published(): readonly string[] {
    return this.#published;
  }

  /** Whether the broker has granted the first subscriptions. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /**
   * Takes one step, whose effects are under way already.
   *
   * @param lanes What each lane does now.
   * @returns Whether the phase changed.
   */
  step(
    input: Input,
    state: AgentState,
    effects: readonly Effect[],
    lanes: () => readonly LaneReport[],
  ): boolean {
    this.#count(input);
    this.#end(input);
    for (const effect of effects) {
      if (effect.kind === "cancelWork") this.#journal.cancelAwaited();
      if (effect.kind === "publish" && !this.#published.includes(effect.status)) {
        this.#published.push(effect.status);
      }
    }
    this.#record(input, effects, lanes);
    const before = this.#phase;
    this.#phase = state.phase.kind;
    if (before === this.#phase) return false;
    this.#journal.record({ kind: "phase", title: `Phase ${before} → ${this.#phase}` });
    return true;
  }

  #count(input: Input): void {
    switch (input.kind) {
      case "event":
        return increase(this.#events, input.event.kind);
      case "unchanged":
        return increase(
          this.#events,
          input.what === "topology" ? "completeTopology" : "completeTenant",
        );
      case "checkedOut":
        return increase(this.#checkouts, outcomeOf(input.outcome));
      case "subscribed":
        this.#isSubscribed ||= input.group === "topology";
        return;
    }
  }

  /** What came to its end with this input. */
  #end(input: Input): void {
    switch (input.kind) {
      case "extensionEnded": {
        const { event, outcome, tenantId } = input;
        const detail = outcome.kind === "failed"
          ? outcome.reason
          : outcome.kind === "succeeded"
          ? this.#outputOf(event).join("\n")
          : undefined;
        return this.#journal.end(extensionName(event, tenantId), outcomeOf(outcome), detail);
      }
      case "checkedOut":
        return this.#journal.end(
          `checkOut ${input.tenantId}`,
          outcomeOf(input.outcome),
          checkoutDetail(input.outcome),
        );
      case "artifactsRemoved":
        return this.#journal.end(
          `removal ${input.tenantId}`,
          outcomeOf(input.outcome),
          input.outcome.kind === "failed" ? input.outcome.reason : undefined,
        );
      case "portsOpen":
        return this.#journal.end("ports", "succeeded");
    }
  }

  #record(
    input: Input,
    effects: readonly Effect[],
    lanes: () => readonly LaneReport[],
  ): void {
    const said = effects.filter(({ kind }) => !unsaid.includes(kind));
    const title = titleOf(input);
    // Only events are worth a line when nothing follows from them.
    if (said.length === 0 && input.kind !== "event") return;
    const awaits = said.flatMap((effect) => workName(effect) ?? []);
    for (const effect of said) {
      const job = replacingJob(effect);
      if (!job) continue;
      // It took the place of one that waited; one that runs goes on.
      const isRunning = lanes().some(({ name, running }) =>
        name === job.lane && running === job.name
      );
      this.#journal.supersede(workName(effect)!, isRunning ? 1 : 0);
    }
    this.#journal.record({
      kind: kindOf(input),
      title,
      effects: said.map(describeEffect),
      awaits,
      ...(awaits.length === 0 && input.kind === "event" ? { outcome: "none" } : {}),
    });
  }
}

/** The job of an effect that takes the place of a waiting one of its kind. */
function replacingJob(
  effect: Effect,
): { readonly lane: string; readonly name: string } | undefined {
  if (effect.kind === "checkOut") {
    return { lane: effect.lane, name: `checkout of tenant ${effect.tenantId}` };
  }
  if (effect.kind === "runExtension" && effect.whenBusy === "keepNewest") {
    return { lane: effect.lane, name: `extension ${effect.event}` };
  }
  return undefined;
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function kindOf(input: Input) {
  switch (input.kind) {
    case "event":
    case "unchanged":
      return "event";
    case "extensionEnded":
      return "extension";
    case "checkedOut":
    case "artifactsRemoved":
    case "artifactsChanged":
      return "artifacts";
    case "reconnected":
    case "subscribed":
      return "connection";
    case "readyAcknowledged":
      return "status";
    case "boot":
    case "portsOpen":
    case "topologyLaneOverflowed":
      return "phase";
  }
}

function titleOf(input: Input): string {
  switch (input.kind) {
    case "event":
      return eventTitle(input.event);
    case "unchanged":
      return `Unchanged ${input.what}`;
    case "extensionEnded":
      return `Extension ${input.event} ended: ${input.outcome.kind}`;
    case "checkedOut":
      return `Checkout of tenant ${input.tenantId} ended: ${input.outcome.kind}`;
    case "artifactsRemoved":
      return `Removal of the artifacts of tenant ${input.tenantId} ended: ${input.outcome.kind}`;
    case "artifactsChanged":
      return `Artifacts of tenant ${input.tenantId} changed`;
    case "reconnected":
      return input.isSessionLost ? "Reconnected, the session was lost" : "Reconnected";
    case "subscribed":
      return `Subscribed: ${input.group}`;
    case "readyAcknowledged":
      return "ReadyToShutdown acknowledged";
    case "boot":
      return "The agent starts";
    case "portsOpen":
      return "All ports are open";
    case "topologyLaneOverflowed":
      return "Extension runs for topology events were dropped";
  }
}

function workName(effect: Effect): string | undefined {
  switch (effect.kind) {
    case "runExtension":
      return extensionName(effect.event, effect.tenantId);
    case "checkOut":
      return `checkOut ${effect.tenantId}`;
    case "removeArtifacts":
      return `removal ${effect.tenantId}`;
    case "awaitPorts":
      return "ports";
    default:
      return undefined;
  }
}

function extensionName(event: string, tenantId: number | undefined): string {
  return `extension ${event} ${tenantId ?? ""}`;
}

function outcomeOf(outcome: ExtensionOutcome | CheckoutOutcome | RemovalOutcome): Outcome {
  return outcome.kind === "checkedOut" || outcome.kind === "removed" ? "succeeded" : outcome.kind;
}

function checkoutDetail(outcome: CheckoutOutcome): string | undefined {
  switch (outcome.kind) {
    case "checkedOut":
      return `${outcome.files} files, ${outcome.commit ?? "an empty repository"}`;
    case "failed":
      return outcome.reason;
    case "cancelled":
      return undefined;
  }
}
