import { isIPv6 } from "node:net";
import { cannot } from "../base/errors.ts";

/** One part of a host name between dots; also of an IPv4 address. */
const label = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i;
/** `host`, `[ipv6]` or `*.domain`, each with or without a port. */
const hostWithPort = /^(?:\[([^\]]*)\]|([^:\[\]]*))(?::(\d{1,5}))?$/;

/** Ports of a repository host that is named without one: http and https. */
const repositoryPorts = [80, 443];

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

/**
 * The grants for a host that artifacts may come from: `host`, `host:port`, `[ipv6]:port`,
 * `*.domain` or `*.domain:port`. Without a port these are the ones of http and https, and the one of
 * the announced repository when that is on this host.
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
  const url = announced === undefined ? null : URL.parse(announced);
  const announcedHere = url !== null && url.port !== "" &&
    url.hostname.replace(/^\[|\]$/g, "") === host.toLowerCase();
  const ports = announcedHere ? [...repositoryPorts, Number(url.port)] : repositoryPorts;
  return ports.map((port) => repositoryGrant(host, port));
}

function repositoryGrant(host: string, port: number): string {
  return host.startsWith("*.") ? `*.${tcpGrant(host.slice(2), port)}` : tcpGrant(host, port);
}

function refused(subject: string, reason: string) {
  return cannot("grant network access to", subject, reason, { kind: "configuration" });
}
