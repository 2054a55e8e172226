/**
 * A process that checks out as an agent does and says how long it took: orders come as lines of JSON
 * on standard input, answers go as lines of JSON to standard output.
 */
import { join } from "node:path";
import { TextLineStream } from "./text_lines.ts";
import { ArtifactSync } from "../../src/artifacts/artifact_sync.ts";
import { LocalChangesWatch } from "../../src/artifacts/commit_watch.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Secret } from "../../src/base/secret.ts";

/** What the process can be told to do. */
export type ClientOrder =
  | { readonly do: "open"; readonly url: string; readonly root: string }
  | { readonly do: "warmUp"; readonly url: string }
  | { readonly do: "checkOut" | "follow" | "poll" | "dirtyCheck" | "close" };

/** How long it took, and the largest resident memory of the process so far. */
export interface ClientAnswer {
  readonly ms: number;
  readonly peakMiB: number;
}

const intervalMs = 15_000;
const limits = { bytes: 2 ** 31, files: 200_000, timeoutMs: 600_000 };
const never = new AbortController().signal;

/** Its long sleep, that between two polls, ends when it is told to. */
class PollClock implements Clock {
  readonly now = systemClock.now;
  readonly monotonicMs = systemClock.monotonicMs;
  #asleep = Promise.withResolvers<void>();
  #wake = Promise.withResolvers<void>();

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms !== intervalMs) return await systemClock.sleep(ms, signal);
    this.#wake = Promise.withResolvers();
    const abort = () => this.#wake.reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    this.#asleep.resolve();
    await this.#wake.promise;
    signal?.removeEventListener("abort", abort);
  }

  /** Lets one poll happen and waits for its end. */
  async once(): Promise<void> {
    await this.#asleep.promise;
    this.#asleep = Promise.withResolvers();
    this.#wake.resolve();
    await this.#asleep.promise;
  }
}

class Client {
  readonly #clock = new PollClock();
  #sync: ArtifactSync | undefined;
  #url = "";
  #root = "";
  #roundsMs = 0;
  readonly #watch = new LocalChangesWatch({
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + this.#roundsMs,
  });

  async carryOut(order: ClientOrder): Promise<void> {
    switch (order.do) {
      case "open":
        await this.#open(order.url, order.root);
        break;
      case "warmUp":
        await this.#checkOut(order.url);
        for (const name of ["app", "state"]) {
          await Deno.remove(join(this.#root, name), { recursive: true });
        }
        break;
      case "checkOut":
        await this.#checkOut(this.#url);
        break;
      case "follow":
        this.#sync!.startUpdates(1, () => {});
        break;
      case "poll":
        await this.#clock.once();
        break;
      case "dirtyCheck":
        await this.#dirtyCheck();
        break;
      case "close":
        await this.#sync?.[Symbol.asyncDispose]();
    }
  }

  async #open(url: string, root: string): Promise<void> {
    await this.#sync?.[Symbol.asyncDispose]();
    this.#url = url;
    this.#root = root;
    const applicationPath = join(root, "app");
    await Deno.mkdir(applicationPath, { recursive: true });
    this.#sync = new ArtifactSync({
      config: {
        applicationPath,
        multiTenant: false,
        tenantId: 1,
        superTenantPath: "/super/",
        tenantPath: "/tenants/",
        cartridgeKey: new Secret("tvnw63ufg9gh5111"),
        allowedHosts: [new URL(url).host],
        publish: "files",
        engine: "isomorphic",
        update: true,
        autoCheckout: true,
        autoCommit: false,
        updateIntervalMs: intervalMs,
        cloneRetries: 1,
        cloneRetryIntervalMs: 1_000,
        backupInitial: false,
        limits,
      },
      stateDir: join(root, "state"),
      log: silentLog,
      clock: this.#clock,
      random: () => 0.5,
      addSecret: () => () => {},
    });
  }

  async #checkOut(repoUrl: string): Promise<void> {
    const source = { tenantId: 1, repoUrl, repoUsername: "", repoPassword: "" };
    const outcome = await this.#sync!.checkOut(source, never);
    if (outcome.kind !== "checkedOut") throw new Error(JSON.stringify(outcome));
  }

  /**
   * What every round of auto.commit asks, through the object that remembers from round to round. The
   * rounds are as far apart for it as those of an agent: the first two of a checkout read every
   * directory, after that one in five minutes does.
   */
  async #dirtyCheck(): Promise<void> {
    this.#roundsMs += intervalMs;
    await this.#watch.hasLocalChanges({
      gitDirectory: join(this.#root, "state", "git", "1"),
      destination: join(this.#root, "app"),
      mostFileBytes: limits.bytes,
      mayBegin: false,
    }, never);
  }
}

function peakMiB(): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

const client = new Client();
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of lines) {
  const startMs = performance.now();
  await client.carryOut(JSON.parse(line));
  console.log(JSON.stringify({ ms: performance.now() - startMs, peakMiB: peakMiB() }));
}
