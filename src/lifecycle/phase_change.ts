import type { Step } from "./effect.ts";
import type { ExtensionOutcome } from "./ports.ts";
import type { AgentState, Settings } from "./state.ts";

/** Everything is in place but the application's ports. */
export function awaitPorts(state: AgentState): Step<AgentState> {
  return {
    state: { ...state, phase: { kind: "awaitingPorts" } },
    effects: [{ kind: "awaitPorts", lane: "lifecycle" }],
  };
}

/** Whether a failed extension stops the lifecycle step. */
export function stops(settings: Settings, event: string, outcome: ExtensionOutcome): boolean {
  return outcome.kind === "failed" && settings.lifecycle.requiredExtensions.includes(event);
}

/** The lifecycle goes no further because a required extension failed. */
export function halt(state: AgentState, event: string): Step<AgentState> {
  return {
    state: { ...state, phase: { kind: "halted", event } },
    effects: [{
      kind: "log",
      level: "error",
      message: `The extension ${event} is required and failed: the lifecycle stops here. ` +
        `Mend it and restart the agent, or take it out of extension.required.`,
    }],
  };
}
