import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/base/clock.ts";
import { bundleLines } from "../../src/cep/log_bundle.ts";
import type { LogPublisherStatus } from "../../src/cep/log_publisher.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { receiverTest, type ReceiverUnderTest } from "./receiver_under_test.ts";

const isLong = Deno.env.get("LONG_TESTS") === "1";
const linesInAll = isLong ? 200_000 : 20_000;
const writingMs = isLong ? 60_000 : 11_000;
const kills = 10;
const restarts = 3;
/** Of one file; two truncations within a quarter of a second may be seen as one. */
const rotateEveryMs = 700;

/** How each file is rotated; it is named so. */
const ways = {
  rename: (path: string, to: string) => Deno.renameSync(path, to),
  copyTruncate: (path: string, to: string) => {
    Deno.copyFileSync(path, to);
    Deno.truncateSync(path);
  },
  // The old one keeps a name: of a file without any, nothing is left for a publisher that is not there.
  replace: (path: string, to: string) => {
    Deno.linkSync(path, to);
    Deno.writeTextFileSync(`${path}.fresh`, "");
    Deno.renameSync(`${path}.fresh`, path);
  },
} as const;
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];

/** Starts one of the processes that stand beside this file. */
function start(script: string, ...args: string[]): Deno.ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--no-check", path, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** A publisher that can be killed and started again on the same files. */
class KillablePublisher implements AsyncDisposable {
  readonly #args: readonly string[];
  #child: Deno.ChildProcess | undefined;
  #output: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(...args: readonly string[]) {
    this.#args = args;
  }

  async start(): Promise<void> {
    this.#child = start("log_publisher_process.ts", ...this.#args);
    this.#output = this.#child.stdout.getReader();
    assert.equal(await this.#line(), "started");
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#output?.cancel();
    await this.#child?.status;
    this.#child = this.#output = undefined;
  }

  async end(): Promise<LogPublisherStatus & { readonly warnings: readonly string[] }> {
    this.#child!.kill("SIGTERM");
    return JSON.parse(await this.#line());
  }

  async #line(): Promise<string> {
    let text = "";
    const decoder = new TextDecoder();
    while (!text.endsWith("\n")) {
      const { value } = await this.#output!.read();
      if (!value) throw new Error("the publisher has ended");
      text += decoder.decode(value, { stream: true });
    }
    return text.trimEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** The number of a whole line of a file; what was cut by a copy has none. */
function numberIn(line: unknown, name: Way): number | undefined {
  const [, of, number] = /^(\w+)\.log (\d+) x*\$$/.exec(String(line)) ?? [];
  return of === name ? Number(number) : undefined;
}

/** The numbers that any file of a name still holds. */
async function onDisk(directory: string, name: Way): Promise<ReadonlySet<number>> {
  const numbers = new Set<number>();
  for await (const entry of Deno.readDir(directory)) {
    if (!entry.name.startsWith(`${name}.log`)) continue;
    for (const line of (await Deno.readTextFile(join(directory, entry.name))).split("\n")) {
      const number = numberIn(line, name);
      if (number !== undefined) numbers.add(number);
    }
  }
  return numbers;
}

/** Rotates, kills and restarts at their times until the writer has ended. */
async function disturb(
  writing: Promise<unknown>,
  publisher: KillablePublisher,
  receiver: ReceiverUnderTest,
  rotate: (name: Way) => void,
): Promise<{ readonly killed: number; readonly rotated: number }> {
  let [killed, rotated, restarted] = [0, 0, 0];
  let isWriting = true;
  const ended = writing.then(() => isWriting = false);
  const over = new AbortController();
  void ended.then(() => over.abort()); // never rejects
  const every = async (ms: number, act: () => Promise<void> | void) => {
    while (isWriting) {
      await systemClock.sleep(ms, over.signal).catch(() => {});
      if (isWriting) await act();
    }
  };
  await Promise.all([
    ...names.map((name, index) =>
      every(rotateEveryMs + index * 37, () => {
        rotated++;
        rotate(name);
      })
    ),
    every(writingMs / (kills * 2), async () => {
      if (killed === kills) return;
      killed++;
      await publisher.kill();
      await publisher.start();
    }),
    every(writingMs / (restarts + 1), async () => {
      if (restarted++ < restarts) await receiver.restart();
    }),
  ]);
  for (; killed < kills; killed++) {
    await publisher.kill();
    await publisher.start();
  }
  return { killed, rotated };
}

receiverTest(
  "log publisher: loses no line and repeats only unconfirmed bundles while files rotate, the receiver restarts and the process is killed",
  async (receiver) => {
    await using directory = await temporaryDirectory();
    const logs = join(directory.path, "logs");
    await Deno.mkdir(logs);
    const paths = names.map((name) => join(logs, `${name}.log`));
    for (const path of paths) await Deno.writeTextFile(path, "");
    const checkpoint = join(directory.path, "positions.jsonl");
    await using publisher = new KillablePublisher(`${receiver.port}`, checkpoint, ...paths);
    await publisher.start();
    const perFile = Math.ceil(linesInAll / names.length);
    const writer = start("log_writer_process.ts", `${perFile}`, `${writingMs}`, ...paths);
    await writer.stdout.cancel();
    let rotations = 0;
    const { rotated } = await disturb(writer.status, publisher, receiver, (name) => {
      const path = join(logs, `${name}.log`);
      ways[name](path, `${path}.${++rotations}`);
    });
    assert.equal((await writer.status).code, 0);

    const expected = new Map<Way, ReadonlySet<number>>();
    for (const name of names) expected.set(name, await onDisk(logs, name));
    const received = new Map<Way, number[]>(names.map((name) => [name, []]));
    let at = 0;
    const isComplete = () => {
      const { pending } = receiver.events;
      for (; at < pending.length; at++) {
        const { message } = pending[at]!.payload;
        for (const name of names) {
          const number = numberIn(message, name);
          if (number !== undefined) received.get(name)!.push(number);
        }
      }
      return names.every((name) =>
        expected.get(name)!.difference(new Set(received.get(name)!)).size === 0
      );
    };
    const limitMs = performance.now() + 30_000;
    while (!isComplete() && performance.now() < limitMs) {
      await systemClock.sleep(50);
    }
    const { warnings, missedFiles } = await publisher.end();
    isComplete();

    const summary: string[] = [];
    let repeated = 0;
    for (const name of names) {
      const numbers = received.get(name)!;
      const seen = new Set<number>();
      let highest = -1;
      for (const number of numbers) {
        assert.ok(number > highest || seen.has(number), `${name}: ${number} after ${highest}`);
        highest = Math.max(highest, number);
        seen.add(number);
      }
      repeated += numbers.length - seen.size;
      const missing = [...expected.get(name)!.difference(seen)];
      assert.deepEqual(missing.slice(0, 20), [], `${name}: ${missing.length} lines are missing`);
      // Only what was written between a copy and the truncation is in no file any more.
      const lost = perFile - seen.size;
      if (name !== "copyTruncate") assert.equal(lost, 0, `${name}: ${lost} lines are missing`);
      summary.push(
        `${name}: ${lost} of ${perFile} lost, ${perFile - expected.get(name)!.size} not on disk`,
      );
    }
    assert.ok(repeated <= (kills + restarts) * bundleLines, `${repeated} lines came again`);
    console.log([
      `${rotated} rotations, ${kills} kills, ${restarts} restarts of the receiver: ${repeated} lines again`,
      ...summary,
      `last run: ${missedFiles} files missed, ${warnings.length} warnings`,
    ].join("\n"));
  },
);
