import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../base/secret.ts";
import type { HostPort } from "../config/agent_config.ts";

/** Why a request gets no answer of its own. */
export type Refusal = "unauthorized" | "misdirected";

/** Who may ask. */
export interface AccessRules {
  /** Where the endpoint listens. */
  readonly listen: HostPort;
  /** Absent: whoever reaches a loopback address may. */
  readonly token?: Secret;
}

/** Whether an address can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" ||
    /^127\.(?:[0-9]{1,3}\.){2}[0-9]{1,3}$/.test(name);
}

/**
 * Judges a request.
 *
 * On a loopback address its `Host` must name one: a web page elsewhere whose name was made to lead here
 * would otherwise read the answers in the browser of whoever looks at it.
 */
export function refusalOf(request: Request, { listen, token }: AccessRules): Refusal | undefined {
  const { hostname } = new URL(request.url);
  const asked = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isLoopback(listen.host) && !isLoopback(asked)) return "misdirected";
  if (!token) return undefined;
  const [, given] = /^Bearer +([\x21-\x7e]+) *$/i.exec(
    request.headers.get("authorization") ?? "",
  ) ?? [];
  return given !== undefined && areEqual(given, token.open()) ? undefined : "unauthorized";
}

/** Takes the same time whatever is different. */
function areEqual(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
