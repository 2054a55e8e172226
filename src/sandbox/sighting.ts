import type { PlatformEntry } from "./platform_entry.ts";

/** Something that was observed of the agent or done to it; the only input of timeline and life. */
export type Sighting =
  | { readonly kind: "platform"; readonly entry: PlatformEntry }
  /** A health value arrived at the receiver. */
  | { readonly kind: "health"; readonly description: string; readonly value: number }
  /** The application's directory holds all files of a commit. */
  | { readonly kind: "files"; readonly commit: CommitName; readonly files: number }
  /** An extension ran. */
  | { readonly kind: "extension"; readonly event: string }
  /** An extension printed a line. */
  | { readonly kind: "output"; readonly event: string; readonly line: string }
  /** The application's port accepts connections from now on. */
  | { readonly kind: "portOpened"; readonly port: number }
  /** A peer other than the platform cannot use what the agent sent. */
  | { readonly kind: "refused"; readonly who: Who; readonly reason: string }
  /** The agent ended although nobody had asked it to. */
  | { readonly kind: "agentLost"; readonly reason: string }
  /** The agent was ended; `stragglers` names what did not end with it. */
  | { readonly kind: "agentEnded"; readonly stragglers: readonly string[] }
  /** A step of the life that did not come in time. */
  | { readonly kind: "missing"; readonly step: string }
  /** Something that the sandbox itself did or has to say. */
  | { readonly kind: "note"; readonly who: Who; readonly what: string };

/** The two commits of the sandbox's repository. */
export type CommitName = "first" | "second";

/** The parties of the timeline. */
export type Who = "sandbox" | "broker" | "platform" | "agent" | "receiver" | "git" | "server";
