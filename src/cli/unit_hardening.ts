import { dirname } from "node:path";
import type { AgentConfig } from "../config/agent_config.ts";
import { renderSystemd } from "../scope/render_systemd.ts";
import type { RuntimeScope } from "../scope/runtime_scope.ts";

type Hardened = Pick<AgentConfig, "lifecycle" | "artifacts" | "paths" | "health">;

/** What `ProtectHome=` hides. */
const homes = ["/home", "/root", "/run/user"];
const lastPrivilegedPort = 1023;

/**
 * What the hardened unit keeps the extensions of this configuration from doing, in words; empty when
 * nothing is known.
 */
export function hardeningConflicts({ lifecycle, artifacts }: Hardened): readonly string[] {
  const { persistenceMapping, lvsVirtualIp } = lifecycle;
  const path = artifacts.applicationPath;
  return [
    ...persistenceMapping === undefined ? [] : [
      "the hardened unit keeps the extension VolumeMount (PERSISTENCE_MAPPING) from mounting: no " +
      "block devices, no CAP_SYS_ADMIN, mounts of its own",
    ],
    ...lvsVirtualIp === undefined ? [] : [
      "the hardened unit keeps the extension CreateLVSDummyInterface (LVS_VIRTUAL_IP) from loading " +
      "a kernel module with modprobe and from making an interface: no CAP_NET_ADMIN",
    ],
    ...path !== undefined && isTop(path) && writesBeside(artifacts)
      ? [
        `the hardened unit keeps ${path} from being replaced or backed up, which artifact.publish or ` +
        "enable.initial.artifact.backup ask for: it lies right below /, which cannot be written",
      ]
      : [],
  ];
}

/**
 * Directives that fence in the agent and its extensions as far as an engine that compiles while it
 * runs, a health report and servers that outlive the agent allow.
 *
 * @param program Paths of the program and of what it needs.
 * @throws AgentError of kind `configuration` for a path that no directive can hold.
 */
export function hardenedDirectives(
  config: Hardened,
  scope: RuntimeScope,
  program: readonly string[],
): readonly string[] {
  const { lifecycle, health } = config;
  const bindsLow = lifecycle.ports.some((port) => port <= lastPrivilegedPort);
  const low = bindsLow ? "CAP_NET_BIND_SERVICE" : "";
  const usesHomes = [...scope.read, ...scope.write, ...program].some((path) =>
    homes.some((home) => path === home || path.startsWith(`${home}/`))
  );
  return [
    ...fileDirectives(config, scope),
    "# Shared, for a server that outlives the agent must keep its files there.",
    "ReadWritePaths=/tmp /var/tmp",
    `ProtectHome=${usesHomes ? "read-only" : "yes"}`,
    "NoNewPrivileges=yes",
    `CapabilityBoundingSet=${low}`,
    `AmbientCapabilities=${low}`,
    // In a user namespace of its own, a capability to bind low ports would not count.
    ...bindsLow ? [] : ["PrivateUsers=yes"],
    "PrivateDevices=yes",
    "DevicePolicy=closed",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    ...health.enabled
      ? ["# No ProcSubset=pid: health is read from /proc/meminfo and /proc/loadavg."]
      : ["ProcSubset=pid"],
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "# Scripts and engines set priorities and limits of their own; a refusal must not kill them.",
    "SystemCallErrorNumber=EPERM",
    "UMask=0027",
  ];
}

/** The directives of the scope, as far as a unit can have them in which servers run, too. */
function fileDirectives({ artifacts }: Hardened, scope: RuntimeScope): readonly string[] {
  const path = artifacts.applicationPath;
  const beside = path === undefined ? [] : [`${path}.agent`, `${path}_backup`];
  // Nothing can be renamed from one mount point to another: either all are below one that can be
  // written, or what is staged is staged inside the documents.
  const own = path !== undefined && writesBeside(artifacts) && !isTop(path)
    ? [dirname(path), ...scope.write.filter((written) => written !== path)]
    : scope.write;
  return renderSystemd({ ...scope, write: own.filter((written) => !beside.includes(written)) })
    // It is about who may come in, too: to the servers of the application.
    .filter((line) => !/^(?:IPAddress|# Every peer is|# No IPAddressDeny|# {3})/.test(line));
}

/** Whether the documents themselves are renamed or replaced by a link. */
function writesBeside({ publish, backupInitial }: Hardened["artifacts"]): boolean {
  return publish === "symlink" || backupInitial;
}

function isTop(path: string): boolean {
  return dirname(path) === "/";
}
