/**
 * Whether a repository's host is one the operator allowed. A broker must not be able to make agents
 * fetch from anywhere.
 *
 * An entry is `host`, `host:port`, `*.domain` or `*.domain:port`, IPv6 addresses in brackets. Without
 * a port these are allowed: the ones of http and https, and the announced repository's when that is on
 * this host. `*.domain` stands for every name below the domain, not for the domain itself. Case and a
 * trailing dot do not matter.
 *
 * @param url An http or https URL.
 * @param announced REPO_URL.
 */
export function isAllowedHost(
  url: URL,
  allowedHosts: readonly string[],
  announced?: string,
): boolean {
  const host = comparable(url.hostname);
  const port = portOf(url);
  return allowedHosts.some((entry) => {
    const parsed = parseAllowedHost(entry);
    if (parsed === undefined) return false;
    const ports = parsed.port === undefined
      ? [80, 443, announcedPort(host, announced)]
      : [parsed.port];
    if (!ports.includes(port)) return false;
    return parsed.host.startsWith("*.")
      ? host.length > parsed.host.length - 1 && host.endsWith(parsed.host.slice(1))
      : host === parsed.host;
  });
}

/** The port a URL leads to, the scheme's own when it names none. */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

function announcedPort(host: string, announced: string | undefined): number | undefined {
  const url = announced === undefined ? null : URL.parse(announced);
  return url !== null && comparable(url.hostname) === host ? portOf(url) : undefined;
}

function parseAllowedHost(entry: string): { host: string; port?: number } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/@[\]]+)(?::(\d{1,5}))?$/i.exec(entry.trim());
  if (match?.[1] === undefined) return undefined;
  const host = comparable(match[1]);
  return match[2] === undefined ? { host } : { host, port: Number(match[2]) };
}

function comparable(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}
