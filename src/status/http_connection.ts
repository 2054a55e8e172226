import { type Clock, withDeadline } from "../base/clock.ts";
import { longestHead, parseRequestHead, type RequestHead } from "./request_head.ts";

/** Answers a request; must not throw. The signal fires when the client is gone. */
export type Handler = (request: Request, signal: AbortSignal) => Response;

/** Time limits of one connection. */
export const connectionLimits = {
  /** From the first look for a request to the end of its head, in milliseconds. */
  headMs: 10_000,
  /** For the client to take what was written, in milliseconds. */
  writeMs: 10_000,
  /** Requests on one connection. */
  requests: 1_000,
} as const;

/** The bytes of a connection, as far as this needs them. */
export interface ByteConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/**
 * One client: requests one after the other, each with time limits, so that a client that says nothing
 * or takes nothing is cut.
 */
export class HttpConnection {
  readonly #connection: ByteConnection;
  readonly #handler: Handler;
  readonly #clock: Clock;
  #buffered = new Uint8Array(0);
  #isClosed = false;
  #isIdle = true;

  constructor(connection: ByteConnection, handler: Handler, clock: Clock) {
    this.#connection = connection;
    this.#handler = handler;
    this.#clock = clock;
  }

  /** Whether it waits for a request. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** Serves until the client leaves or is cut; never rejects. */
  async serve(): Promise<void> {
    try {
      for (let served = 1; served <= connectionLimits.requests; served++) {
        this.#isIdle = true;
        const text = await this.#within(this.#head(), connectionLimits.headMs);
        if (text === undefined) return;
        this.#isIdle = false;
        const head = parseRequestHead(text);
        if (!head) return await this.#send(undefined, refusal(400), false);
        const last = served === connectionLimits.requests || !head.keepsAlive;
        if (!await this.#answer(head, last)) return;
      }
    } catch {
      // The client is gone, or too slow: there is nobody to tell.
    } finally {
      this.close();
    }
  }

  /** Cuts the connection. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#connection.close();
    } catch {
      // The other side was faster.
    }
  }

  /** @returns Whether a further request may come. */
  async #answer(head: RequestHead, last: boolean): Promise<boolean> {
    using gone = abortedAtEnd();
    const host = head.headers.get("host") ?? "localhost";
    const url = URL.parse(`http://${host}${head.target}`);
    if (!url) {
      await this.#send(head, refusal(400), false);
      return false;
    }
    const { method, headers } = head;
    if (method !== "GET" && method !== "HEAD") {
      await this.#send(head, refusal(405), false);
      return false;
    }
    if (head.hasBody) {
      await this.#send(head, refusal(400), false);
      return false;
    }
    const request = new Request(url, { method, headers });
    const response = this.#handler(request, gone.controller.signal);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (isStream && method === "GET") {
      await this.#stream(head, response, gone.controller);
      return false;
    }
    await this.#send(head, response, !last);
    return !last;
  }

  /** An answer of known length. */
  async #send(head: RequestHead | undefined, response: Response, keeps: boolean): Promise<void> {
    const isHead = head?.method === "HEAD";
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (isHead && isStream) await response.body?.cancel();
    const body = isHead && isStream ? new Uint8Array(0) : await response.bytes();
    const length = isHead && isStream ? {} : { "content-length": String(body.length) };
    const text = headText(response, { ...length, connection: keeps ? "keep-alive" : "close" });
    await this.#write(isHead ? text : joined(text, body));
  }

  /** An answer that ends with the connection. */
  async #stream(head: RequestHead, response: Response, gone: AbortController): Promise<void> {
    await this.#write(headText(response, { connection: "close" }));
    if (!response.body || head.method === "HEAD") return;
    const reader = response.body.getReader();
    const stop = () => void reader.cancel().catch(() => {});
    gone.signal.addEventListener("abort", stop, { once: true });
    // Settles when the connection is closed; whoever sends more than nothing is gone as well.
    const left = this.#connection.read(new Uint8Array(1)).then(() => {}, () => {})
      .finally(() => gone.abort());
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        await this.#write(part.value);
      }
    } finally {
      gone.signal.removeEventListener("abort", stop);
      this.close();
      await left;
      await reader.cancel().catch(() => {});
    }
  }

  /** The next head; `undefined` when the client leaves or sends too much. */
  async #head(): Promise<string | undefined> {
    const buffer = new Uint8Array(2048);
    while (true) {
      const end = endOfHead(this.#buffered);
      if (end >= 0) {
        if (end > longestHead) return undefined;
        const text = latin1.decode(this.#buffered.subarray(0, end));
        this.#buffered = this.#buffered.slice(end + 4);
        return text;
      }
      if (this.#buffered.length > longestHead) return undefined;
      const count = await this.#connection.read(buffer);
      if (count === null) return undefined;
      this.#buffered = joined(this.#buffered, buffer.subarray(0, count));
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const all = async () => {
      for (let at = 0; at < bytes.length;) {
        at += await this.#connection.write(bytes.subarray(at));
      }
    };
    await this.#within(all(), connectionLimits.writeMs);
  }

  async #within<T>(work: Promise<T>, limitMs: number): Promise<T> {
    try {
      return await withDeadline(work, limitMs, () => new Error("too slow"), this.#clock);
    } catch (error) {
      this.close();
      await work.catch(() => {}); // ends with the connection
      throw error;
    }
  }
}

const latin1 = new TextDecoder("latin1");
const utf8 = new TextEncoder();
const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  503: "Service Unavailable",
};

/** An answer that says no. */
function refusal(status: 400 | 405): Response {
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    ...(status === 405 ? { allow: "GET, HEAD" } : {}),
  };
  return new Response(`${reasons[status]}\n`, { status, headers });
}

function headText(response: Response, further: Readonly<Record<string, string>>): Uint8Array {
  const headers = [...response.headers, ...Object.entries(further)];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  const reason = reasons[response.status] ?? "Status";
  return utf8.encode(`HTTP/1.1 ${response.status} ${reason}\r\n${lines.join("")}\r\n`);
}

function endOfHead(bytes: Uint8Array): number {
  for (let at = 0; at + 3 < bytes.length; at++) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) {
      return at;
    }
  }
  return -1;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

function abortedAtEnd(): Disposable & { readonly controller: AbortController } {
  const controller = new AbortController();
  return { controller, [Symbol.dispose]: () => controller.abort() };
}
