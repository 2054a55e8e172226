/** The HTTP side of talking to a Git server: credentials, redirects, time and byte limits. */
import type { Clock } from "../base/clock.ts";
import { AgentError, cannot, reasonOf } from "../base/errors.ts";
import { Redactor } from "../base/redactor.ts";
import { basicAuthorization, type RepositoryAccess } from "./credentials.ts";
import { IdleGuard } from "./idle_guard.ts";
import { concatBytes } from "./packet_line.ts";
import { shown } from "./remote_refs.ts";

/** How to reach a repository. */
export interface GitHttpOptions {
  readonly access: RepositoryAccess;
  /** PEM certificates of a private authority, trusted besides the system's. */
  readonly caCertificates?: string;
  /** Bytes received in all, over all requests. */
  readonly maxBytes: number;
  /** How long the server may be silent. */
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  /** Ends requests in progress. */
  readonly signal?: AbortSignal;
}

/** The two questions of smart HTTP, for fetching and for pushing. */
export type GitService =
  | "info/refs?service=git-upload-pack"
  | "git-upload-pack"
  | "info/refs?service=git-receive-pack"
  | "git-receive-pack";

/** What a POST request sends: at once, or piece by piece. */
export type GitBody = Uint8Array<ArrayBuffer> | Iterator<Uint8Array<ArrayBuffer>>;

const redirectLimit = 5;
/**
 * Reading less often is what makes a large download fast: servers send 8 KiB pieces. But a server that
 * thinks and says so now and then is not silent: its pieces are taken as they come.
 */
const readBytes = 512 * 1024;
const readAtLeastBytes = 256 * 1024;
const quickReadMs = 100;

/**
 * Requests to one repository. Sends credentials to its origin only and never follows a redirect to
 * another one.
 */
export class GitHttp implements Disposable {
  readonly #options: GitHttpOptions;
  readonly #client: Deno.HttpClient;
  readonly #redactor = new Redactor();
  readonly #origin: string;
  #url: string;
  #received = 0;

  constructor(options: GitHttpOptions) {
    this.#options = options;
    this.#url = options.access.url;
    this.#origin = new URL(this.#url).origin;
    this.#client = Deno.createHttpClient(
      options.caCertificates === undefined ? {} : { caCerts: [options.caCertificates] },
    );
    const { credentials } = options.access;
    if (credentials) {
      // A server may echo what it was sent.
      this.#redactor.add(credentials.password);
      this.#redactor.add(basicAuthorization(credentials));
    }
  }

  /** How much the server has sent, over all requests. */
  get receivedBytes(): number {
    return this.#received;
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#client.close();
  }

  /** Asks and reads the whole answer. */
  async read(service: GitService, body?: GitBody, version2 = false) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream(service, body, version2)) chunks.push(chunk.slice());
    return concatBytes(chunks);
  }

  /**
   * Asks and yields the answer as it arrives. A piece is valid until the next one is asked for.
   *
   * @param body Present: a POST request.
   * @param version2 Offers protocol version 2.
   * @throws AgentError: `refused` (the server said no), `unavailable`, `limit`, `permission`.
   */
  async *stream(
    service: GitService,
    body?: GitBody,
    version2 = false,
  ): AsyncGenerator<Uint8Array> {
    using guard = new IdleGuard(this.#options, () => this.#silent());
    try {
      const response = await this.#send(service, body, version2, guard);
      if (response.body === null) return;
      const reader = response.body.getReader({ mode: "byob" });
      let buffer = new ArrayBuffer(readBytes);
      for (let min = 1;;) {
        const startMs = guard.restart();
        const { value, done } = await reader.read(new Uint8Array(buffer), { min });
        const isQuick = guard.pause() - startMs < quickReadMs;
        min = isQuick ? Math.min(readAtLeastBytes, 8 * min) : 1;
        if (value && value.length > 0) {
          this.#count(value.length);
          yield value;
          buffer = value.buffer;
        }
        if (done) return;
      }
    } catch (error) {
      throw this.#explain(error, guard);
    } finally {
      // Also when the consumer stops early: nothing more of the answer is wanted.
      guard.abandon();
    }
  }

  async #send(
    service: GitService,
    body: GitBody | undefined,
    version2: boolean,
    guard: IdleGuard,
  ): Promise<Response> {
    const kind = body === undefined ? "advertisement" : "result";
    const contentType = `application/x-${serviceName(service)}-${kind}`;
    let target = `${this.#url}/${service}`;
    for (let redirects = 0; redirects <= redirectLimit; redirects++) {
      guard.restart();
      const response = await fetch(target, {
        method: body === undefined ? "GET" : "POST",
        headers: this.#headers(contentType, service, body !== undefined, version2),
        redirect: "manual",
        signal: guard.signal,
        client: this.#client,
        ...(body === undefined ? {} : { body: sent(body, guard) }),
      });
      if (response.status >= 300 && response.status < 400 && body === undefined) {
        await response.body?.cancel();
        target = this.#redirected(response.headers.get("location"), target, service);
        continue;
      }
      if (response.status !== 200) throw await this.#refusal(response);
      const received = response.headers.get("content-type")?.split(";")[0]?.trim() ?? "none";
      if (received !== contentType) {
        await response.body?.cancel();
        throw this.#error(
          `it answers with content type ${shown(received)}: no Git repository over smart HTTP`,
        );
      }
      return response;
    }
    throw this.#error(`it redirects more than ${redirectLimit} times`);
  }

  #headers(contentType: string, service: GitService, post: boolean, version2: boolean): Headers {
    const headers = new Headers({
      "accept": contentType,
      // Packs are compressed already; a server's own compression only costs time.
      "accept-encoding": "identity",
      // Some hosts speak Git only to clients that say they do.
      "user-agent": "git/2.0 (cartridge-agent)",
    });
    if (post) headers.set("content-type", `application/x-${serviceName(service)}-request`);
    if (version2) headers.set("git-protocol", "version=2");
    const { credentials } = this.#options.access;
    if (credentials) headers.set("authorization", basicAuthorization(credentials).open());
    return headers;
  }

  /** Follows within the origin; what comes later goes to the new place at once. */
  #redirected(location: string | null, from: string, service: GitService): string {
    const to = location === null ? null : URL.parse(location, from);
    if (to === null) throw this.#error("it redirects to nowhere");
    if (to.origin !== this.#origin) {
      throw this.#error(
        `it redirects to another origin, ${shown(to.origin)}, which is not followed`,
      );
    }
    to.username = "";
    to.password = "";
    if (to.href.endsWith(`/${service}`)) this.#url = to.href.slice(0, -service.length - 1);
    return to.href;
  }

  async #refusal(response: Response): Promise<AgentError> {
    await response.body?.cancel();
    const { status } = response;
    const facts = { data: { status }, retryable: true };
    switch (status) {
      case 401:
        return this.#error(
          this.#options.access.credentials
            ? "the server does not accept the credentials (401)"
            : "the server wants credentials, and there are none (401)",
          { kind: "refused", ...facts },
        );
      case 403:
        return this.#error("the server forbids it (403)", { kind: "refused", ...facts });
      case 404:
        return this.#error("there is no such repository, or not for this user (404)", {
          kind: "refused",
          ...facts,
        });
      default:
        return this.#error(`the server answers with status ${status}`, {
          kind: status >= 500 || status === 429 ? "unavailable" : "refused",
          ...facts,
        });
    }
  }

  #count(bytes: number): void {
    this.#received += bytes;
    if (this.#received <= this.#options.maxBytes) return;
    throw this.#error(
      `the server sends more than ${this.#options.maxBytes} bytes (artifact.limit.bytes)`,
      { kind: "limit", retryable: false },
    );
  }

  #silent(): AgentError {
    const seconds = this.#options.idleTimeoutMs / 1000;
    return this.#error(`the server has been silent for ${seconds} s`);
  }

  #explain(error: unknown, guard: IdleGuard): unknown {
    if (error instanceof AgentError || this.#options.signal?.aborted) return error;
    if (guard.signal.aborted) return guard.signal.reason;
    if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
      return this.#error(`the agent has no permission to reach ${new URL(this.#url).host}`, {
        kind: "permission",
        retryable: false,
      });
    }
    return this.#error(shown(reasonWithCauses(error)));
  }

  #error(reason: string, options: Partial<ConstructorParameters<typeof AgentError>[1]> = {}) {
    return cannot("fetch from", this.#options.access.url, this.#redactor.redact(reason), {
      kind: "unavailable",
      retryable: true,
      ...options,
    });
  }
}

function serviceName(service: GitService): string {
  return service.endsWith("receive-pack") ? "git-receive-pack" : "git-upload-pack";
}

/** Each piece that the server takes shows that it is there. */
function sent(body: GitBody, guard: IdleGuard): BodyInit {
  if (body instanceof Uint8Array) return body;
  return new ReadableStream({
    pull(controller) {
      guard.restart();
      const { done, value } = body.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

/** `fetch failed` alone helps nobody: certificates, names and ports are in the causes. */
function reasonWithCauses(error: unknown): string {
  const reasons: string[] = [];
  for (let at = error; at !== undefined && reasons.length < 4;) {
    reasons.push(reasonOf(at));
    at = at instanceof Error ? at.cause : undefined;
  }
  return reasons.join(": ");
}
