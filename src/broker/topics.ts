import { cannot } from "../base/errors.ts";

/** Longest topic that MQTT 3.1.1 can carry, in bytes. */
const maxTopicBytes = 65_535;

/** Why a string cannot be published to, or `undefined` when it can (MQTT 3.1.1, section 4.7). */
export function findTopicFault(topic: string): string | undefined {
  if (/[#+]/.test(topic)) return "a topic holds no wildcard";
  return findFault(topic);
}

/** Why a string cannot be subscribed to, or `undefined` when it can (MQTT 3.1.1, section 4.7). */
export function findFilterFault(filter: string): string | undefined {
  const levels = filter.split("/");
  for (const [at, level] of levels.entries()) {
    if (level.includes("#") && (level !== "#" || at !== levels.length - 1)) {
      return "# must be the whole last level";
    }
    if (level.includes("+") && level !== "+") return "+ must be a whole level";
  }
  return findFault(filter);
}

/** @throws AgentError of kind `internal` when the topic cannot be published to. */
export function requireTopic(topic: string): void {
  const fault = findTopicFault(topic);
  if (fault) throw cannot("publish to", topic.slice(0, 200), fault, { kind: "internal" });
}

/** @throws AgentError of kind `internal` when the filter cannot be subscribed to. */
export function requireFilter(filter: string): void {
  const fault = findFilterFault(filter);
  if (fault) throw cannot("subscribe to", filter.slice(0, 200), fault, { kind: "internal" });
}

function findFault(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (text.includes("\0")) return "it holds a null character";
  if (!text.isWellFormed()) return "it is not well-formed Unicode";
  if (new TextEncoder().encode(text).length > maxTopicBytes) return "it is too long";
  return undefined;
}
