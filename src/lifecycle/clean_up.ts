import { findMember, statusOf } from "../topology/lookup.ts";
import type { Effect, Status, Step } from "./effect.ts";
import { publishStatuses, statusesTo } from "./publish_status.ts";
import type { AgentState, Settings } from "./state.ts";

const runClean: Effect = { kind: "runExtension", lane: "lifecycle", event: "clean", values: {} };

/**
 * A clean-up was asked for, or was under way when the agent stopped.
 *
 * It overtakes everything: what runs is cancelled, the status events that the platform has to see
 * first are published, then maintenance, then `clean` once.
 */
export function cleanUp(state: AgentState, settings: Settings): Step<AgentState> {
  switch (state.phase.kind) {
    case "cleaning":
      return { state, effects: [] };
    case "readyToShutdown":
      return repeatReady(state, settings);
    case "halted":
      if (state.phase.event === "clean") return beginClean(state, []);
      break;
  }
  const remembered = { ...state.remembered, cleanUp: true };
  const begin: Effect[] = [
    { kind: "cancelWork" },
    // Not yet subscribed when this comes out of a persistent session or the state directory.
    { kind: "subscribe", group: "instance" },
    { kind: "remember", lane: "lifecycle", remembered },
  ];
  const published = publishStatuses(
    { ...state, remembered },
    statusesTo("maintenance", remembered.published),
  );
  const effects = [...begin, ...published.effects];
  return remembered.cleaned
    ? ready(published.state, effects)
    : beginClean(published.state, effects);
}

function beginClean(state: AgentState, before: readonly Effect[]): Step<AgentState> {
  return { state: { ...state, phase: { kind: "cleaning" } }, effects: [...before, runClean] };
}

/** The extension `clean` has ended, or had ended before a restart. */
export function cleaned(state: AgentState): Step<AgentState> {
  const remembered = { ...state.remembered, cleaned: true };
  return ready({ ...state, remembered }, [{ kind: "remember", lane: "lifecycle", remembered }]);
}

function ready(state: AgentState, before: readonly Effect[]): Step<AgentState> {
  const published = publishStatuses(
    { ...state, phase: { kind: "readyToShutdown" } },
    ["readyToShutdown"],
  );
  return { state: published.state, effects: [...before, ...published.effects] };
}

/**
 * The platform repeats a clean-up until it has accepted ReadyToShutdown. So an event on the way there
 * was lost or dropped: publish again whatever leads there from the state that it sees.
 */
function repeatReady(state: AgentState, settings: Settings): Step<AgentState> {
  if (!state.readyAcknowledged) return { state, effects: [] };
  return publishStatuses(state, statusesFrom(ownStatus(state, settings)));
}

function statusesFrom(memberStatus: string | undefined): readonly Status[] {
  switch (memberStatus) {
    case "Starting":
      return statusesTo("readyToShutdown", "started");
    case "Active":
      return statusesTo("readyToShutdown", "activated");
    case "In_Maintenance":
    case "ReadyToShutDown":
      return ["readyToShutdown"];
    case "Created":
    case "Initialized":
      return statusesTo("readyToShutdown", undefined);
    default:
      // Unknown, gone or faulty: nothing that came before maintenance may be said again.
      return statusesTo("readyToShutdown", "activated");
  }
}

/** Status of the own member in the known topology. */
export function ownStatus(state: AgentState, settings: Settings): string | undefined {
  return state.topology && statusOf(findMember(state.topology.document, settings.identity));
}
