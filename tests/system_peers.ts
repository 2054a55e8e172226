/**
 * Programs of the system that some tests talk to.
 *
 * A missing one skips its tests with a line that says so; with `REQUIRE_PEERS=1` it fails them, unless
 * it is something that the system refuses to its users.
 */

/** A program that tests may need, and the Debian package that brings it. */
export type SystemPeer =
  | "mosquitto"
  | "git"
  | "git-lfs"
  | "sshd"
  | "cep-receiver"
  | "openssl"
  | "python3"
  | "puppet"
  | "puppet-lint"
  | "sh"
  | "dash"
  | "bash"
  | "busybox"
  | "systemd"
  | "python3-yaml"
  | "chromium"
  | "denort"
  | "namespaces";

const debianPackages: Readonly<Record<SystemPeer, string | undefined>> = {
  "mosquitto": "mosquitto",
  "git": "git",
  "git-lfs": "git-lfs",
  "sshd": "openssh-server",
  "cep-receiver": "python3-thrift",
  "openssl": "openssl",
  "python3": "python3",
  "puppet": "puppet-agent",
  "puppet-lint": "puppet-lint",
  "sh": "dash",
  "dash": "dash",
  "bash": "bash",
  "busybox": "busybox",
  "systemd": "systemd",
  "python3-yaml": "python3-yaml",
  "chromium": "chromium",
  "denort": undefined,
  "namespaces": undefined,
};

function whyMissing(peer: SystemPeer): string {
  switch (peer) {
    case "denort":
      return "DENORT_BIN names no runtime stub, which scripts/get-denort.sh can get";
    case "namespaces":
      return "no namespaces can be made here";
    default:
      return `Debian package ${debianPackages[peer]} is not installed`;
  }
}

/** What no installation brings: the system lets its users have it, or not. */
function isSystemsChoice(peer: SystemPeer): boolean {
  return peer === "namespaces";
}

/** Whether the peer can be started here. */
export function hasPeer(peer: SystemPeer): boolean {
  switch (peer) {
    case "mosquitto":
      // Debian keeps it in sbin, which is not on everybody's PATH.
      return succeeds("/usr/sbin/mosquitto", ["-h"], 3) || succeeds("mosquitto", ["-h"], 3);
    case "git":
      return succeeds("git", ["--version"]);
    case "git-lfs":
      return succeeds("git-lfs", ["version"]);
    case "sshd":
      // It knows no option that only says that it is there.
      return succeeds("/usr/sbin/sshd", ["-V"], 1);
    case "openssl":
      return succeeds("openssl", ["version"]);
    case "python3":
    case "puppet":
    case "puppet-lint":
      return succeeds(peer, ["--version"]);
    case "sh":
    case "dash":
    case "bash":
      return succeeds(peer, ["-c", ":"]);
    case "chromium":
      return succeeds("/usr/bin/chromium", ["--version"]);
    case "busybox":
      return succeeds("busybox", ["sh", "-c", ":"]);
    case "python3-yaml":
      return succeeds("/usr/bin/python3", ["-c", "import yaml"]);
    case "systemd":
      return succeeds("systemd-analyze", ["--version"]) &&
        succeeds("systemd-notify", ["--version"]);
    case "denort":
      return isFile(Deno.env.get("DENORT_BIN"));
    case "namespaces":
      return succeeds("unshare", [...namespaces, "true"]);
    case "cep-receiver":
      return succeeds("/usr/bin/python3", ["-c", "import thrift"]);
  }
}

/** Arguments of `unshare` for own mounts, network and processes, as its user's own root. */
export const namespaces: readonly string[] = [
  "--user",
  "--map-root-user",
  "--mount",
  "--net",
  "--pid",
  "--fork",
  "--kill-child",
];

function isFile(path: string | undefined): boolean {
  try {
    return path !== undefined && Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function succeeds(program: string, args: string[], alsoFine = 0): boolean {
  try {
    const { code } = new Deno.Command(program, { args, stdout: "null", stderr: "null" })
      .outputSync();
    return code === 0 || code === alsoFine;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * A test that needs system peers.
 *
 * @param needs All of them must be there.
 */
export function peerTest(
  name: string,
  needs: readonly SystemPeer[],
  fn: (t: Deno.TestContext) => Promise<void> | void,
): void {
  const missing = needs.filter((peer) => !hasPeer(peer));
  const mayMiss = Deno.env.get("REQUIRE_PEERS") !== "1" || missing.every(isSystemsChoice);
  if (missing.length > 0 && mayMiss) {
    console.log(`SKIPPED (${missing.map(whyMissing).join(", ")}): ${name}`);
    Deno.test({ name, ignore: true, fn });
    return;
  }
  Deno.test(name, async (t) => {
    if (missing.length > 0) throw new Error(`missing system peer: ${missing.join(", ")}`);
    await fn(t);
  });
}
