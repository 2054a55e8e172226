import { isIPv6 } from "node:net";
import { cannot } from "../base/errors.ts";
import type { HostPort } from "../config/agent_config.ts";

/** One part of a host name between dots; also of an IPv4 address. */
const label = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i;
/** `host`, `[ipv6]` or `*.domain`, each with or without a port. */
const hostWithPort = /^(?:\[([^\]]*)\]|([^:\[\]]*))(?::(\d{1,5}))?$/;

/** The port of a repository host that is named without one: https. */
const repositoryPort = 443;

/**
 * The grant for one TCP peer, as `--allow-net` takes it. A name stays a name: Deno checks it before
 * it is looked up, so a grant for `localhost:1883` is enough to connect to it.
 *
 * @param host A name or address, IPv6 without brackets.
 * @throws AgentError of kind `configuration` for what would be no host or more than one.
 */
export function tcpGrant(host: string, port: number): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw refused(`${host}:${port}`, "a port is a number from 1 to 65535");
  }
  // Deno knows no zones (`fe80::1%eth0`).
  if (isIPv6(host) && !host.includes("%")) return `[${host.toLowerCase()}]:${port}`;
  const absolute = host.toLowerCase().replace(/\.$/, "");
  if (absolute.length > 253 || !absolute.split(".").every((part) => label.test(part))) {
    throw refused(host, "this is neither a host name nor an address");
  }
  return `${absolute}:${port}`;
}

/** The grant for an address to listen on; port 0, which is any free one, is granted as such. */
export function listenGrant({ host, port }: HostPort): string {
  return tcpGrant(host, port === 0 ? 1 : port).replace(/:[0-9]+$/, `:${port}`);
}

/**
 * The grants for a host that artifacts may come from: `host`, `host:port`, `[ipv6]:port`,
 * `*.domain` or `*.domain:port`. Without a port this is the one of https; the announced repository's
 * own port is granted beside it, on that repository's host alone. Plain http, which shows passwords to
 * everybody on the way, thus needs an entry with a port or an announced repository that uses it.
 *
 * Deno reads `*.domain` as every name below the domain and the domain itself; the agent's own check of
 * repository hosts leaves the domain itself out.
 *
 * @param announced REPO_URL.
 * @throws AgentError of kind `configuration` for anything else.
 */
export function repositoryGrants(allowed: string, announced?: string): readonly string[] {
  const parts = hostWithPort.exec(allowed.trim());
  if (!parts) throw refused(allowed, "give host, host:port, [ipv6]:port or *.domain");
  const host = parts[1] ?? parts[2] ?? "";
  if (parts[3] !== undefined) return [repositoryGrant(host, Number(parts[3]))];
  const repository = announced === undefined ? undefined : peerOf(announced);
  return [
    repositoryGrant(host, repositoryPort),
    ...repository && covers(host.toLowerCase().replace(/\.$/, ""), repository.host)
      ? [tcpGrant(repository.host, repository.port)]
      : [],
  ];
}

/**
 * The grant for the host and port of an http or https URL.
 *
 * @throws AgentError of kind `configuration` for what is no URL or names no host.
 */
export function urlGrant(url: string): string {
  const peer = peerOf(url);
  if (!peer) throw refused(url, "this is no URL");
  return tcpGrant(peer.host, peer.port);
}

/** Where a URL leads to. */
function peerOf(text: string): { readonly host: string; readonly port: number } | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  const port = url.port === "" ? url.protocol === "http:" ? 80 : 443 : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, ""), port };
}

function covers(host: string, other: string): boolean {
  return host.startsWith("*.") ? other.endsWith(host.slice(1)) : other === host;
}

function repositoryGrant(host: string, port: number): string {
  return host.startsWith("*.") ? `*.${tcpGrant(host.slice(2), port)}` : tcpGrant(host, port);
}

function refused(subject: string, reason: string) {
  return cannot("grant network access to", subject, reason, { kind: "configuration" });
}
