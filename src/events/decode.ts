import type { AgentEvent } from "./agent_event.ts";
import { asFields, Malformed } from "./fields.ts";
import { nestsDeeperThan } from "./nesting.ts";
import { notHandled, schemas } from "./schemas.ts";

/** What became of a message. */
export type Decoded =
  | { readonly kind: "event"; readonly event: AgentEvent }
  /** A topic of the protocol that this agent does nothing on, or a payload without content. */
  | { readonly kind: "ignored"; readonly reason: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "malformed"; readonly reason: string };

/** Bounds of one payload. */
export interface PayloadLimits {
  readonly bytes: number;
  /** Objects and lists inside each other. */
  readonly depth: number;
}

/** 64 MiB is four times the topology of 20,000 members; the platform nests about ten deep. */
export const payloadLimits: PayloadLimits = { bytes: 64 * 1024 * 1024, depth: 100 };

/**
 * Decodes one message of the broker. Never throws, whatever the bytes are.
 *
 * @param topic As received.
 * @param payload UTF-8 JSON, as received.
 */
export function decodeEvent(
  topic: string,
  payload: Uint8Array,
  limits: PayloadLimits = payloadLimits,
): Decoded {
  const schema = Object.hasOwn(schemas, topic) ? schemas[topic] : undefined;
  if (schema === undefined) return { kind: "unknown" };
  if (schema === notHandled) return { kind: "ignored", reason: "not handled yet" };
  if (payload.length > limits.bytes) {
    return malformed(`${payload.length} bytes are more than the limit of ${limits.bytes}`);
  }
  if (nestsDeeperThan(payload, limits.depth)) {
    return malformed(`it nests deeper than ${limits.depth} levels`);
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
