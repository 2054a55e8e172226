/** What the orders to a Git worker have in common. */
import type { ArtifactsConfig } from "../config/agent_config.ts";
import { readCertificates } from "./checkout_directories.ts";
import type { RepositoryAccess } from "../git/credentials.ts";
import type { CheckoutJob } from "./git_job.ts";

const idleTimeoutMs = 60_000;

/** The part of an order that says which repository, as whom, and how much. Holds the open password. */
export function repositoryOrder(config: ArtifactsConfig, access: RepositoryAccess) {
  const { credentials } = access;
  return {
    url: access.url,
    ...(credentials === undefined ? {} : {
      username: credentials.username,
      password: credentials.password.open(),
    }),
    limits: { bytes: config.limits.bytes, files: config.limits.files },
    idleTimeoutMs,
    // They are to be committed, and must not be lost.
    localChanges: config.autoCommit ? "keep" : "discard",
    ...(config.sparse === undefined ? {} : { sparse: config.sparse }),
    ...(config.publish === "symlink" ? { publish: "symlink" } : {}),
  } satisfies Partial<CheckoutJob>;
}

/** The part of the configuration that every question to a repository needs. */
export async function remoteOptions(
  { branch, caFile }: ArtifactsConfig,
): Promise<{ branch?: string; caCertificates?: string }> {
  return {
    ...(branch === undefined ? {} : { branch }),
    ...(caFile === undefined ? {} : { caCertificates: await readCertificates(caFile) }),
  };
}
