/** A Git server without Git: it answers what a test wrote byte by byte. */
import { systemClock } from "../../src/base/clock.ts";
import { bytesOf, entry, idOf, pack, typeNumbers } from "../git/pack_builder.ts";

/** An entry of a tree, as it is written. */
export interface TreeLine {
  readonly mode: string;
  readonly name: string | Uint8Array;
  /** A file's content, or the entries of a directory. */
  readonly content: string | readonly TreeLine[];
}

/** A commit with all that belongs to it. */
export interface BuiltRepository {
  readonly commit: string;
  readonly entries: readonly Uint8Array[];
}

/** Makes the objects of a commit; every object once. */
export function repositoryOf(lines: readonly TreeLine[]): BuiltRepository {
  const objects = new Map<string, Uint8Array>();
  const add = (type: "commit" | "tree" | "blob", content: Uint8Array) => {
    const id = idOf(type, content);
    if (!objects.has(id)) objects.set(id, entry(typeNumbers[type], content));
    return id;
  };
  const tree = (of: readonly TreeLine[]): string =>
    add(
      "tree",
      bytesOf(...of.flatMap(({ mode, name, content }) => {
        const id = typeof content === "string" ? add("blob", bytesOf(content)) : tree(content);
        return [`${mode} `, name, [0], Uint8Array.fromHex(id)];
      })),
    );
  const root = tree(lines);
  const who = "A <a@b> 1700000000 +0000";
  const commit = add("commit", bytesOf(`tree ${root}\nauthor ${who}\ncommitter ${who}\n\nm\n`));
  return { commit, entries: [...objects.values()] };
}

/** One packet line of anything. */
export function packet(...parts: (string | Uint8Array | number[])[]): Uint8Array<ArrayBuffer> {
  const payload = bytesOf(...parts);
  return bytesOf((payload.length + 4).toString(16).padStart(4, "0"), payload);
}

/** What a server says before a pack, and the pack in its band. */
export function packAnswer(bytes: Uint8Array, commit: string): Uint8Array<ArrayBuffer> {
  const bands: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 60_000) {
    bands.push(packet([1], bytes.slice(at, at + 60_000)));
  }
  return bytesOf(packet(`shallow ${commit}\n`), "0000", packet("NAK\n"), ...bands, "0000");
}

/** The list of branches, up to its end. */
export function advertisement(commit: string): Uint8Array<ArrayBuffer> {
  const can = "shallow side-band-64k thin-pack ofs-delta agent=hostile";
  return bytesOf(
    packet("# service=git-upload-pack\n"),
    "0000",
    packet(`${commit} HEAD\0${can} symref=HEAD:refs/heads/main\n`),
    packet(`${commit} refs/heads/main\n`),
    "0000",
  );
}

/** A body that goes on for as long as it is read. */
export function endless(before: Uint8Array, again: Uint8Array, delayMs = 0) {
  const cancelled = new AbortController();
  let next = before;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (next === again && delayMs > 0) await systemClock.sleep(delayMs, cancelled.signal);
        controller.enqueue(next);
        next = again;
      } catch (error) {
        if (!cancelled.signal.aborted) throw error;
      }
    },
    cancel: () => cancelled.abort(),
  });
}

/** A body that begins and never goes on. */
export function stuck(before: Uint8Array) {
  return new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(before) });
}

type Body = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** What the server answers now. */
export interface HostileAnswers {
  readonly refs: () => Body;
  readonly pack: () => Body;
}

/** The answers of a server that serves a repository as it should. */
export function answersOf({ commit, entries }: BuiltRepository): HostileAnswers {
  return { refs: () => advertisement(commit), pack: () => packAnswer(pack(entries), commit) };
}

/** The server. */
export class HostileRemote implements AsyncDisposable {
  answers: HostileAnswers;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answers: HostileAnswers) {
    this.answers = answers;
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {}, onError: () => new Response() },
      async (request) => {
        await request.body?.cancel();
        const isPack = request.method === "POST";
        const kind = isPack ? "result" : "advertisement";
        return new Response((isPack ? this.answers.pack() : this.answers.refs()) as BodyInit, {
          headers: { "content-type": `application/x-git-upload-pack-${kind}` },
        });
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/hostile.git`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
