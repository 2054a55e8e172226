/** A Git server with Git LFS in front of a playground's remote. */
import { createHash } from "node:crypto";
import { canaryPassword, type Playground, repository, username } from "./playground.ts";

/** Who answers how. */
export interface LargeFileBehaviour {
  /** Where a content is; absent: on this server. */
  readonly href?: (sha256: string, origin: string) => string;
  /** What is sent for a content; absent: the content. */
  readonly body?: (content: string) => BodyInit;
}

/** The repository's server, which keeps contents too and wants a login for everything. */
export class LargeFileServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #contents = new Map<string, string>();
  /** Requests for LFS, without the origin. */
  readonly requests: string[] = [];
  behaviour: LargeFileBehaviour = {};

  constructor(playground: Playground) {
    const listen = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
    this.#server = Deno.serve(listen, (request) => this.#answer(request, playground));
  }

  /** `host:port` */
  get address(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  get repoUrl(): string {
    return `http://${this.address}/${repository}.git`;
  }

  /** Keeps a content and gives its pointer. */
  keep(content: string): string {
    const sha256 = createHash("sha256").update(content).digest("hex");
    this.#contents.set(sha256, content);
    return pointer(sha256, new TextEncoder().encode(content).length);
  }

  /** Loses all contents. */
  forget(): void {
    this.#contents.clear();
  }

  async #answer(request: Request, playground: Playground): Promise<Response> {
    const { pathname, origin } = new URL(request.url);
    const [, kind, sha256 = ""] = /^\/(?:.*\/)?(lfs|content)\/(.*)$/.exec(pathname) ?? [];
    if (kind === undefined) return await playground.remote.handle(request);
    this.requests.push(`${request.method} ${pathname}`);
    const login = `Basic ${new TextEncoder().encode(`${username}:${canaryPassword}`).toBase64()}`;
    if (request.headers.get("authorization") !== login) {
      const headers = { "www-authenticate": "Basic", "lfs-authenticate": "Basic" };
      return new Response("{}", { status: 401, headers });
    }
    if (kind === "content") {
      const content = this.#contents.get(sha256);
      if (content === undefined) return new Response(null, { status: 404 });
      return new Response(this.behaviour.body?.(content) ?? content);
    }
    const { objects } = await request.json();
    const href = this.behaviour.href ?? ((id: string) => `${origin}/content/${id}`);
    const answers = objects.map(({ oid, size }: { oid: string; size: number }) =>
      this.#contents.has(oid)
        ? { oid, size, actions: { download: { href: href(oid, origin) } } }
        : { oid, size, error: { code: 404, message: "there is no such object" } }
    );
    return Response.json({ transfer: "basic", objects: answers }, {
      headers: { "content-type": "application/vnd.git-lfs+json" },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A pointer as Git LFS writes it. */
export function pointer(sha256: string, size: number): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${size}\n`;
}
