/** Addresses that only the system's git reaches: over SSH. */
import {
  parseRepositoryUrl,
  type RepositoryAccess,
  type RepositoryUrl,
} from "../git/credentials.ts";
import { cannot } from "../base/errors.ts";

/** A name or an IPv4 address; nothing that a program could take for an option. */
const host = String.raw`[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?`;
const user = String.raw`[a-z0-9_][a-z0-9._-]*`;
const sshUrl = new RegExp(
  String.raw`^ssh://(?:(${user})(?::[^@/]*)?@)?(${host}|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(/[^/-].*)$`,
  "i",
);
/** As `scp` writes it: relative to the user's home on the server. */
const scpAddress = new RegExp(String.raw`^(?:(${user})@)?(${host}):(?!-|:|//)(.+)$`, "i");
const odd = /[\p{Cc}\s?#\\]|::|\/-/u;

/**
 * Takes a repository's address apart for the system's git: http and https URLs as ever, `ssh://` URLs
 * and `user@host:path`. A password in an SSH address is never used.
 */
export function parseSystemGitUrl(text: string): RepositoryUrl {
  const trimmed = text.trim();
  if (/^https?:/i.test(trimmed)) return parseRepositoryUrl(trimmed);
  if (/^ssh:/i.test(trimmed)) {
    const match = sshUrl.exec(trimmed);
    const [, username, hostname = "", port, path = ""] = match ?? [];
    if (match === null || odd.test(path)) return refused("the SSH URL is not valid");
    if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
      return refused("the SSH URL's port is not valid");
    }
    const address = `ssh://${hostname.toLowerCase()}${port === undefined ? "" : `:${port}`}${path}`;
    return parsed(address, address, username);
  }
  // Everything else with a scheme, and remote helpers, are refused in the words of the other engine.
  const match = scpAddress.exec(trimmed);
  if (match === null || trimmed.includes("://") || odd.test(trimmed)) {
    return parseRepositoryUrl(/^[^/@:]+@[^/@:]+:/.test(trimmed) ? "not a URL" : trimmed);
  }
  const [, username, hostname = "", path = ""] = match;
  const name = hostname.toLowerCase();
  return parsed(`ssh://${name}/${path.replace(/^\/+/, "")}`, `${name}:${path}`, username);
}

/** Whether an address, as {@link RepositoryAccess} holds it, is reached over SSH. */
export function isSshAddress(address: string): boolean {
  return !/^https?:/i.test(address);
}

/**
 * What git is told, with the user name where SSH wants one.
 *
 * @throws AgentError of kind `refused` when the user name is none.
 */
export function gitAddressOf({ url, credentials }: RepositoryAccess): string {
  const username = credentials?.username ?? "";
  if (!isSshAddress(url) || username === "") return url;
  if (!new RegExp(`^${user}$`, "i").test(username)) {
    throw cannot("fetch from", url, "the user name cannot be used with SSH", { kind: "refused" });
  }
  return url.startsWith("ssh://")
    ? `ssh://${username}@${url.slice("ssh://".length)}`
    : `${username}@${url}`;
}

function parsed(urlText: string, address: string, username: string | undefined): RepositoryUrl {
  const url = URL.parse(urlText);
  if (url === null) return refused("the SSH address is not valid");
  return { kind: "url", url, address, ...(username === undefined ? {} : { username }) };
}

function refused(reason: string): RepositoryUrl {
  return { kind: "refused", reason };
}
