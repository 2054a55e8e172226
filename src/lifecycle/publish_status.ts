import { type Effect, type Status, statuses } from "./effect.ts";
import type { AgentState } from "./state.ts";

/** A new state with the effects that publish status events and remember the last one. */
export function publishStatuses(
  state: AgentState,
  wanted: readonly Status[],
): { readonly state: AgentState; readonly effects: readonly Effect[] } {
  const last = wanted.at(-1);
  if (last === undefined) return { state, effects: [] };
  const remembered = { ...state.remembered, published: last };
  return {
    state: { ...state, remembered },
    effects: [
      ...wanted.map((status): Effect => ({ kind: "publish", lane: "lifecycle", status })),
      { kind: "remember", lane: "lifecycle", remembered },
    ],
  };
}

/**
 * What must be published before `target` so that the platform accepts it.
 *
 * It drops an event that is not legal in the member's state, so none may be left out.
 *
 * @param published The last status that was published, absent for none.
 * @returns The statuses after `published` up to and with `target`.
 */
export function statusesTo(target: Status, published: Status | undefined): readonly Status[] {
  const from = published === undefined ? 0 : statuses.indexOf(published) + 1;
  return statuses.slice(from, statuses.indexOf(target) + 1);
}
