import { cannot } from "../base/errors.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import type { RuntimeScope } from "../scope/runtime_scope.ts";
import { hardenedDirectives } from "./unit_hardening.ts";

/** Where the program is, and how it is to be started. */
export interface UnitOptions {
  /** The program, absolute. */
  readonly program: string;
  /** Variables that the program needs. */
  readonly environment: Readonly<Record<string, string>>;
  /** `key=value` of the command line. */
  readonly settings: readonly string[];
  /** Absent: root. */
  readonly user?: string;
  /** What the unit is confined to; absent: as little as any extension may need. */
  readonly hardenedTo?: RuntimeScope;
}

const watchdogSeconds = 60;
/** After the agent's own limit. */
const stopSlackSeconds = 15;

/**
 * What no extension of a cartridge needs and root would have. Mounting, modules, networks, files of
 * others and users stay possible.
 */
const neverNeeded = [
  "CAP_AUDIT_CONTROL",
  "CAP_AUDIT_READ",
  "CAP_BLOCK_SUSPEND",
  "CAP_BPF",
  "CAP_LINUX_IMMUTABLE",
  "CAP_MAC_ADMIN",
  "CAP_MAC_OVERRIDE",
  "CAP_PERFMON",
  "CAP_SYSLOG",
  "CAP_SYS_BOOT",
  "CAP_SYS_PACCT",
  "CAP_SYS_RAWIO",
  "CAP_SYS_TTY_CONFIG",
  "CAP_WAKE_ALARM",
];

/**
 * The unit that runs the agent of a configuration under systemd 245 or newer.
 *
 * @returns The file's text.
 * @throws AgentError of kind `configuration` for a path or value that no unit can hold.
 */
export function renderUnit(config: AgentConfig, options: UnitOptions): string {
  const { program, environment, settings, user, hardenedTo } = options;
  const { home } = config.paths;
  const start = [
    program,
    "run",
    "--home",
    home,
    ...[...settings, "service.manager=systemd"].flatMap((setting) => ["--set", setting]),
  ];
  const stopSeconds = Math.ceil(config.lifecycle.shutdownTimeoutMs / 1000) + stopSlackSeconds;
  return `${
    [
      "[Unit]",
      `Description=Cartridge agent of member ${plain(config.identity.memberId)}`,
      "Wants=network-online.target",
      "After=network-online.target",
      "# Tried for as long as the instance lives.",
      "StartLimitIntervalSec=0",
      "",
      "[Service]",
      "# Ready means subscribed at the broker, which may take as long as the broker is away.",
      "Type=notify",
      "TimeoutStartSec=infinity",
      "# The agent's launcher reports for it.",
      "NotifyAccess=all",
      ...Object.entries(environment).map(([name, value]) =>
        `Environment=${quoted(`${name}=${value}`)}`
      ),
      ...user === undefined ? [] : [`User=${plain(user)}`],
      `WorkingDirectory=${workingDirectory(home)}`,
      `ExecStart=${start.map((word) => quoted(word).replaceAll("$", "$$$$")).join(" ")}`,
      "ExecReload=/bin/kill -HUP $MAINPID",
      "# An agent that makes no progress says nothing any more; its memory, dumped, would hold secrets.",
      `WatchdogSec=${watchdogSeconds}`,
      "WatchdogSignal=SIGKILL",
      "Restart=on-failure",
      "RestartSec=5",
      "# Usage and configuration: trying again mends nothing.",
      "RestartPreventExitStatus=64 78",
      "# Servers that extensions started live on; what is told to end is the agent.",
      "KillMode=process",
      `TimeoutStopSec=${stopSeconds}`,
      "# One of them that runs out of memory is no reason to end all; nor are they few.",
      "OOMPolicy=continue",
      "TasksMax=infinity",
      "",
      ...hardenedTo
        ? hardenedDirectives(config, hardenedTo, [program, ...Object.values(environment)])
        : [
          "# No mounts of its own: a volume that an extension mounts is for the whole machine.",
          `CapabilityBoundingSet=~${neverNeeded.join(" ")}`,
          // For another user than root these would forbid sudo, too.
          ...user === undefined ? ["LockPersonality=yes", "RestrictRealtime=yes"] : [],
        ],
      "",
      "[Install]",
      "WantedBy=multi-user.target",
    ].join("\n")
  }\n`;
}

/** systemd splits at blanks and reads quotes, `%` and `\`. */
function quoted(word: string): string {
  refuseControls(word);
  const escaped = word.replaceAll("%", "%%");
  return /^[\w./@+:=%,$-]+$/.test(escaped)
    ? escaped
    : `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** This directive takes the rest of its line as it is. */
function workingDirectory(path: string): string {
  refuseControls(path);
  if (/["'\\]|^\s|\s$/.test(path)) {
    throw cannot("write into a unit", path, "a path with quotes or backslashes; rename it", {
      kind: "configuration",
    });
  }
  return path.replaceAll("%", "%%");
}

function plain(text: string): string {
  return text.replaceAll(/[^\w.:@-]/g, "_");
}

function refuseControls(text: string): void {
  if (text !== "" && !/\p{Cc}/u.test(text)) return;
  throw cannot("write into a unit", text, "it must not be empty nor hold a control character", {
    kind: "configuration",
  });
}
