/** A Git server for trying things out: native `git http-backend` behind HTTP, repositories in a temporary directory. */
import { join } from "node:path";
import { cannot } from "../base/errors.ts";
import { cgiResponse, endProgram, feedProgram } from "./cgi_response.ts";

/** What the server asks of its clients and where it listens. */
export interface GitRemoteOptions {
  /** Absent, with `password`: everybody may come. */
  readonly username?: string;
  readonly password?: string;
  /** Default 127.0.0.1; the port is any free one. */
  readonly host?: string;
}

/** A file's content, or `null` to delete it. */
export type CommittedFile = string | Uint8Array | null;

const branch = "main";
const identity = "Sandbox <sandbox@localhost>";

/**
 * Starts a Git server.
 *
 * @returns `undefined` when git, or its `http-backend`, is not installed.
 */
export async function openGitRemote(
  options: GitRemoteOptions = {},
): Promise<GitRemote | undefined> {
  try {
    const execPath = new TextDecoder().decode(await runGit(["--exec-path"])).trim();
    const backend = join(execPath, "git-http-backend");
    await Deno.stat(backend);
    return new GitRemote(options, backend, await Deno.makeTempDir({ prefix: "git-remote-" }));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A running Git server. */
export class GitRemote implements AsyncDisposable {
  readonly #root: string;
  readonly #backend: string;
  readonly #authorization: string | undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #children = new Set<Deno.ChildProcess>();
  #requests = 0;
  #commits = 0;
  #closed: Promise<void> | undefined;

  /** Use {@link openGitRemote}. */
  constructor(options: GitRemoteOptions, backend: string, root: string) {
    this.#root = root;
    this.#backend = backend;
    if (options.username !== undefined || options.password !== undefined) {
      const pair = `${options.username ?? ""}:${options.password ?? ""}`;
      this.#authorization = `Basic ${new TextEncoder().encode(pair).toBase64()}`;
    }
    this.#server = Deno.serve(
      { port: 0, hostname: options.host ?? "127.0.0.1", onListen: () => {} },
      (request) => this.handle(request),
    );
  }

  /** How many requests came in, refused ones included. */
  get requests(): number {
    return this.#requests;
  }

  /** `host:port` of the server. */
  get address(): string {
    const { hostname, port } = this.#server.addr;
    return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  }

  /** Where to clone a repository from, without credentials. */
  url(name: string): string {
    return `http://${this.address}/${name}.git`;
  }

  /** The directory of a bare repository. */
  directory(name: string): string {
    return join(this.#root, `${name}.git`);
  }

  /** Makes an empty bare repository whose HEAD is `main`. */
  async createRepository(name: string): Promise<void> {
    await runGit(["init", "--quiet", "--bare", `--initial-branch=${branch}`, this.directory(name)]);
  }

  /**
   * Commits to `main` on top of what is there.
   *
   * @returns The commit's id.
   */
  async commit(
    name: string,
    files: Readonly<Record<string, CommittedFile>>,
    message = "a change",
  ): Promise<string> {
    const parent = await this.#head(name);
    const when = `${1_700_000_000 + ++this.#commits} +0000`;
    const parts: (string | Uint8Array)[] = [
      `commit refs/heads/${branch}\ncommitter ${identity} ${when}\n`,
      ...data(message),
      parent === undefined ? "" : `from ${parent}\n`,
    ];
    for (const [path, content] of Object.entries(files)) {
      const quoted = `"${path.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
      if (content === null) parts.push(`D ${quoted}\n`);
      else parts.push(`M 100644 inline ${quoted}\n`, ...data(content));
    }
    await this.git(name, ["fast-import", "--quiet", "--force"], await bytesOf(parts));
    return await this.#head(name) ?? "";
  }

  /**
   * Runs native git in a repository.
   *
   * @param input What it reads from standard input.
   * @returns What it prints.
   */
  async git(name: string, args: readonly string[], input?: Uint8Array): Promise<string> {
    const output = await runGit(["--git-dir", this.directory(name), ...args], input);
    return new TextDecoder().decode(output);
  }

  /** Answers a request; public so that something may stand before it. */
  async handle(request: Request): Promise<Response> {
    this.#requests++;
    const given = request.headers.get("authorization");
    if (this.#authorization !== undefined && given !== this.#authorization) {
      await request.body?.cancel();
      return new Response("who are you?\n", {
        status: 401,
        headers: { "www-authenticate": 'Basic realm="sandbox"' },
      });
    }
    const child = new Deno.Command(this.#backend, {
      clearEnv: true,
      env: this.#environment(request),
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#children.add(child);
    const fed = feedProgram(child.stdin, request.body);
    const ended = Promise.all([child.status, fed]).finally(() => this.#children.delete(child));
    return await cgiResponse(child, ended);
  }

  /** Stops the server, ends what still runs, removes the repositories. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const running = [...this.#children];
    for (const child of running) endProgram(child);
    await this.#server.shutdown();
    await Promise.all(running.map((child) => child.status));
    await Deno.remove(this.#root, { recursive: true });
  }

  async #head(name: string): Promise<string | undefined> {
    const ref = `refs/heads/${branch}`;
    const found = await this.git(name, ["for-each-ref", "--format=%(objectname)", ref]);
    return found.trim() || undefined;
  }

  #environment(request: Request): Record<string, string> {
    const url = new URL(request.url);
    const header = (name: string) => request.headers.get(name) ?? "";
    return {
      ...gitEnvironment,
      GIT_PROJECT_ROOT: this.#root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header("content-type"),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      GIT_PROTOCOL: header("git-protocol"),
      REMOTE_ADDR: "127.0.0.1",
      // With a user's name pushing is allowed, too.
      ...(this.#authorization === undefined ? {} : { REMOTE_USER: "sandbox" }),
    };
  }
}

/** The user's own Git configuration plays no role. */
const gitEnvironment = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Sandbox",
  GIT_AUTHOR_EMAIL: "sandbox@localhost",
  GIT_COMMITTER_NAME: "Sandbox",
  GIT_COMMITTER_EMAIL: "sandbox@localhost",
};

async function runGit(args: readonly string[], input?: Uint8Array): Promise<Uint8Array> {
  const child = new Deno.Command("git", {
    args: [...args],
    clearEnv: true,
    env: gitEnvironment,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const fed = feedProgram(child.stdin, input === undefined ? null : ReadableStream.from([input]));
  const [{ code, stdout, stderr }] = await Promise.all([child.output(), fed]);
  if (code === 0) return stdout;
  const reason = new TextDecoder().decode(stderr).trim();
  throw cannot("run", `git ${args.join(" ")}`, reason, { kind: "internal" });
}

/** A `data` command of fast-import. */
function data(content: string | Uint8Array): (string | Uint8Array)[] {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return [`data ${bytes.length}\n`, bytes, "\n"];
}

async function bytesOf(parts: readonly (string | Uint8Array)[]): Promise<Uint8Array> {
  return await new Blob(parts as BlobPart[]).bytes();
}
