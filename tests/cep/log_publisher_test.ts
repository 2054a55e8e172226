import assert from "node:assert/strict";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import { LogPublisher } from "../../src/cep/log_publisher.ts";
import { memoryLog } from "../memory_log.ts";
import { exampleConfig } from "../scope/example_config.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { receiverTest, type ReceiverUnderTest, unverified } from "./receiver_under_test.ts";

/** Tells of each pause that is begun: what could be done at once is done then. */
class PauseClock implements Clock {
  readonly now: () => number;
  readonly monotonicMs = systemClock.monotonicMs;
  #paused = Promise.withResolvers<void>();

  constructor(now = systemClock.now) {
    this.now = now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#paused.resolve();
    this.#paused = Promise.withResolvers();
    return systemClock.sleep(ms, signal);
  }

  /** Looks whether something is so, now and at the beginning of each pause. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.#paused.promise;
  }
}

function publisherOf(
  directory: string,
  { host, port }: { host: string; port: number },
  now = systemClock.now,
) {
  const clock = new PauseClock(now);
  const { logPublisher, identity } = exampleConfig();
  const log = memoryLog();
  const publisher = new LogPublisher({
    config: {
      ...logPublisher,
      enabled: true,
      receiver: { host, port },
      password: new Secret("admin"),
      tls: unverified,
      paths: [join(directory, "a.log")],
    },
    identity,
    checkpoint: join(directory, "positions.jsonl"),
    log,
    clock,
    random: () => 0,
  });
  const follows = async () => {
    publisher.start();
    await clock.until(() => publisher.status.files.length > 0);
  };
  /** A bundle whose answer is still on its way when the receiver is disturbed comes again. */
  const confirms = (lines: number) => clock.until(() => publisher.status.linesConfirmed >= lines);
  return { publisher, log, follows, confirms };
}

async function messages(receiver: ReceiverUnderTest, count: number): Promise<unknown[]> {
  const taken: unknown[] = [];
  while (taken.length < count) taken.push((await receiver.events.next()).payload.message);
  return taken;
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}`);
const append = (directory: string, lines: readonly string[]) =>
  Deno.writeTextFile(join(directory, "a.log"), lines.map((line) => `${line}\n`).join(""), {
    append: true,
  });

receiverTest(
  "log publisher: sends every line once, in order, whatever the receiver does between",
  async (receiver) => {
    await using directory = await temporaryDirectory();
    await append(directory.path, ["old"]);
    const { publisher, log, follows, confirms } = publisherOf(directory.path, receiver);
    await using _ends = publisher;
    await follows();
    await append(directory.path, numbered(0, 450));
    assert.deepEqual(await messages(receiver, 450), numbered(0, 450));
    await confirms(450);
    await receiver.expireSessions();
    await append(directory.path, numbered(450, 451));
    assert.deepEqual(await messages(receiver, 1), ["line 450"]);
    await confirms(451);
    await receiver.dropConnections();
    await append(directory.path, numbered(451, 452));
    assert.deepEqual(await messages(receiver, 1), ["line 451"]);
    await confirms(452);
    await receiver.restart();
    await append(directory.path, numbered(452, 453));
    assert.deepEqual(await messages(receiver, 1), ["line 452"]);
    await confirms(453);
    const { linesRead, linesSent, missedFiles, files } = publisher.status;
    assert.deepEqual([linesRead, linesSent, missedFiles], [453, 453, 0]);
    assert.deepEqual(files.map(({ lag }) => lag), [0]);
    assert.ok(log.records.filter(({ level }) => level !== "debug").length < 8, log.text());
  },
);

receiverTest(
  "log publisher: sends nothing twice and loses nothing when it ends and starts again",
  async (receiver) => {
    await using directory = await temporaryDirectory();
    const { publisher: first, follows } = publisherOf(directory.path, receiver);
    await append(directory.path, []);
    await follows();
    await append(directory.path, numbered(0, 300));
    // What waits is sent at the end, too.
    await first.stop();
    assert.deepEqual(await messages(receiver, 300), numbered(0, 300));
    await append(directory.path, numbered(300, 310));
    await using second = publisherOf(directory.path, receiver).publisher;
    second.start();
    assert.deepEqual(await messages(receiver, 10), numbered(300, 310));
    await second.stop();
    assert.deepEqual(receiver.events.pending, []);
  },
);

receiverTest(
  "log publisher: defines the stream of the next day when its clock passes midnight",
  async (receiver) => {
    await using directory = await temporaryDirectory();
    await append(directory.path, []);
    const offset = { ms: new Date(2026, 1, 1).getTime() - Date.now() - 60_000 };
    const now = () => Date.now() + offset.ms;
    const { publisher, follows } = publisherOf(directory.path, receiver, now);
    await using _ends = publisher;
    await follows();
    await append(directory.path, ["before"]);
    const before = await receiver.events.next();
    offset.ms += 120_000;
    await append(directory.path, ["after"]);
    const after = await receiver.events.next();
    assert.deepEqual(
      [before, after].map(({ streamId }) => /\.(\d{4}\.\d\d\.\d\d):1\.0\.0$/.exec(streamId)?.[1]),
      ["2026.01.31", "2026.02.01"],
    );
    assert.deepEqual([before.payload.message, after.payload.message], ["before", "after"]);
  },
);
