import assert from "node:assert/strict";
import { join } from "node:path";
import { peerTest } from "../system_peers.ts";
import { flagsOf } from "./agent_process.ts";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience } from "./scene.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

/** One permission that Deno was asked for. */
interface Access {
  readonly permission: string;
  readonly value: string | null;
}

/**
 * What libraries ask the environment for when they are loaded or print. It is outside the scope on
 * purpose: `--ignore-env` lets it read as not set, where a refusal would stop them.
 */
const ignoredVariables = ["DEBUG", "READABLE_STREAM", null];

peerTest(
  "permissions: an agent uses everything that its scope grants and asks for nothing else",
  ["git"],
  async () => {
    await using audit = await temporaryDirectory();
    const auditFile = join(audit.path, "audit.jsonl");
    using application = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await using scene = await openScene(embeddedPeers, {
      files: { "index.html": "first" },
      home: { ports: [application.addr.port] },
    });
    const { platform, home, remote } = scene;
    const agent = await scene.start({ environment: { DENO_AUDIT_PERMISSIONS: auditFile } });
    await platform.until("CompleteTopologyRequestEvent", patience);
    await platform.initializeMember();
    await platform.until("InstanceActivatedEvent", patience);
    await scene.nextHealth("load_average");
    await remote!.commit("application", { "index.html": "second" });
    const index = join(home.applicationPath, "index.html");
    await untilFile(index, (content) => content === "second");
    await platform.sendCleanupMember();
    await platform.until("InstanceReadyToShutdownEvent", patience);
    assert.equal(await agent.end(), 0, agent.output());

    const grants = grantsOf(await flagsOf(home.path));
    const accesses = (await Deno.readTextFile(auditFile)).trimEnd().split("\n")
      .map((line) => JSON.parse(line) as Access);
    const used = new Set<string>();
    const outside = accesses.filter(({ permission, value }) => {
      if (permission === "env" && ignoredVariables.includes(value)) return false;
      // Without a value: Deno asks whether anything of the kind was granted, then for the thing itself.
      if (value === null || value === undefined) return permission === "run";
      const grant = (grants.get(permission) ?? []).find((granted) =>
        covers(permission, granted, value)
      );
      if (grant !== undefined) used.add(`${permission} ${grant}`);
      return grant === undefined;
    });
    assert.deepEqual(distinct(outside), [], "asked for outside the scope");

    const unused = [...grants].flatMap(([permission, values]) =>
      values.map((value) => `${permission} ${value}`)
    ).filter((grant) => !used.has(grant));
    // Deno does not write programs into the audit; that they ran is seen in what they printed.
    assert.deepEqual(unused, [`run ${home.path}/extensions/launcher`]);
    const printed = join(home.logDir, "cartridge-agent-extensions.log");
    assert.match(await Deno.readTextFile(printed), /InstanceStartedEvent/);
  },
);

/** Values of the permission flags, by permission. */
function grantsOf(flags: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return new Map(flags.flatMap((flag) => {
    const [, permission, values] = /^--allow-(\w+)=(.*)$/.exec(flag) ?? [];
    return permission && values ? [[permission, values.split(",")]] : [];
  }));
}

function covers(permission: string, grant: string, value: string): boolean {
  switch (permission) {
    case "read":
    case "write":
      return value === grant || value.startsWith(`${grant}/`);
    case "net":
      return value === grant || URL.parse(value)?.host === grant;
    default:
      return value === grant;
  }
}

function distinct(accesses: readonly Access[]): readonly string[] {
  return [...new Set(accesses.map(({ permission, value }) => `${permission} ${value}`))].sort();
}
