import type { FieldTable } from "./field.ts";
import { hostPattern } from "./host_port.ts";
import {
  filePath,
  listOf,
  matching,
  oneOf,
  plainText,
  trueOrFalse,
  wholeNumber,
} from "./value_types.ts";

/** Git synchronisation. */
export const artifactFields = {
  applicationPath: {
    key: "APPLICATION_PATH",
    environment: ["APPLICATION_PATH", "APP_PATH"],
    type: { ...plainText, accepted: "an absolute path" },
    meaning: "Absolute path of the application's documents. Checkouts are refused without it. " +
      "With a repository it must neither hold nor be inside the program or the home's " +
      "extensions, conf, payload, state and logs, nor be a directory of the system.",
    tokens: ["APPLICATION-PATH", "APP-PATH"],
  },
  update: {
    key: "enable.artifact.update",
    environment: ["ENABLE_ARTFCT_UPDATE"],
    type: trueOrFalse,
    default: "true",
    meaning: "Poll the repository after the first checkout.",
    tokens: ["ENABLE_ARTFCT_UPDATE"],
  },
  autoCheckout: {
    key: "auto.checkout",
    environment: ["CHECKOUT_ENABLED"],
    type: trueOrFalse,
    default: "true",
    meaning: "Pull in the update loop.",
    tokens: ["CHECKOUT_ENABLED"],
  },
  autoCommit: {
    key: "auto.commit",
    environment: ["COMMIT_ENABLED"],
    type: trueOrFalse,
    default: "false",
    meaning:
      "Commit and push local changes in the update loop. COMMIT_ENABLED in launch-params wins over " +
      "this key in agent.conf.",
    tokens: ["COMMIT_ENABLED"],
    launchNameBeforeFile: "COMMIT_ENABLED",
  },
  updateInterval: {
    key: "artifact.update.interval",
    environment: ["ARTFCT_UPDATE_INT"],
    type: wholeNumber(1, 604_800),
    default: "15",
    unit: "seconds",
    meaning: "Time between polls.",
    tokens: ["ARTFCT_UPDATE_INT"],
  },
  cloneRetries: {
    key: "artifact.clone.retries",
    environment: ["ARTFCT_CLONE_RETRIES"],
    type: wholeNumber(1, 1000),
    default: "5",
    meaning: "Attempts for the first clone.",
    tokens: ["ARTFCT_CLONE_RETRIES"],
  },
  cloneInterval: {
    key: "artifact.clone.interval",
    environment: ["ARTFCT_CLONE_INT"],
    type: wholeNumber(0, 86_400),
    default: "10",
    unit: "seconds",
    meaning: "Time between attempts for the first clone.",
    tokens: ["ARTFCT_CLONE_INT"],
  },
  backupInitial: {
    key: "enable.initial.artifact.backup",
    environment: ["ENABLE_INITIAL_ARTIFACT_BACKUP"],
    type: trueOrFalse,
    default: "false",
    meaning: "Keep what was in the application path in <path>_backup.",
    tokens: ["ENABLE_INITIAL_ARTIFACT_BACKUP"],
  },
  superTenantPath: {
    key: "super.tenant.repository.path",
    type: plainText,
    default: "/repository/deployment/server/",
    meaning: "Below APPLICATION_PATH: documents of tenant -1234 when multi-tenant.",
  },
  tenantPath: {
    key: "tenant.repository.path",
    type: plainText,
    default: "/repository/tenants/",
    meaning: "Below APPLICATION_PATH: documents of the other tenants when multi-tenant.",
  },
  branch: {
    key: "artifact.branch",
    type: matching(
      /^(?![/.-])(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock$|[/.]$))[^\p{Cc} ~^:?*[\\]{1,250}$/u,
      "a branch name",
      "is not a branch name",
    ),
    computedDefault: "the remote's HEAD",
    meaning: "Branch that is checked out.",
    own: true,
  },
  allowedHosts: {
    key: "artifact.allowed.hosts",
    type: listOf(hostPattern, ",", "host[:port], comma separated; *.domain for all below a domain"),
    computedDefault: "host of REPO_URL; none when MULTITENANT or without REPO_URL",
    meaning: "Hosts that artifacts may come from; without a port: https on 443, and the port of " +
      "REPO_URL on its host. An event that names another one is refused.",
    own: true,
  },
  caFile: {
    key: "artifact.ca.file",
    type: filePath,
    meaning: "PEM file with a private authority of repository servers.",
    own: true,
  },
  publish: {
    key: "artifact.publish",
    type: oneOf("files", "symlink"),
    default: "files",
    meaning:
      "How a checkout gets into the application path: file by file, or by switching a link to a " +
      "complete tree (not with auto.commit).",
    own: true,
  },
  engine: {
    key: "artifact.engine",
    type: oneOf("isomorphic", "git"),
    default: "isomorphic",
    meaning:
      "Git implementation: the one inside the agent or the system's git, which speaks SSH, too.",
    own: true,
  },
  sparse: {
    key: "artifact.sparse",
    type: listOf(
      matching(
        /^(?!(?:.*\/)?(?:\.{1,2}|\.git)(?:\/|$))[^\p{Cc}\\/,]+(?:\/[^\p{Cc}\\/,]+)*$/iu,
        "a directory",
        "is not a directory of a repository, such as web/assets",
      ),
      ",",
      "directories of the repository, comma separated",
    ),
    computedDefault: "everything",
    meaning: "Directories that are checked out, with the files of those above them; not with " +
      "auto.commit (artifact.engine=git).",
    own: true,
  },
  sshKeyFile: {
    key: "artifact.ssh.key.file",
    type: filePath,
    computedDefault: "the keys of the agent's user",
    meaning: "Private key without passphrase for repositories over SSH (artifact.engine=git).",
    own: true,
  },
  sshKnownHostsFile: {
    key: "artifact.ssh.known.hosts.file",
    type: filePath,
    computedDefault: "those of the agent's user and of the system",
    meaning: "Host keys of the SSH servers of repositories; one that is not in it is refused " +
      "(artifact.engine=git).",
    own: true,
  },
  activateOnFailure: {
    key: "artifact.activate.on.failure",
    type: trueOrFalse,
    default: "false",
    meaning: "Activate the instance although the first checkout failed.",
    own: true,
  },
  limitBytes: {
    key: "artifact.limit.bytes",
    type: wholeNumber(1, 1_099_511_627_776),
    default: "2147483648",
    unit: "bytes",
    meaning: "Most that one transfer or checkout may bring.",
    own: true,
  },
  limitFiles: {
    key: "artifact.limit.files",
    type: wholeNumber(1, 100_000_000),
    default: "200000",
    meaning: "Most files that one checkout may bring.",
    own: true,
  },
  limitSeconds: {
    key: "artifact.limit.seconds",
    type: wholeNumber(1, 86_400),
    default: "600",
    unit: "seconds",
    meaning: "Longest that one transfer or checkout may take.",
    own: true,
  },
} as const satisfies FieldTable;
