import type { Clock } from "../base/clock.ts";
import { cannot, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Redactor } from "../base/redactor.ts";
import { Secret } from "../base/secret.ts";
import type { AgentConfig, StatusConfig } from "../config/agent_config.ts";
import { EventStreams } from "../status/event_stream.ts";
import { statusPage } from "../status/page.ts";
import { SharedSnapshot } from "../status/shared_snapshot.ts";
import type { StatusSnapshot } from "../status/snapshot.ts";
import { StatusEndpoint } from "../status/status_endpoint.ts";
import { statusHandler } from "../status/status_handler.ts";
import { type AgentFacts, snapshotOf, type StatusSources } from "./status_snapshot.ts";
import type { StatusWatch } from "./status_watch.ts";

/** What {@link openStatus} needs. */
export interface StatusOptions {
  readonly config: AgentConfig;
  /** Absent: unknown. */
  readonly facts: AgentFacts | undefined;
  readonly sources: StatusSources;
  readonly watch: StatusWatch;
  /** Absent: the endpoint needs none. */
  readonly token: Secret | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly redactor: Redactor;
}

/** The status of a running agent. */
export interface AgentStatusView extends AsyncDisposable {
  /** Not older than 200 ms. */
  snapshot(): StatusSnapshot;
}

/** Begins to show the status, on the endpoint too when one is configured. */
export function openStatus(options: StatusOptions): AgentStatusView {
  const { config, watch, token, log, clock, redactor, facts = unknownFacts } = options;
  const startedMs = clock.now();
  const redact = (text: string) => redactor.redact(text);
  const snapshot = new SharedSnapshot(
    () => snapshotOf({ ...options, facts, redact, startedMs }),
    clock,
    () => watch.journal.revision,
  );
  const { listen } = config.status;
  if (!listen) {
    return { snapshot: () => snapshot.value, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const epoch = startedMs.toString(36);
  const streams = new EventStreams({ journal: watch.journal, snapshot, clock, epoch });
  watch.onChange = () => streams.changed();
  const access = { listen, ...(token ? { token } : {}) };
  const handler = statusHandler({ access, snapshot, streams, page: statusPage });
  const endpoint = new StatusEndpoint({ listen, handler, log, clock });
  return {
    snapshot: () => snapshot.value,
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}

const unknownFacts: AgentFacts = {
  version: "unknown",
  settings: () => [],
  permissions: { net: [], read: [], write: [], run: [], sys: [] },
};

const leastTokenLength = 16;
const mostTokenLength = 4096;

/**
 * Reads the token of the status endpoint.
 *
 * @returns Undefined when none is configured.
 * @throws AgentError of kind `configuration`.
 */
export async function readStatusToken(
  { listen, tokenFile }: StatusConfig,
): Promise<Secret | undefined> {
  if (!listen || tokenFile === undefined) return undefined;
  const wrong = (reason: string) =>
    cannot("use status.token.file", tokenFile, reason, { kind: "configuration" });
  const text = (await Deno.readTextFile(tokenFile).catch((error) => {
    throw wrong(reasonOf(error));
  })).trim();
  if (text.length > mostTokenLength || !/^[\x21-\x7e]*$/.test(text)) {
    throw wrong("a token is one line of at most 4,096 printable characters without blanks");
  }
  if (text.length < leastTokenLength) throw wrong("a token has at least 16 characters");
  return new Secret(text);
}
