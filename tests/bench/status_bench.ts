import { join } from "node:path";
import { openScene, patience, type Scene } from "../e2e/scene.ts";
import { embeddedPeers } from "../e2e/peer_kit.ts";
import { untilFile } from "../e2e/extension_runs.ts";
import { row, usageOf } from "./figures.ts";

/** A page that somebody looks at; its text is taken and thrown away. */
interface Looker {
  stop(): Promise<void>;
}

/**
 * What the status costs an idle, active agent: without the endpoint, with it, and with one event stream
 * open. The agents live at the same time, so that whatever else happens on the machine is the same for
 * all of them.
 *
 * @param seconds How long they are watched.
 */
export async function statusBench(seconds: number): Promise<void> {
  const ways = [
    { name: "off", listen: "off", isLookedAt: false },
    { name: "on", listen: "127.0.0.1:0", isLookedAt: false },
    { name: "one event stream", listen: "127.0.0.1:0", isLookedAt: true },
  ];
  await using scenes = new AsyncDisposableStack();
  const agents = [];
  for (const { name, listen, isLookedAt } of ways) {
    const scene = scenes.use(
      await openScene(embeddedPeers, { home: { settings: { "status.listen": listen } } }),
    );
    const { pid } = await scene.start();
    await scene.platform.until("CompleteTopologyRequestEvent", patience);
    await scene.platform.initializeMember();
    await scene.platform.until("InstanceActivatedEvent", patience);
    const looker = isLookedAt ? await look(scene) : undefined;
    agents.push({ name, pid, looker });
  }
  await pause(2);
  const before = await Promise.all(agents.map(({ pid }) => usageOf(pid)));
  const memory: number[][] = agents.map(() => []);
  for (let second = 0; second < seconds; second++) {
    await pause(1);
    const usages = await Promise.all(agents.map(({ pid }) => usageOf(pid)));
    usages.forEach(({ rssMiB }, index) => memory[index]!.push(rssMiB));
  }
  const after = await Promise.all(agents.map(({ pid }) => usageOf(pid)));
  for (const [index, { name, looker }] of agents.entries()) {
    await looker?.stop();
    const cpu = after[index]!.cpuSeconds - before[index]!.cpuSeconds;
    console.log(row(`status: resident memory, ${name}`, "MiB", memory[index]!));
    console.log(row(`status: processor, ${name}`, "%", [100 * cpu / seconds]));
  }
}

async function look({ home }: Scene): Promise<Looker> {
  const pattern = /The status is at (http:\/\/\S+)\//;
  const log = await untilFile(join(home.logDir, "agent.log"), (text) => pattern.test(text));
  const response = await fetch(`${pattern.exec(log)![1]}/events`);
  const reader = response.body!.getReader();
  const reading = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    stop: async () => {
      await reader.cancel();
      await reading;
    },
  };
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
