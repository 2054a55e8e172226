import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { statusPage } from "../../src/status/page.ts";
import type { Activity, StatusSnapshot } from "../../src/status/snapshot.ts";

/** A stand-in for the status endpoint: it says what a test tells it. */
export class StubAgent implements AsyncDisposable {
  /** What `Last-Event-ID` the streams came with. */
  readonly lastIds: (string | null)[] = [];
  /** Answers to requests for the stream: others than 200 are given as they are. */
  streamStatus = 200;
  #snapshot: StatusSnapshot;
  #port = 0;
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #revision = 0;

  constructor(snapshot: StatusSnapshot) {
    this.#snapshot = snapshot;
    this.start();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Listens, after {@link stop} on the same port. */
  start(): void {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: this.#port, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.#port = this.#server.addr.port;
  }

  /** Is gone. */
  async stop(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
    await this.#server?.shutdown();
    this.#server = undefined;
  }

  /** Says this, and to whoever comes later. */
  say(snapshot: StatusSnapshot): void {
    this.#snapshot = snapshot;
    this.#send(this.#event("snapshot", snapshot));
  }

  /** Tells of an activity. */
  tell(activity: Activity): void {
    this.#send(this.#event("activity", activity));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #answer(request: Request): Response {
    switch (new URL(request.url).pathname) {
      case "/": {
        const { html, securityPolicy } = statusPage();
        const headers = {
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": securityPolicy,
        };
        return new Response(html, { headers });
      }
      case "/status.json":
        return Response.json(this.#snapshot);
      case "/events":
        return this.#stream(request);
      default:
        return new Response("", { status: 404 });
    }
  }

  #stream(request: Request): Response {
    if (this.streamStatus !== 200) return new Response("", { status: this.streamStatus });
    this.lastIds.push(request.headers.get("last-event-id"));
    let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller;
        this.#streams.add(controller);
        controller.enqueue(
          this.#bytes(`retry: 2000\n\n${this.#event("snapshot", this.#snapshot)}`),
        );
      },
      cancel: () => void this.#streams.delete(stream!),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #send(text: string): void {
    for (const stream of this.#streams) stream.enqueue(this.#bytes(text));
  }

  #event(type: string, value: unknown): string {
    return `event: ${type}\nid: stub-${++this.#revision}\ndata: ${JSON.stringify(value)}\n\n`;
  }

  #bytes(text: string): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(text);
  }
}

/** What a browser complained of. */
export interface Complaints {
  readonly violations: string[];
  readonly errors: string[];
}

/** A browser without a screen. */
export async function openBrowser(): Promise<AsyncDisposable & { browser: Browser }> {
  // The pages are the tests' own, and root has no sandbox.
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  return { browser, [Symbol.asyncDispose]: () => browser.close() };
}

/** Opens the page of an agent and notes what the browser complains of. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: Complaints }> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: Complaints = { violations: [], errors: [] };
  page.on("console", (message) => {
    if (message.type() === "error") complaints.violations.push(message.text());
  });
  page.on("pageerror", (error) => complaints.errors.push(error.message));
  await page.goto(url);
  return { page, complaints };
}
