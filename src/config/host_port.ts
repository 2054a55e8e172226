import type { HostPort } from "./agent_config.ts";
import type { Parsed, ValueType } from "./value_types.ts";
import { listOf } from "./value_types.ts";

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.(?!$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;
const allDigits = /^[0-9.]+$/;
const ipv4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!$)|$)){4}$/;

/** Whether the text is an IPv4 address, dotted. */
export function isIpv4(text: string): boolean {
  return ipv4.test(text);
}

/** Whether the text is an IPv6 address, without brackets. */
export function isIpv6(text: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}

/** Whether the text is a host: a name, an IPv4 address, or an IPv6 address without brackets. */
export function isHost(text: string): boolean {
  if (text.includes(":")) return isIpv6(text);
  return allDigits.test(text) ? isIpv4(text) : hostName.test(text);
}

/** Whether a host is reached from the same machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || (isIpv4(name) && name.startsWith("127."));
}

/** `host:port`, IPv6 in brackets. */
export function showHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Reads `host:port`, IPv6 as `[::1]:1883`.
 *
 * @param leastPort 0 where "any free port" makes sense.
 */
export function parseHostPort(text: string, leastPort = 1): Parsed<HostPort> {
  const [, bracketed, name, port] =
    /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text.trim()) ?? [];
  if (port === undefined) return { refused: "is not host:port" };
  const host = bracketed ?? name ?? "";
  const valid = bracketed === undefined ? isHost(host) : isIpv6(host);
  if (!valid) return { refused: "has no valid host" };
  const number = Number(port);
  if (number < leastPort || number > 65535) return { refused: "has no valid port" };
  return { value: { host, port: number } };
}

/** A host alone; IPv6 with or without brackets. */
export const hostAlone: ValueType<string> = {
  accepted: "a host name or IP address",
  parse: (text) => {
    const host = text.trim();
    const bracketed = /^\[(.*)\]$/.exec(host)?.[1];
    if (bracketed !== undefined && isIpv6(bracketed)) return { value: bracketed };
    return isHost(host) ? { value: host } : { refused: "is neither a host name nor an IP address" };
  },
};

/** One peer. */
export const hostAndPort: ValueType<HostPort> = {
  accepted: "host:port, IPv6 as [::1]:port",
  parse: (text) => parseHostPort(text),
};

/** Several peers. */
export const hostsAndPorts: ValueType<readonly HostPort[]> = listOf(
  hostAndPort,
  ",",
  "host:port[,host:port…], IPv6 as [::1]:port",
);

/** An address to listen on, or `off`. */
export const listener: ValueType<HostPort | "off"> = {
  accepted: "host:port (port 0: any free one) or off",
  parse: (text) => {
    if (text.trim().toLowerCase() === "off") return { value: "off" };
    return parseHostPort(text, 0);
  },
};

/** `host[:port]` or `*.domain[:port]`, in lower case. */
export const hostPattern: ValueType<string> = {
  accepted: "host[:port] or *.domain[:port]",
  parse: (text) => {
    const pattern = text.trim().toLowerCase();
    const exact = pattern.startsWith("*.") ? pattern.slice(2) : pattern;
    const bracketed = /^\[(.*)\]$/.exec(exact)?.[1];
    const isAlone = bracketed === undefined
      ? !exact.includes(":") && isHost(exact)
      : isIpv6(bracketed);
    if (isAlone || "value" in parseHostPort(exact)) return { value: pattern };
    return { refused: "is not host[:port] or *.domain[:port]" };
  },
};
