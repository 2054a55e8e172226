/**
 * Whether a repository's host is one the operator allowed. A broker must not be able to make agents
 * fetch from anywhere, nor to have them send a password in the clear.
 *
 * An entry is `host`, `host:port`, `*.domain` or `*.domain:port`, IPv6 addresses in brackets. `*.domain`
 * stands for every name below the domain, not for the domain itself. Case and a trailing dot do not
 * matter.
 *
 * Without a port https on port 443 is allowed, and the announced repository's own scheme and port when
 * that is on this host. With a port that port is allowed, by https and by http, but not by http
 * - on port 443,
 * - where the announced repository is reached by https;
 * nor by https on port 80. SSH needs an entry with its port, or the announced repository.
 *
 * @param url An http, https or ssh URL.
 * @param announced REPO_URL.
 */
export function isAllowedHost(
  url: URL,
  allowedHosts: readonly string[],
  announced?: string,
): boolean {
  const host = comparable(url.hostname);
  // Whoever grants access to a host would read it as a pattern.
  if (host.includes("*")) return false;
  const port = portOf(url);
  const ofAnnounced = schemeAndPort(host, announced);
  return allowedHosts.some((entry) => {
    const parsed = parseAllowedHost(entry);
    if (parsed === undefined) return false;
    const isHost = parsed.host.startsWith("*.")
      ? host.length > parsed.host.length - 1 && host.endsWith(parsed.host.slice(1))
      : host === parsed.host;
    if (!isHost) return false;
    if (ofAnnounced?.protocol === url.protocol && ofAnnounced.port === port) {
      return parsed.port === undefined || parsed.port === port;
    }
    if (parsed.port === undefined) return url.protocol === "https:" && port === 443;
    if (parsed.port !== port) return false;
    if (url.protocol === "ssh:") return true;
    return url.protocol === "https:" ? port !== 80 : port !== 443 && ofAnnounced?.port !== port;
  });
}

/** The port a URL leads to, the scheme's own when it names none. */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  if (url.protocol === "ssh:") return 22;
  return url.protocol === "https:" ? 443 : 80;
}

/** How the announced repository is reached; `undefined` when it is on another host. */
function schemeAndPort(
  host: string,
  announced: string | undefined,
): { readonly protocol: string; readonly port: number } | undefined {
  const url = announced === undefined ? null : URL.parse(announced);
  if (url === null || comparable(url.hostname) !== host) return undefined;
  return { protocol: url.protocol, port: portOf(url) };
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
