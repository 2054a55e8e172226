import type { HostPort } from "../config/agent_config.ts";

/** What the rest of the agent hears from the connection. What a handler throws is logged. */
export interface BrokerHandlers {
  /**
   * Every message, in order; duplicates pass through. Must return at once.
   *
   * `false` says that it was not taken: at QoS 1 it comes again with the next connection, also of
   * another run. Everything else, an exception too, has it acknowledged.
   */
  readonly onMessage: (topic: string, payload: Uint8Array) => boolean | void;
  /** Connected, and the broker has answered for every remembered subscription. */
  readonly onConnected?: (connected: Connected) => void;
  /** Follows each `onConnected` when that connection ends, except at disposal. */
  readonly onLost?: (reason: string) => void;
}

/** Facts about a new connection. */
export interface Connected {
  readonly broker: HostPort;
  /** The broker had kept the session: nothing of QoS 1 is missing. */
  readonly sessionPresent: boolean;
  /** There was a connection before: what came at QoS 0 in between is missing. */
  readonly gap: boolean;
}
