import type { IdentityConfig } from "../config/agent_config.ts";
import { declareStream } from "./stream_definition.ts";

/** What every log event of this member says. */
export interface LogSender {
  /** `0` for the super tenant. */
  readonly tenant: string;
  /** Cluster, whole or up to its first dot. */
  readonly alias: string;
  readonly memberId: string;
}

/** Tenant numbers that mean the super tenant. */
const superTenants: ReadonlySet<number> = new Set([-1, -1234]);

/** Who sends, by the identity and by what `log.stream.alias` says. */
export function logSender(identity: IdentityConfig, streamAlias: "full" | "first"): LogSender {
  const { tenantId, clusterId, memberId } = identity;
  return {
    tenant: superTenants.has(tenantId) ? "0" : String(tenantId),
    alias: streamAlias === "first" ? clusterId.split(".")[0]! : clusterId,
    memberId,
  };
}

/** `yyyy.MM.dd` in the instance's own time zone, as the streams of the platform's agents are named. */
export function dayOf(timeMs: number): string {
  const date = new Date(timeMs);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}.${two(date.getMonth() + 1)}.${two(date.getDate())}`;
}

/** The stream of one day; the platform's log viewer looks for this name and these attributes. */
export function logStream({ tenant, alias }: LogSender, day: string) {
  return declareStream({
    // A colon would end the name where the stream's id is read.
    name: `logs.${tenant}.${alias}.${day}`.replaceAll(":", "_"),
    version: "1.0.0",
    nickName: "log entries from instance",
    description: "Apache Stratos Instance Log Publisher",
    metaData: [{ name: "memberId", type: "STRING" }],
    correlationData: [],
    payloadData: [
      { name: "tenantID", type: "STRING" },
      { name: "serverName", type: "STRING" },
      { name: "appName", type: "STRING" },
      { name: "logTime", type: "STRING" },
      { name: "priority", type: "STRING" },
      { name: "message", type: "STRING" },
      { name: "logger", type: "STRING" },
      { name: "ip", type: "STRING" },
      { name: "instance", type: "STRING" },
      { name: "stacktrace", type: "STRING" },
    ],
  });
}
