/** From what the platform said to where to fetch from, as whom, and where to put it. */
import { reasonOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { ArtifactsConfig } from "../config/agent_config.ts";
import { isAllowedHost } from "./allowed_host.ts";
import { mergeCredentials, parseRepositoryUrl, type RepositoryAccess } from "../git/credentials.ts";
import { decryptRepoPassword } from "./repo_password.ts";
import { repositoryPath } from "./repository_path.ts";
import { parseSystemGitUrl } from "./system_git_url.ts";

/** Where a tenant's artifacts come from, as the platform said it. */
export interface ArtifactSource {
  readonly tenantId: number;
  /** May carry user information. */
  readonly repoUrl: string;
  readonly repoUsername: string;
  /** Encrypted with CARTRIDGE_KEY, base64; empty when there is none. */
  readonly repoPassword: string;
}

/** A source that can be used, or why not. */
export type ResolvedSource =
  | {
    readonly kind: "usable";
    readonly access: RepositoryAccess;
    /** The tenant's directory. */
    readonly destination: string;
    readonly applicationPath: string;
  }
  /** `refused`: repeating the event as it is cannot help. */
  | { readonly kind: "unusable"; readonly reason: string; readonly refused: boolean };

/** Checks path, URL and host, and opens the credentials. */
export function resolveSource(config: ArtifactsConfig, source: ArtifactSource): ResolvedSource {
  const path = repositoryPath(config, source.tenantId);
  if (path.kind === "refused") return unusable(path.reason);
  const parsed = config.engine === "git"
    ? parseSystemGitUrl(source.repoUrl)
    : parseRepositoryUrl(source.repoUrl);
  if (parsed.kind === "refused") return unusable(parsed.reason);
  if (!isAllowedHost(parsed.url, config.allowedHosts, config.repoUrl)) {
    const allowed = config.allowedHosts.length === 0 ? "none is" : config.allowedHosts.join(", ");
    const isPlain = parsed.url.protocol === "http:";
    return unusable(
      `the host ${parsed.url.host} is not allowed; allowed: ${allowed} (artifact.allowed.hosts)` +
        (isPlain ? "; http without TLS only on a port named there, or as in REPO_URL" : ""),
    );
  }
  let password: Secret | undefined;
  try {
    // SSH knows keys alone.
    if (parsed.url.protocol !== "ssh:") {
      password = decryptRepoPassword(source.repoPassword, config.cartridgeKey);
    }
  } catch (error) {
    // A password in the URL needs none from the event.
    if (parsed.password === undefined) {
      return { kind: "unusable", reason: reasonOf(error), refused: false };
    }
  }
  const access = mergeCredentials(parsed, { username: source.repoUsername, password });
  return {
    kind: "usable",
    access,
    destination: path.path,
    applicationPath: path.applicationPath,
  };
}

function unusable(reason: string): ResolvedSource {
  return { kind: "unusable", reason, refused: true };
}
