import type { Secret } from "../base/secret.ts";
import type { HostPort, TlsFiles } from "../config/agent_config.ts";

/** An MQTT topic filter with the highest quality of service wanted. */
export interface Subscription {
  readonly filter: string;
  readonly qos: 0 | 1;
}

/** What a SUBACK says about one filter: the granted quality of service, or 128 for a refusal. */
export type GrantCode = number;

/** The code of a refused subscription in MQTT 3.1.1. */
export const refusedCode = 0x80;

/** One connection to one broker, from its acknowledgement to its end. */
export interface Link {
  /** The broker remembers a session of this client. */
  readonly sessionPresent: boolean;
  /** Resolves with the reason once the connection is over; never rejects. */
  readonly ended: Promise<string>;
  /** Bytes received so far. */
  readonly heardBytes: number;
  /** Whole packets received so far. */
  readonly heardPackets: number;
  /** Asks the broker for a sign of life. */
  ping(): void;
  /**
   * Subscribes once.
   *
   * @returns One code per filter, in their order. Rejects when the connection ends first.
   */
  subscribe(
    subscriptions: readonly Subscription[],
    signal: AbortSignal,
  ): Promise<readonly GrantCode[]>;
  /** Publishes at QoS 1; resolves on acknowledgement, rejects when the connection ends first. */
  publish(topic: string, payload: string, signal: AbortSignal): Promise<void>;
  /** Takes leave of the broker; resolves when the connection is over. */
  disconnect(): Promise<void>;
}

/** Takes a message. Returns whether it was taken. */
export type OnMessage = (topic: string, payload: Uint8Array) => boolean;

/** How to reach one broker. */
export interface LinkTarget {
  readonly broker: HostPort;
  readonly clientId: string;
  /** `false`: the broker keeps the session; `true`: it forgets it now and at the end. */
  readonly clean: boolean;
  readonly username?: string;
  readonly password?: Secret;
  readonly tls?: TlsFiles;
  /** Promised to the broker, in seconds; the caller pings. */
  readonly keepAliveSeconds: number;
  /** Largest packet that is received, in bytes. */
  readonly maxPacketBytes: number;
  /** Told of each message whose payload was let go because it is larger. */
  readonly onOversized: (bytes: number) => void;
  /**
   * Called for every message, in order, from the first moment on; must not throw. `false`: a message
   * of QoS 1 is not acknowledged, so that the broker delivers it to the next connection again.
   */
  readonly onMessage: OnMessage;
}

/**
 * Connects once.
 *
 * @param signal Ends the attempt and, later, the connection at once, without taking leave.
 * @throws AgentError of kind `refused` (the broker said no), `permission`, `configuration` (a TLS file)
 *   or `unavailable`.
 */
export type Dial = (target: LinkTarget, signal: AbortSignal) => Promise<Link>;

/** `host:port`, IPv6 hosts in brackets. */
export function nameOf({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
