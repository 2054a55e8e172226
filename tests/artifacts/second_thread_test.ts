import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock, withDeadline } from "../../src/base/clock.ts";
import { runCheckout } from "../../src/artifacts/checkout_job.ts";
import { permissionsOf, runGitWorker } from "../../src/artifacts/git_worker_run.ts";
import {
  type SecondAnswer,
  SecondThread,
  type WriteOrder,
} from "../../src/artifacts/second_thread.ts";
import { type FileStamp, stampOf } from "../../src/git/file_stamp.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { Playground } from "./playground.ts";

const clean = { code: 0, text: "" };
const content = (text: string) => new TextEncoder().encode(text);

/** The other thread's side, answered by the test. */
class OtherSide implements Disposable {
  readonly writer: SecondThread;
  readonly orders: WriteOrder[] = [];
  readonly #ours: MessagePort;
  readonly #port: MessagePort;
  #heard = Promise.withResolvers<void>();

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.writer = new SecondThread(port1);
    this.#ours = port1;
    this.#port = port2;
    port2.onmessage = ({ data }: MessageEvent<WriteOrder>) => {
      this.orders.push(data);
      this.#heard.resolve();
    };
  }

  /** Says something, and waits until it is heard. */
  async say(answer: SecondAnswer): Promise<void> {
    const heard = nextAt(this.#ours);
    this.#port.postMessage(answer);
    await heard;
  }

  async heard(): Promise<WriteOrder> {
    await this.#heard.promise;
    this.#heard = Promise.withResolvers();
    return this.orders.at(-1)!;
  }

  [Symbol.dispose](): void {
    this.writer[Symbol.dispose]();
    this.#port.close();
  }
}

/** Counts what the other thread is given. */
class CountingWriter extends SecondThread {
  files = 0;

  override offer(...file: Parameters<SecondThread["offer"]>): boolean {
    const isTaken = super.offer(...file);
    if (isTaken) this.files++;
    return isTaken;
  }
}

/** A thread that really writes, and is there. */
async function writerThread(): Promise<{ readonly writer: CountingWriter } & Disposable> {
  const { port1, port2 } = new MessageChannel();
  const module = import.meta.resolve("../../src/artifacts/second_worker.ts");
  const worker = new Worker(module, { type: "module" });
  worker.postMessage(null, [port2]);
  const writer = new CountingWriter(port1);
  await nextAt(port1);
  const close = () => {
    writer[Symbol.dispose]();
    worker.terminate();
  };
  return { writer, [Symbol.dispose]: close };
}

/** The next thing that comes in at a port; whoever else listens there has heard it before. */
function nextAt(port: MessagePort): Promise<void> {
  return new Promise((resolve) =>
    port.addEventListener("message", () => resolve(), { once: true })
  );
}

Deno.test("second thread: takes nothing before the other thread is there", async () => {
  using other = new OtherSide();
  const offer = () => other.writer.offer("/a", 0o644, content("1"), () => {});
  assert.equal(offer(), false);
  assert.equal(await other.writer.settle(), true);
  await other.say({ kind: "ready" });
  assert.equal(offer(), true);
  const settled = other.writer.settle();
  const { content: sent, files } = await other.heard();
  assert.deepEqual(files, [{ path: "/a", mode: 0o644, bytes: 1 }]);
  assert.equal(new Uint8Array(sent)[0], "1".charCodeAt(0));
  await other.say({ kind: "written", content: sent, stamps: [stampOf(Deno.lstatSync("/"))] });
  assert.equal(await settled, true);
});

Deno.test("second thread: writes what it is given, with its mode, and says how it looks", async () => {
  await using temporary = await temporaryDirectory();
  using thread = await writerThread();
  const path = (name: string) => join(temporary.path, name);
  const stamps = new Map<string, FileStamp>();
  const isTaken = thread.writer.offer(
    path("first"),
    0o755,
    content("1"),
    (stamp) => stamps.set("first", stamp),
  );
  assert(isTaken);
  const names = Array.from({ length: 300 }, (_, index) => `f${index}`);
  for (const [index, name] of names.entries()) {
    const text = `${index}`.repeat(1_000);
    const isTaken = thread.writer.offer(
      path(name),
      0o644,
      content(text),
      (stamp) => stamps.set(name, stamp),
    );
    assert(isTaken);
  }
  assert.equal(await thread.writer.settle(), true);
  assert.equal(stamps.size, 301);
  assert.equal((await Deno.stat(path("first"))).mode! & 0o777, 0o755);
  for (const [index, name] of names.entries()) {
    assert.equal(await Deno.readTextFile(path(name)), `${index}`.repeat(1_000));
    assert.deepEqual(stamps.get(name), stampOf(await Deno.lstat(path(name))));
  }
});

Deno.test("second thread: says that something failed, and does nothing more", async () => {
  await using temporary = await temporaryDirectory();
  using thread = await writerThread();
  const path = (name: string) => join(temporary.path, name);
  await Deno.writeTextFile(path("there"), "mine");
  const stamps: FileStamp[] = [];
  const offer = (name: string) => () =>
    thread.writer.offer(path(name), 0o644, content("1"), (stamp) => stamps.push(stamp));
  assert.equal(offer("there")(), true);
  assert.equal(await thread.writer.settle(), false);
  assert.deepEqual(stamps, []);
  assert.equal(await Deno.readTextFile(path("there")), "mine");
  assert.equal(offer("later")(), false);
});

Deno.test("second thread: takes neither large files nor more than may wait, and again after that", async () => {
  using other = new OtherSide();
  await other.say({ kind: "ready" });
  const half = new Uint8Array(256 * 1024);
  const offer = (data: Uint8Array) => other.writer.offer("/a", 0o644, data, () => {});
  assert.equal(offer(half), true);
  assert.equal(offer(new Uint8Array(512 * 1024 + 1)), false);
  let count = 1;
  while (offer(half)) count++;
  assert.equal(count, 32);
  const { content, files } = await other.heard();
  const stamps = files.map(() => stampOf(Deno.lstatSync("/")));
  await other.say({ kind: "written", content, stamps });
  assert.equal(offer(half), true);
});

Deno.test("second thread: looks at files", async () => {
  await using temporary = await temporaryDirectory();
  using thread = await writerThread();
  const path = (name: string) => join(temporary.path, name);
  assert(thread.writer.offer(path("run"), 0o755, content("1"), () => {}));
  // One thing after the other.
  assert.equal(thread.writer.look(temporary.path, ["run"]), undefined);
  await thread.writer.settle();
  await Deno.writeTextFile(path("plain"), "12");
  await Deno.symlink("plain", path("link"));
  await Deno.mkdir(path("directory"));
  const names = ["run", "missing", "plain", "link", "directory", "plain/below"];
  const looking = thread.writer.look(temporary.path, names);
  assert.equal(thread.writer.look(temporary.path, names), undefined);
  const facts = await looking;
  assert(facts);
  const told = names.map((_, index) => [...facts.slice(index * 8, index * 8 + 8)]);
  const { size, mtimeMs, ctimeMs, dev, ino, uid, gid } = stampOf(await Deno.lstat(path("plain")));
  assert.deepEqual(told.map(([kind]) => kind), [2, 0, 1, 0, 0, 0]);
  assert.deepEqual(told[2], [1, size, mtimeMs, ctimeMs, dev, ino, uid, gid]);
});

Deno.test("second thread: a look ends when the thread has failed", async () => {
  using other = new OtherSide();
  await other.say({ kind: "ready" });
  const looking = other.writer.look("/", ["a"]);
  assert(looking);
  await other.say({ kind: "failed" });
  assert.equal(await looking, undefined);
  assert.equal(other.writer.look("/", ["a"]), undefined);
});

Deno.test("second thread: is given nothing when it is heard after its end", async () => {
  using other = new OtherSide();
  other.writer.lose();
  await other.say({ kind: "ready" });
  assert.equal(other.writer.offer("/a", 0o644, content("1"), () => {}), false);
  assert.equal(other.writer.look("/", ["a"]), undefined);
  assert.equal(await other.writer.settle(), false);
});

peerTest("second thread: helps with a first checkout of many files", ["git"], async () => {
  await using playground = await Playground.openForWorkers();
  const files = filesOf(600, 20_000);
  await playground.commit(files);
  using thread = await writerThread();
  let started = 0;
  const done = await runCheckout(playground.job(), {
    startSecond: () => {
      started++;
      return thread.writer;
    },
  });
  assert.equal(started, 1);
  assert(thread.writer.files > 100, `${thread.writer.files} files`);
  assert.equal(done.files, 600);
  for (const [path, data] of Object.entries(files)) {
    assert.deepEqual(new Uint8Array(await Deno.readFile(join(playground.app, path))), data);
  }
  assert.deepEqual(await playground.nativeGit("status", "--porcelain"), clean);
});

/** A Git worker with an order to check out, whose main side is the test. */
function orderedCheckout(playground: Playground) {
  const asked = Promise.withResolvers<MessagePort>();
  const answered = Promise.withResolvers<{ readonly kind: string }>();
  const worker = new Worker(import.meta.resolve("../../src/artifacts/git_worker.ts"), {
    type: "module",
    deno: { permissions: permissionsOf(playground.job()) },
  });
  worker.onmessage = ({ data, ports }) => {
    if (data.kind === "secondWanted") asked.resolve(ports[0]!);
    else if (data.kind !== "progress") answered.resolve(data);
  };
  worker.postMessage({ kind: "checkOut", job: playground.job() });
  const end = () => worker.terminate();
  const soon = <T>(promise: Promise<T>) =>
    withDeadline(promise, 60_000, () => new Error("it waits for ever"), systemClock);
  return {
    worker,
    asked: soon(asked.promise),
    answered: soon(answered.promise),
    [Symbol.dispose]: end,
  };
}

peerTest("second thread: a checkout does without one that never answers", ["git"], async () => {
  await using playground = await Playground.openForWorkers();
  await playground.commit(filesOf(500, 20));
  using order = orderedCheckout(playground);
  const port = await order.asked;
  assert.equal((await order.answered).kind, "done");
  port.close();
  await assertPublished(playground, 500);
});

peerTest("second thread: a checkout does again what one that is gone had", ["git"], async () => {
  await using playground = await Playground.openForWorkers();
  // Too much to arrive at once: the ready one is heard in between.
  await playground.commit(filesOf(600, 20_000));
  using order = orderedCheckout(playground);
  const port = await order.asked;
  const given = nextAt(port);
  port.start();
  port.postMessage({ kind: "ready" } satisfies SecondAnswer);
  await given;
  order.worker.postMessage({ kind: "secondGone" });
  assert.equal((await order.answered).kind, "done");
  port.close();
  await assertPublished(playground, 600);
});

async function assertPublished(playground: Playground, count: number): Promise<void> {
  assert.equal(Object.keys(playground.files()).length, count);
  assert.deepEqual(await playground.nativeGit("status", "--porcelain"), clean);
  assert.deepEqual(playground.surroundings(), ["app", "state"]);
}

const options = { timeoutMs: 60_000, clock: systemClock, signal: new AbortController().signal };

peerTest(
  "second thread: needs no permission beside the places for files on their way",
  ["git"],
  async () => {
    await using playground = await Playground.openForWorkers();
    await playground.commit(filesOf(500, 20_000));
    assert.equal((await runGitWorker(playground.job(), options)).files, 500);
    await assertPublished(playground, 500);
  },
);

peerTest("second thread: leaves nothing behind where there is one processor", ["git"], async () => {
  await using playground = await Playground.openForWorkers();
  await playground.commit(filesOf(500, 20));
  Object.defineProperty(navigator, "hardwareConcurrency", { value: 1, configurable: true });
  try {
    assert.equal((await runGitWorker(playground.job(), options)).files, 500);
  } finally {
    Reflect.deleteProperty(navigator, "hardwareConcurrency");
  }
});

function filesOf(count: number, bytes: number): Record<string, Uint8Array> {
  const names = Array.from({ length: count }, (_, index) => `d${index % 7}/f${index}`);
  return Object.fromEntries(names.map((name) => [name, noise(bytes)]));
}

function noise(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}
