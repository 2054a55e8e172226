import assert from "node:assert/strict";
import { join } from "node:path";
import type { ExtensionFacts } from "../../src/extensions/request.ts";
import {
  type ExtensionHome,
  never,
  noFacts,
  openExtensionHome,
  requestOf,
  runnerOn,
  shippedExtensions,
  untilGone,
  type WatchedLog,
  watchedLog,
} from "./extension_home.ts";

interface ClusteredServer extends AsyncDisposable {
  readonly home: ExtensionHome;
  readonly log: WatchedLog;
  readonly dir: string;
  /** Runs the example and gives the lines that it printed. */
  run(facts: ExtensionFacts, values?: Readonly<Record<string, string>>): Promise<{
    readonly outcome: string;
    readonly output: readonly string[];
  }>;
  text(path: string): Promise<string>;
  /** The server's process, from its pid file. */
  pid(): Promise<number>;
}

/** The example as StartServers, and a server that writes down what it is told. */
async function openClusteredServer(server: string): Promise<ClusteredServer> {
  const stack = new AsyncDisposableStack();
  const home = stack.use(await openExtensionHome());
  const dir = join(home.dir, "application");
  await Deno.mkdir(join(dir, "bin"), { recursive: true });
  await home.script("../application/bin/server", server);
  const example = join(shippedExtensions, "examples/clustered-server/StartServers.sh");
  await home.script("bash/StartServers.sh", await Deno.readTextFile(example));
  const log = watchedLog();
  const launchParameters = {
    APPLICATION_PATH: dir,
    MEMBER_ID: "m-own",
    CLUSTER_ID: "c 1",
    CLUSTERING: "true",
    PORTS: "9763|9443",
    SERVER_START_TIMEOUT: "1",
  };
  const runner = stack.use(runnerOn(home, log, {}, { launchParameters }));
  const text = (path: string) => Deno.readTextFile(join(dir, path));
  const pid = async () => Number((await text("server.pid")).split(" ")[0]);
  stack.defer(async () => {
    const running = await pid().catch(() => undefined);
    if (running === undefined) return;
    try {
      Deno.kill(running, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await untilGone(running);
  });
  return {
    home,
    log,
    dir,
    run: async (facts, values = {}) => {
      const before = log.output.length;
      const { kind } = await runner.run(requestOf("StartServers", values, facts), never);
      return { outcome: kind, output: log.output.slice(before) };
    },
    text,
    pid,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function membersOf(addresses: Readonly<Record<string, string>>, gone: readonly string[] = []) {
  const members = Object.fromEntries(
    Object.entries(addresses).map(([memberId, defaultPrivateIP]) => [memberId, {
      memberId,
      memberPrivateIPs: ["192.0.2.1", defaultPrivateIP],
      defaultPrivateIP,
      portMap: { 'http, "odd"': { port: 80, defaultPrivateIP: "no {address}" } },
      properties: {},
      memberStateManager: {
        stateStack: ["Created", gone.includes(memberId) ? "Terminated" : "Active"],
        identifier: memberId,
      },
    }]),
  );
  return { ...noFacts, members };
}

const server = `trap 'echo reloaded' HUP
echo "started $*"
while :; do sleep 0.05; done`;
const two = membersOf({ "m-own": "10.0.0.5", "m-2": "10.0.0.6" });

Deno.test("clustered server: writes the members and leaves a server running", async () => {
  await using cluster = await openClusteredServer(server);
  const facts = membersOf(
    { "m-own": "10.0.0.5", "m-3": "10.0.0.7", "m-2": "10.0.0.6", "m-4": "10.0.0.8", x: "$(id)" },
    ["m-4"],
  );
  const { outcome, output } = await cluster.run(facts);
  assert.equal(outcome, "succeeded", output.join("\n"));
  assert.equal(
    await cluster.text("conf/cluster.conf"),
    `# Written by the extension StartServers. Changes are lost.
cluster.enabled=true
cluster.domain=c_1
cluster.local.address=10.0.0.5
cluster.local.port=4000
cluster.members=10.0.0.6:4000,10.0.0.7:4000
`,
  );
  assert(output.some((line) => line.includes('"$(id)" is no address')), output.join("\n"));
  const conf = join(cluster.dir, "conf/cluster.conf");
  assert.equal(await cluster.text("logs/server.log"), `started --port 9763 --cluster ${conf}\n`);
  assert.deepEqual([...Deno.readDirSync(join(cluster.dir, "conf"))].map(({ name }) => name), [
    "cluster.conf",
  ]);
});

Deno.test("clustered server: changes nothing when it runs again", async () => {
  await using cluster = await openClusteredServer(server);
  await cluster.run(two);
  const pid = await cluster.pid();
  const before = await Deno.stat(join(cluster.dir, "conf/cluster.conf"));
  const { outcome, output } = await cluster.run(two);
  assert.equal(outcome, "succeeded");
  assert.deepEqual(output, [`server ${pid} runs already, nothing changed`]);
  assert.equal((await Deno.stat(join(cluster.dir, "conf/cluster.conf"))).ino, before.ino);
  assert.equal(await cluster.pid(), pid);
});

Deno.test("clustered server: tells a running server when members change, read from the file", async () => {
  await using cluster = await openClusteredServer(server);
  await cluster.run(two);
  const pid = await cluster.pid();
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`m-${i}`, `10.1.${i >> 8}.${i & 255}`]),
  );
  const { output } = await cluster.run(membersOf({ "m-own": "10.0.0.5", ...many }));
  assert.deepEqual(output.slice(-1), [
    `server ${pid} runs already and was told of its new members`,
  ]);
  const members = /^cluster\.members=(.*)$/m.exec(await cluster.text("conf/cluster.conf"))?.[1];
  assert.equal(members?.split(",").length, 500);
});

Deno.test("clustered server: starts anew when the pid file is of another process", async () => {
  await using cluster = await openClusteredServer(server);
  await Deno.writeTextFile(join(cluster.dir, "server.pid"), `${Deno.pid} 1\n`);
  assert.equal((await cluster.run(two)).outcome, "succeeded");
  assert.notEqual(await cluster.pid(), Deno.pid);
});

Deno.test("clustered server: fails with the server's last words when it ends at once", async () => {
  await using cluster = await openClusteredServer("echo 'no licence'; exit 2");
  const { outcome, output } = await cluster.run(two);
  assert.equal(outcome, "failed");
  assert(output.some((line) => line.includes("no licence")), output.join("\n"));
});

Deno.test("clustered server: refuses values that make no sense", async () => {
  await using cluster = await openClusteredServer(server);
  const { outcome, output } = await cluster.run(two, { CLUSTERING_PORT: "4000; reboot" });
  assert.equal(outcome, "failed");
  assert(output.some((line) => line.includes("not a number from 1 to 65535")), output.join("\n"));
});
