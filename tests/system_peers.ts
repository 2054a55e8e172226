/**
 * Programs of the system that some tests talk to.
 *
 * A missing one skips its tests with a line that says so; with `REQUIRE_PEERS=1` it fails them.
 */

/** A program that tests may need, and the Debian package that brings it. */
export type SystemPeer =
  | "mosquitto"
  | "git"
  | "cep-receiver"
  | "openssl"
  | "python3"
  | "sh"
  | "dash"
  | "bash"
  | "busybox";

const debianPackages: Readonly<Record<SystemPeer, string>> = {
  "mosquitto": "mosquitto",
  "git": "git",
  "cep-receiver": "python3-thrift",
  "openssl": "openssl",
  "python3": "python3",
  "sh": "dash",
  "dash": "dash",
  "bash": "bash",
  "busybox": "busybox",
};

/** Whether the peer can be started here. */
export function hasPeer(peer: SystemPeer): boolean {
  switch (peer) {
    case "mosquitto":
      // Debian keeps it in sbin, which is not on everybody's PATH.
      return succeeds("/usr/sbin/mosquitto", ["-h"], 3) || succeeds("mosquitto", ["-h"], 3);
    case "git":
      return succeeds("git", ["--version"]);
    case "openssl":
      return succeeds("openssl", ["version"]);
    case "python3":
      return succeeds("python3", ["--version"]);
    case "sh":
    case "dash":
    case "bash":
      return succeeds(peer, ["-c", ":"]);
    case "busybox":
      return succeeds("busybox", ["sh", "-c", ":"]);
    case "cep-receiver":
      return succeeds("/usr/bin/python3", ["-c", "import thrift"]);
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
  if (missing.length > 0 && Deno.env.get("REQUIRE_PEERS") !== "1") {
    const packages = missing.map((peer) => debianPackages[peer]).join(", ");
    console.log(`SKIPPED (Debian package ${packages} is not installed): ${name}`);
    Deno.test({ name, ignore: true, fn });
    return;
  }
  Deno.test(name, async (t) => {
    if (missing.length > 0) throw new Error(`missing system peer: ${missing.join(", ")}`);
    await fn(t);
  });
}
