import { isIP, isIPv6 } from "node:net";
import { dirname } from "node:path";
import { cannot } from "../base/errors.ts";
import type { RuntimeScope } from "./runtime_scope.ts";

const control = /\p{Cc}/u;
const loopbackNames: readonly string[] = ["localhost"];

/**
 * The scope as directives of the section `[Service]`, one a line, comments in between. They are a
 * second fence around the whole unit, extensions included, where Deno's permissions hold the agent
 * alone; so they are not exactly the scope:
 *
 * - Files: everything can only be read, but for what the agent writes. Reading is not narrowed, for
 *   scripts read what they like.
 * - Peers: systemd knows addresses and no names, and no ports of theirs. Where every peer is an address,
 *   or this machine, all others are denied; with one name among them nothing is, since nobody knows now
 *   what it will stand for. A comment says which names these are.
 * - Programs: Deno's permission is about the one that the agent starts, systemd's would be about what
 *   that one starts, too; there is none.
 *
 * Extensions that write elsewhere need further `ReadWritePaths=` in a drop-in. What does not come from
 * the configuration, such as `PrivateDevices=`, is the unit's own business: a script that mounts volumes
 * needs devices.
 *
 * @throws AgentError of kind `configuration` for a path with a control character.
 */
export function renderSystemd(scope: RuntimeScope): readonly string[] {
  return [
    "# Everything is read-only but what the agent writes; a path that is not there is passed over.",
    "ProtectSystem=strict",
    ...scope.write.map((path) => `ReadWritePaths=-${quotedPath(path)}`),
    ...readOnly(scope).map((path) => `ReadOnlyPaths=-${quotedPath(path)}`),
    "# MemoryDenyWriteExecute= cannot be set beside these: the engine compiles while it runs.",
    ...peers(scope.net),
  ];
}

/** What is read inside of what is written stays writable; the rest below the same places is not. */
function readOnly({ read, write }: RuntimeScope): readonly string[] {
  return read.filter((path) => {
    const isWritten = write.some((own) => path === own || path.startsWith(`${own}/`));
    const holdsWritten = write.some((own) => own.startsWith(`${path}/`));
    return !isWritten && !holdsWritten && dirname(path) !== path;
  });
}

function peers(net: readonly string[]): readonly string[] {
  const hosts = [...new Set(net.filter((grant) => !grant.startsWith("unix:")).map(hostOf))];
  const names = hosts.filter((host) => isIP(host) === 0 && !loopbackNames.includes(host));
  const families = ["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"];
  const restricted = `RestrictAddressFamilies=${families.join(" ")}`;
  if (names.length > 0) {
    return [
      restricted,
      "# No IPAddressDeny=: these peers are names, and systemd knows only addresses:",
      ...names.map((name) => `#   ${name}`),
    ];
  }
  const addresses = hosts.filter((host) => isIP(host) !== 0).toSorted();
  return [
    restricted,
    "# Every peer is an address: all others are denied, for extensions too. Ports are not narrowed.",
    "IPAddressDeny=any",
    "IPAddressAllow=localhost",
    ...addresses.map((address) => `IPAddressAllow=${address}/${isIPv6(address) ? 128 : 32}`),
  ];
}

/** `host` of `host:port`, `[ipv6]:port` or either without a port. */
function hostOf(grant: string): string {
  if (isIPv6(grant)) return grant;
  return grant.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** systemd splits at blanks, reads `%` and `\`, and takes a path in quotes as one. */
function quotedPath(path: string): string {
  if (path === "" || control.test(path)) {
    throw cannot(
      "write as a directive of systemd",
      path,
      "a path must not be empty and must not contain a control character; rename it",
      { kind: "configuration" },
    );
  }
  const escaped = path.replaceAll("%", "%%");
  return /^[\w./@+:=%,-]+$/.test(escaped)
    ? escaped
    : `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
