import { type DataBridgeCall, publishCall } from "./data_bridge_messages.ts";
import { bundleOf, type StreamDefinition, type StreamEvent } from "./stream_definition.ts";

/** Events that only need a session to be sent. */
export interface PreparedBundle {
  /** Those of its events; each has to be defined before. */
  readonly streams: readonly StreamDefinition[];
  /** Number of events. */
  readonly count: number;
  /** The call that publishes them in a session. */
  readonly call: (sessionId: string) => DataBridgeCall<undefined>;
}

/** Events as they are; they are checked when the call is made. */
export function preparedEvents(events: readonly StreamEvent[]): PreparedBundle {
  return {
    streams: events.map(({ stream }) => stream),
    count: events.length,
    call: (sessionId) => publishCall({ sessionId, ...bundleOf(events) }),
  };
}
