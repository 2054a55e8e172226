import { moduleEventValues, moduleValues } from "./module_values.ts";
import type { ModuleCall } from "./module_session.ts";
import type { ExtensionOutcome, ExtensionRequest } from "./request.ts";
import type { ExtensionValues } from "./values.ts";

/** Runs the scripts that are installed under a name. */
export type RunScripts = (
  name: string,
  values: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<ExtensionOutcome>;

/** The call that has a module handle an event. */
export function eventCall(
  request: ExtensionRequest,
  values: ExtensionValues,
  runScripts: RunScripts,
): ModuleCall {
  return {
    message: {
      kind: "handle",
      event: request.event,
      eventValues: moduleEventValues(request.values),
      values: moduleValues(values),
    },
    answer: async (question, signal) => {
      if (question.what === "topology") return request.facts().topology;
      const outcome = await runScripts(question.name, question.values, signal);
      switch (outcome.kind) {
        case "succeeded":
          return { succeeded: true };
        case "none":
          return { succeeded: false, reason: `no script is installed for ${question.name}` };
        case "failed":
          return { succeeded: false, reason: outcome.reason };
        case "cancelled":
          return { succeeded: false, reason: "cancelled" };
      }
    },
  };
}
