/** Stands before a Git server and makes trouble when told to. */
export class TroubledServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** Requests that get an error and reach nobody. */
  fails: (request: Request) => boolean = () => false;
  /** Requests that reach the server, and whose answer is lost. */
  losesAnswer: (request: Request) => boolean = () => false;
  /** Called before a request is passed on. */
  before: (request: Request) => void | Promise<void> = () => {};

  constructor(handle: (request: Request) => Promise<Response>) {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async (request) => {
        if (this.fails(request)) {
          await request.body?.cancel();
          return new Response("down", { status: 503 });
        }
        await this.before(request);
        const isLost = this.losesAnswer(request);
        const response = await handle(request);
        if (!isLost) return response;
        await response.text();
        return new Response("lost", { status: 502 });
      },
    );
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  url(repository: string): string {
    return `http://${this.address}/${repository}.git`;
  }

  /** No trouble any more. */
  calm(): void {
    this.fails = () => false;
    this.losesAnswer = () => false;
    this.before = () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
