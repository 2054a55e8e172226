import { Secret } from "../base/secret.ts";

/** Where to fetch from and as whom; lives in memory only. */
export interface RepositoryAccess {
  /** Without user information, query and fragment; no trailing slash. */
  readonly url: string;
  /** Absent: no Authorization header is sent. */
  readonly credentials?: Credentials;
}

/** User name and password of basic authentication; either may be empty. */
export interface Credentials {
  readonly username: string;
  readonly password: Secret;
}

/** A URL taken apart, or why it cannot be used. The reason never holds user information. */
export type RepositoryUrl =
  | {
    readonly kind: "url";
    /** Without user information. */
    readonly url: URL;
    /** What git is told where that is not the URL: `host:path`. */
    readonly address?: string;
    /** From the URL, percent-decoded; absent when it has none. */
    readonly username?: string;
    readonly password?: Secret;
  }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Takes a repository URL apart. Only smart HTTP and HTTPS are spoken: `git@host:path`, `ssh:`, `git:`,
 * `file:` and remote helpers such as `ext::` are refused.
 */
export function parseRepositoryUrl(text: string): RepositoryUrl {
  const trimmed = text.trim();
  if (/^[^/@:]+@[^/@:]+:/.test(trimmed)) {
    return refused(
      "SSH addresses such as git@host:path are not supported, only http and https URLs",
    );
  }
  const helper = /^([a-z][a-z0-9+.-]*)::/i.exec(trimmed)?.[1];
  if (helper !== undefined) {
    return refused(
      `remote helpers such as ${helper}:: are never run, only http and https URLs work`,
    );
  }
  const url = URL.parse(trimmed);
  if (url === null) return refused("the repository URL is not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return refused(`the scheme ${url.protocol} is not supported, only http and https URLs`);
  }
  if (url.hostname.includes("*")) return refused("the repository URL's host holds a star");
  if (url.search !== "") return refused("the repository URL carries a query");
  const username = decoded(url.username);
  const password = decoded(url.password);
  url.username = "";
  url.password = "";
  url.hash = "";
  return {
    kind: "url",
    url,
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password: new Secret(password) }),
  };
}

/**
 * Puts the URL's and the event's credentials together: what the URL says wins, user name and password
 * each for itself.
 */
export function mergeCredentials(
  parsed: RepositoryUrl & { kind: "url" },
  event: { readonly username: string; readonly password: Secret | undefined },
): RepositoryAccess {
  const username = parsed.username ?? event.username;
  const password = parsed.password ?? event.password;
  const url = parsed.address ?? parsed.url.href.replace(/\/+$/, "");
  if (username === "" && password === undefined) return { url };
  return { url, credentials: { username, password: password ?? new Secret("") } };
}

/** The value of an Authorization header; opened only to be sent. */
export function basicAuthorization(credentials: Credentials): Secret {
  const pair = `${credentials.username}:${credentials.password.open()}`;
  return new Secret(`Basic ${new TextEncoder().encode(pair).toBase64()}`);
}

/** Percent-decodes; text that is not valid percent-encoding stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refused(reason: string): RepositoryUrl {
  return { kind: "refused", reason };
}
