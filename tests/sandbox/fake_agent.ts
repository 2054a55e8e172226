import { createDecipheriv } from "node:crypto";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { MemberIdentity } from "../../src/sandbox/member.ts";
import type { SandboxAgent } from "../../src/sandbox/sandbox.ts";
import { type AgentClient, openAgentClient } from "./agent_client.ts";
import { sendHealth } from "./data_bridge_client.ts";

/** What a scripted agent can leave out or do wrong. */
export type Mischief =
  | "no tenants"
  | "no activation"
  | "activation before the port"
  | "no health"
  | "no clean"
  | "no ready"
  | "ready before maintenance"
  | "no second checkout"
  | "stragglers"
  | "ends early";

/** Plays the life of an agent by a script, with nothing of the real one. */
export async function startFakeAgent(
  home: string,
  mischief: ReadonlySet<Mischief> = new Set(),
): Promise<SandboxAgent> {
  const conf = await readConf(home);
  const launch = pairs(await Deno.readTextFile(join(home, "payload", "launch-params")), ",", "=");
  const member = memberOf(launch);
  const client = await openHomeClient(home, member);
  const ending = new AbortController();
  const terminated = Promise.withResolvers<void>();
  const agent = new FakeAgent(home, conf, launch, member, client, mischief, ending.signal);
  const played = agent.play().then(
    () => undefined,
    (error) => ending.signal.aborted ? undefined : Promise.reject(error),
  );
  if (mischief.has("ends early")) {
    client.until("MemberStartedEvent").then(() => terminated.resolve());
  }
  played.catch(terminated.reject);
  return {
    terminated: terminated.promise,
    stop: async () => {
      ending.abort();
      await played.catch(() => {});
      await client[Symbol.asyncDispose]();
      return mischief.has("stragglers") ? ["the extension StartServers"] : [];
    },
  };
}

class FakeAgent {
  readonly #signal: AbortSignal;

  constructor(
    readonly home: string,
    readonly conf: Readonly<Record<string, string>>,
    readonly launch: Readonly<Record<string, string>>,
    readonly member: MemberIdentity,
    readonly client: AgentClient,
    readonly mischief: ReadonlySet<Mischief>,
    signal: AbortSignal,
  ) {
    this.#signal = signal;
  }

  async play(): Promise<void> {
    const { client, mischief } = this;
    const limits = { signal: this.#signal, timeoutMs: 60_000 };
    await client.request("CompleteTopologyRequestEvent");
    await client.until("MemberInitializedEvent", limits);
    if (!mischief.has("no tenants")) await client.request("CompleteTenantRequestEvent");
    await this.#run("InstanceStartedEvent");
    await client.status("InstanceStartedEvent");
    await this.#run("StartServers");
    if (this.launch.REPO_URL) {
      await this.#checkOut();
      await this.#run("ArtifactUpdatedEvent");
    }
    if (!mischief.has("activation before the port")) await this.#untilPortIsOpen();
    if (!mischief.has("no activation")) await client.status("InstanceActivatedEvent");
    await this.#run("InstanceActivatedEvent");
    if (!mischief.has("no health")) await this.#sendHealth();
    const updates = this.launch.REPO_URL && !mischief.has("no second checkout")
      ? this.#followCommits()
      : Promise.resolve();
    await client.until("InstanceCleanupMemberEvent", limits);
    if (mischief.has("ready before maintenance")) {
      await client.status("InstanceReadyToShutdownEvent");
    }
    await client.status("InstanceMaintenanceModeEvent");
    if (!mischief.has("no clean")) await this.#run("clean");
    if (!mischief.has("no ready")) await client.status("InstanceReadyToShutdownEvent");
    await updates;
  }

  /** The script of an event, as the agent would run it. */
  async #run(event: string): Promise<void> {
    const script = join(this.home, "extensions", "bash", `${event}.sh`);
    const { success } = await new Deno.Command(script, { env: { STRATOS_EVENT: event } }).output();
    if (!success) throw new Error(`${event} failed`);
  }

  async #checkOut(): Promise<void> {
    const { body } = await this.client.until("ArtifactUpdatedEvent", {
      signal: this.#signal,
      timeoutMs: 60_000,
    });
    const url = new URL(body.repoURL);
    url.username = body.repoUserName;
    const key = this.launch.CARTRIDGE_KEY ?? "";
    const cipher = createDecipheriv("aes-128-ecb", key, null);
    url.password = cipher.update(body.repoPassword, "base64", "utf8") + cipher.final("utf8");
    await this.#git("clone", "--quiet", url.href, this.launch.APPLICATION_PATH ?? "");
  }

  async #followCommits(): Promise<void> {
    while (!await this.#hasNews()) {
      await systemClock.sleep(50, this.#signal);
      await this.#git("-C", this.launch.APPLICATION_PATH ?? "", "pull", "--quiet");
    }
    await this.#run("ArtifactUpdatedEvent");
  }

  async #hasNews(): Promise<boolean> {
    try {
      await Deno.stat(join(this.launch.APPLICATION_PATH ?? "", "news.txt"));
      return true;
    } catch {
      return false;
    }
  }

  async #git(...args: string[]): Promise<void> {
    const { success, stderr } = await new Deno.Command("git", {
      args,
      env: { GIT_TERMINAL_PROMPT: "0" },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }

  async #untilPortIsOpen(): Promise<void> {
    while (true) {
      try {
        using _ = await Deno.connect({ hostname: "127.0.0.1", port: Number(this.launch.PORTS) });
        return;
      } catch {
        await systemClock.sleep(20, this.#signal);
      }
    }
  }

  async #sendHealth(): Promise<void> {
    const address = {
      port: Number(this.conf["thrift.receiver.urls"]?.split(":")[1]),
      caPem: await Deno.readTextFile(this.conf["thrift.tls.ca.file"] ?? ""),
      username: this.conf["thrift.server.admin.username"] ?? "",
      password: this.conf["thrift.server.admin.password"] ?? "",
    };
    const values = { memory_consumption: 41.2, load_average: 12 };
    await sendHealth(address, this.member, values);
  }
}

/** Connects to the broker of a home with the credentials in it. */
export async function openHomeClient(home: string, member?: MemberIdentity): Promise<AgentClient> {
  const conf = await readConf(home);
  return await openAgentClient({
    port: Number(conf["mb.urls"]?.split(":")[1]),
    username: conf["mb.username"] ?? "",
    password: conf["mb.password"] ?? "",
  }, member);
}

async function readConf(home: string): Promise<Record<string, string>> {
  return pairs(await Deno.readTextFile(join(home, "agent.conf")), "\n", " = ");
}

function pairs(content: string, between: string, separator: string): Record<string, string> {
  return Object.fromEntries(
    content.split(between).flatMap((pair) => {
      const at = pair.indexOf(separator);
      return at === -1 ? [] : [[pair.slice(0, at), pair.slice(at + separator.length)]];
    }),
  );
}

function memberOf(launch: Readonly<Record<string, string>>): MemberIdentity {
  return {
    applicationId: launch.APPLICATION_ID ?? "",
    serviceName: launch.SERVICE_NAME ?? "",
    clusterId: launch.CLUSTER_ID ?? "",
    clusterInstanceId: launch.CLUSTER_INSTANCE_ID ?? "",
    memberId: launch.MEMBER_ID ?? "",
    networkPartitionId: launch.NETWORK_PARTITION_ID ?? "",
    partitionId: launch.PARTITION_ID ?? "",
  };
}
