import type { Judgement } from "./judgement.ts";
import type { StatusName } from "./status_rules.ts";

/** Something the platform saw or did; `atMs` is the clock's monotonic time. */
export type PlatformEntry =
  | RequestEntry
  | JudgedStatus
  | PlatformFault
  | { readonly kind: "published"; readonly topic: string; readonly atMs: number }
  | { readonly kind: "connection"; readonly connected: boolean; readonly atMs: number };

/** A well-formed request; answered unless the platform is one of those that never did. */
export interface RequestEntry {
  readonly kind: "request";
  /** Event name, e.g. `CompleteTopologyRequestEvent`. */
  readonly event: string;
  readonly atMs: number;
}

/** A well-formed status event and what the cloud controller did with it. */
export interface JudgedStatus {
  readonly kind: "status";
  readonly event: StatusName;
  readonly memberId: string;
  readonly accepted: boolean;
  /** Why it was dropped; empty when it was accepted. */
  readonly reason: string;
  readonly atMs: number;
}

/** Something that an agent must not send. */
export interface PlatformFault {
  readonly kind: "fault";
  readonly topic: string;
  readonly reason: string;
  readonly atMs: number;
}

/** The entries that a judgement leaves: a dropped status event is a fault as well. */
export function entriesOf(
  judgement: Judgement,
  topic: string,
  atMs: number,
): readonly PlatformEntry[] {
  switch (judgement.kind) {
    case "request":
      return [{ kind: "request", event: judgement.event, atMs }];
    case "fault":
      return [{ kind: "fault", topic, reason: judgement.reason, atMs }];
    case "accepted": {
      const { event, memberId } = judgement;
      return [{ kind: "status", event, memberId, accepted: true, reason: "", atMs }];
    }
    case "dropped": {
      const { event, memberId, reason } = judgement;
      return [
        { kind: "status", event, memberId, accepted: false, reason, atMs },
        { kind: "fault", topic, reason, atMs },
      ];
    }
  }
}
