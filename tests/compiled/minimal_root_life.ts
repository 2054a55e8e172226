/**
 * The life of an instance from a minimal image, in namespaces of its own whose only network is the
 * loopback: `minimal_root_life.ts ROOT`. Says on standard output, as one line of JSON, what happened.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { untilFile } from "../e2e/extension_runs.ts";
import { embeddedPeers, systemPeers } from "../e2e/peer_kit.ts";
import { openScene, patience, sequence } from "../e2e/scene.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { runProgram } from "./compiled_program.ts";

const enter = fileURLToPath(new URL("in_minimal_root.sh", import.meta.url));

/** What happened. */
export interface MinimalRootLife {
  readonly sequence: readonly string[];
  readonly status: number;
  /** What the agent wrote to the console. */
  readonly output: string;
  readonly log: string;
  /** What the extension found out about its surroundings. */
  readonly extensionLog: string;
  readonly index: string;
}

/** Looks at what the agent's surroundings allow. */
const probe = `#!/bin/sh
echo "user $(id -u)"
for path in / /usr/bin "\${STRATOS_PARAM_FILE_PATH%/payload/*}"; do
  if touch "$path/probe" 2>/dev/null; then echo "can write $path"; else echo "cannot write $path"; fi
done
echo "interfaces $(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' \\n')"
`;

async function live(root: string): Promise<MinimalRootLife> {
  using application = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using place = await temporaryDirectory();
  const documents = join(place.path, "www", "application");
  await Deno.mkdir(documents, { recursive: true });
  await using scene = await openScene(
    { ...systemPeers, openReceiver: embeddedPeers.openReceiver },
    {
      files: { "index.html": "first" },
      home: {
        ports: [application.addr.port],
        settings: { APPLICATION_PATH: documents },
        launchParameters: { APPLICATION_PATH: documents },
        extensions: { "bash/StartServers.sh": probe },
      },
    },
  );
  const { platform, home, remote } = scene;
  const writable = [home.stateDir, home.logDir, join(place.path, "www")];
  const agent = await scene.start({
    program: [
      ...["unshare", "--mount", enter, root, home.path, ...writable, "--"],
      ...["/usr/bin/cartridge-agent"],
    ],
    environment: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
  });
  await platform.until("CompleteTopologyRequestEvent", patience).catch((error) => {
    throw new Error(`${agent.output()}`, { cause: error });
  });
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
  await scene.nextHealth("load_average");
  await remote!.commit("application", { "index.html": "second" });
  await untilFile(join(documents, "index.html"), (content) => content === "second");
  await platform.sendCleanupMember();
  await platform.until("InstanceReadyToShutdownEvent", patience);
  const status = await agent.end();
  const logOf = (name: string) => Deno.readTextFile(join(home.logDir, name));
  return {
    sequence: sequence(platform),
    status,
    output: agent.output(),
    log: await logOf("agent.log"),
    extensionLog: await logOf("cartridge-agent-extensions.log"),
    index: await Deno.readTextFile(join(documents, "index.html")),
  };
}

if (import.meta.main) {
  const [root] = Deno.args;
  const loopback = await runProgram("busybox", ["ip", "link", "set", "lo", "up"]);
  if (loopback.code !== 0) throw new Error(loopback.err);
  console.log(JSON.stringify(await live(root!)));
}
