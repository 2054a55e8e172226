import type { AgentEvent } from "./agent_event.ts";
import { asFields, Malformed } from "./fields.ts";
import { nestsDeeperThan } from "./nesting.ts";
import { schemas } from "./schemas.ts";

/** What became of a message. */
export type Decoded =
  | { readonly kind: "event"; readonly event: AgentEvent }
  /** A payload without content. */
  | { readonly kind: "ignored"; readonly reason: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "malformed"; readonly reason: string };

/** Objects and lists inside each other; the platform nests about ten deep. */
const mostDepth = 100;

/**
 * Events about one thing are under 2 KB; documents may be as large as may be received. What is small
 * waits in lanes by the thousand, so its size is a bound of memory.
 */
const mostSmallBytes = 64 * 1024;

const documents: ReadonlySet<string> = new Set([
  "topology/CompleteTopologyEvent",
  "topology/ClusterCreatedEvent",
  "topology/ApplicationClustersCreatedEvent",
  "topology/ApplicationClustersRemovedEvent",
  "tenant/CompleteTenantEvent",
  "application/signup/CompleteApplicationSignUpsEvent",
]);

/**
 * Decodes one message of the broker. Never throws, whatever the bytes are.
 *
 * @param topic As received.
 * @param payload UTF-8 JSON, as received; its size was bounded where it was received.
 */
export function decodeEvent(topic: string, payload: Uint8Array): Decoded {
  const schema = Object.hasOwn(schemas, topic) ? schemas[topic] : undefined;
  if (schema === undefined) return { kind: "unknown" };
  // What was too large to be received comes without its payload.
  if (payload.length === 0) return { kind: "ignored", reason: "it is empty" };
  if (payload.length > mostSmallBytes && !documents.has(topic)) {
    return malformed(`its ${payload.length} bytes are more than ${mostSmallBytes}`);
  }
  if (nestsDeeperThan(payload, mostDepth)) {
    return malformed(`it nests deeper than ${mostDepth} levels`);
  }
  const json = decodeUtf8(payload);
  if (json === undefined) return malformed("it is not valid UTF-8");
  try {
    const event = schema(asFields(JSON.parse(json), "payload"));
    return event ? { kind: "event", event } : { kind: "ignored", reason: "it has no content" };
  } catch (error) {
    if (error instanceof Malformed || error instanceof SyntaxError) return malformed(error.message);
    throw error;
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function malformed(reason: string): Decoded {
  return { kind: "malformed", reason: reason.slice(0, 300) };
}
