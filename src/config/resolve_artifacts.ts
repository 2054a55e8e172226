import { isAbsolute } from "node:path";
import type { ArtifactsConfig } from "./agent_config.ts";
import { artifactFields as fields } from "./artifact_fields.ts";
import type { Field } from "./field.ts";
import { payloadFields } from "./payload_fields.ts";
import { sshRepository } from "./payload_types.ts";
import { defined, type SettingReader } from "./reader.ts";
import { hasDoubtfulHost, masked } from "./shown_value.ts";
import { absolutePath } from "./resolve_peers.ts";

/** The section of Git synchronisation, without what the identity says. */
export function artifactsConfig(
  reader: SettingReader,
): Omit<ArtifactsConfig, "multiTenant" | "tenantId"> {
  const applicationPath = reader.value(fields.applicationPath);
  const cartridgeKey = reader.value(payloadFields.cartridgeKey);
  const engine = reader.value(fields.engine);
  const overSsh = engine === "git" ? repositoryOverSsh(reader) : undefined;
  const repository = overSsh ?? reader.value(payloadFields.repoUrl);
  const autoCommit = reader.value(fields.autoCommit);
  const publish = reader.value(fields.publish);
  if (publish === "symlink" && autoCommit) {
    reader.refuse(
      fields.autoCommit,
      "does not work with artifact.publish=symlink, whose trees are never changed",
    );
  }
  const sparse = reader.value(fields.sparse);
  if (sparse !== undefined && engine !== "git") {
    reader.refuse(fields.sparse, "works with artifact.engine=git only");
  } else if (sparse !== undefined && autoCommit) {
    reader.refuse(fields.autoCommit, "does not work with artifact.sparse");
  }
  if (engine !== "git") warnOfSshSettings(reader);
  const hasRepository = reader.strongest(payloadFields.repoUrl) !== undefined;
  if (hasRepository && !reader.strongest(payloadFields.cartridgeKey)) {
    reader.missing(payloadFields.cartridgeKey, "not set, but REPO_URL is");
  }
  if (hasRepository) warnOfPath(reader, applicationPath);
  return {
    superTenantPath: reader.value(fields.superTenantPath),
    tenantPath: reader.value(fields.tenantPath),
    ...defined({
      applicationPath,
      cartridgeKey,
      repoUrl: repository && withoutUser(repository),
      branch: reader.value(fields.branch),
      sparse,
      caFile: absolutePath(reader, fields.caFile),
      sshKeyFile: absolutePath(reader, fields.sshKeyFile),
      sshKnownHostsFile: absolutePath(reader, fields.sshKnownHostsFile),
    }),
    allowedHosts: allowedHosts(reader, repository),
    publish,
    engine,
    update: reader.value(fields.update),
    autoCheckout: reader.value(fields.autoCheckout),
    autoCommit,
    updateIntervalMs: reader.value(fields.updateInterval) * 1000,
    cloneRetries: reader.value(fields.cloneRetries),
    cloneRetryIntervalMs: reader.value(fields.cloneInterval) * 1000,
    backupInitial: reader.value(fields.backupInitial),
    limits: {
      bytes: reader.value(fields.limitBytes),
      files: reader.value(fields.limitFiles),
      timeoutMs: reader.value(fields.limitSeconds) * 1000,
    },
  };
}

function warnOfPath(reader: SettingReader, path: string | undefined): void {
  if (path !== undefined && isAbsolute(path)) return;
  const state = path === undefined ? "not set" : "not absolute";
  reader.warnings.push(`APPLICATION_PATH is ${state}: every checkout will be refused`);
}

/**
 * By default the host of REPO_URL alone: a broker must not be able to make agents fetch from
 * anywhere. A member of several tenants, or one that knows no repository, has no such host.
 */
function allowedHosts(reader: SettingReader, repository: URL | undefined): readonly string[] {
  const configured = reader.value(fields.allowedHosts);
  if (configured) return configured;
  const multiTenant = reader.value(payloadFields.multiTenant) === true;
  // What is set and refused is a problem already, and nobody knows what its default would be.
  const isRefused = (field: Field) => reader.strongest(field) && !reader.value(field);
  if (isRefused(fields.allowedHosts)) return [];
  if (repository === undefined && isRefused(payloadFields.repoUrl)) return [];
  if (!repository || multiTenant) {
    const because = multiTenant ? "with MULTITENANT=true" : "without REPO_URL";
    reader.warnings.push(
      `artifact.allowed.hosts is not set, and ${because} it has no default: EVERY ARTIFACT EVENT ` +
        "WILL BE REFUSED until it names the hosts of the repositories",
    );
    return [];
  }
  const shown = hasDoubtfulHost(repository) ? masked : repository.host;
  reader.compute(fields.allowedHosts, shown, "from REPO_URL");
  return [repository.host];
}

/** REPO_URL when it is an address that only the system's git reaches. */
function repositoryOverSsh(reader: SettingReader): URL | undefined {
  const text = reader.strongest(payloadFields.repoUrl)?.text;
  return typeof text === "string" ? sshRepository(text) : undefined;
}

function warnOfSshSettings(reader: SettingReader): void {
  for (const field of [fields.sshKeyFile, fields.sshKnownHostsFile]) {
    if (reader.strongest(field) === undefined) continue;
    reader.warnings.push(`${field.key} without artifact.engine=git is not used`);
  }
}

function withoutUser(url: URL): string {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return bare.href;
}
