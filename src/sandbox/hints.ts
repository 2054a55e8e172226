import type { AgentHome } from "./home.ts";
import { sandboxMember } from "./member.ts";
import type { Peers } from "./peers.ts";

/** What a newcomer can try while the sandbox is alive. */
export interface HintFacts {
  readonly peers: Peers;
  readonly home: AgentHome;
  readonly webPort: number;
  readonly statusPort: number;
  /** Whether the agent answers at its status port. */
  readonly showsStatus: boolean;
}

/**
 * Lines that say what to try, ready to be copied into a shell.
 *
 * The passwords in them were made up for this run, open nothing but the peers of this process, and end
 * with it.
 */
export function hints(
  { peers, home, webPort, statusPort, showsStatus }: HintFacts,
): readonly string[] {
  const { broker, artifacts } = peers;
  const login = broker.username === undefined
    ? ""
    : ` -u ${broker.username} -P '${broker.password?.open() ?? ""}'`;
  const at = `-h ${broker.host} -p ${broker.port}${login}`;
  const cleanUp = JSON.stringify({ memberId: sandboxMember.memberId });
  return [
    "",
    "The instance is active and stays so until Ctrl-C. Things to try:",
    "",
    "  see the application",
    `    http://127.0.0.1:${webPort}/`,
    ...(showsStatus ? ["  see the agent's status", `    http://127.0.0.1:${statusPort}/`] : []),
    ...(artifacts
      ? [
        "  change the application: clone, edit index.html, commit, push; the page follows",
        `    git clone ${withLogin(artifacts.url, artifacts.username, artifacts.password.open())}`,
      ]
      : []),
    "  listen to everything that is said",
    `    mosquitto_sub ${at} -v -t '#'`,
    "  ask the instance to clean up",
    `    mosquitto_pub ${at} -t instance/notifier/InstanceCleanupMemberEvent -m '${cleanUp}'`,
    "  read the agent's log, change its extensions",
    `    ${home.logDir}/agent.log`,
    `    ${home.path}/extensions`,
    "",
  ];
}

function withLogin(url: string, username: string, password: string): string {
  const full = new URL(url);
  full.username = username;
  full.password = password;
  return full.href;
}
