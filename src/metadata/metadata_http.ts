/** One HTTP exchange with the metadata service, bounded in time and size. */
import { type IncomingMessage, request as startRequest, type RequestOptions } from "node:http";
import { connect } from "node:tls";
import { type Clock, withDeadline } from "../base/clock.ts";
import { AgentError, cannot, reasonOf } from "../base/errors.ts";
import { Redactor } from "../base/redactor.ts";
import type { Secret } from "../base/secret.ts";
import { adviceOn, type MetadataTls, tlsOptions } from "./metadata_tls.ts";

/** A request, its URL complete and percent-encoded. */
export interface MetadataRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: URL;
  /** JSON, for POST. */
  readonly body?: string;
}

/** How the service is reached. */
export interface MetadataAccess {
  readonly token?: Secret;
  readonly tls: MetadataTls;
  /** From the connection's start to the answer's end, in milliseconds. */
  readonly limitMs: number;
  readonly clock: Clock;
}

/** The answer; the body only where it is wanted. */
export interface MetadataAnswer {
  readonly status: number;
  /** The media type alone, in lower case; "" when there is none. */
  readonly contentType: string;
  readonly location?: string;
  /** Of a GET that was answered with 200; else "". */
  readonly text: string;
}

/** What all properties of an application may take; more is not this service. */
export const answerLimitBytes = 4 << 20;
const shownCharacters = 300;

/**
 * Sends one request and reads the answer. Follows no redirect, and the token is in nothing it throws.
 *
 * Over `node:tls` rather than by `fetch`: only it can leave out verification for one connection and
 * trusts a self-signed certificate that is marked as a CA. `node:https` would want the permission to
 * read the system's authorities, which verifying against them does not need.
 *
 * @throws AgentError: `unavailable` (may be repeated), `limit`, `input`, `permission`, `configuration`.
 */
export async function exchange(
  request: MetadataRequest,
  access: MetadataAccess,
  signal: AbortSignal,
): Promise<MetadataAnswer> {
  signal.throwIfAborted();
  const options = await requestOptions(request, access);
  const ending = new AbortController();
  const work = send(request, options, ending.signal);
  const silent = () =>
    failure(request, access, `there is no complete answer within ${access.limitMs / 1000} s`);
  try {
    return await withDeadline(work, access.limitMs, silent, access.clock, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw explained(error, request, access);
  } finally {
    ending.abort();
    // Nothing of it may be left open; what it ends with no longer matters.
    await work.catch(() => {});
  }
}

async function requestOptions(
  { method, url, body }: MetadataRequest,
  { token, tls }: MetadataAccess,
): Promise<RequestOptions> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = `${new TextEncoder().encode(body).length}`;
  }
  const isTls = url.protocol === "https:";
  const defaultPort = isTls ? 443 : 80;
  const port = url.port === "" ? defaultPort : Number(url.port);
  const tlsSettings = isTls ? { host, port, ...await tlsOptions(host, tls) } : undefined;
  const options = {
    method,
    host,
    port,
    defaultPort,
    path: url.pathname,
    // A connection of its own: nothing is kept open between rare requests.
    ...(tlsSettings ? { createConnection: () => connect(tlsSettings) } : { agent: false }),
  } as const;
  if (token) headers["authorization"] = `Bearer ${token.open()}`;
  return { ...options, headers };
}

function send(
  { method, body }: MetadataRequest,
  options: RequestOptions,
  ending: AbortSignal,
): Promise<MetadataAnswer> {
  return new Promise((resolve, reject) => {
    const request = startRequest(options);
    const end = () => {
      reject(ending.reason);
      request.destroy();
    };
    ending.addEventListener("abort", end, { once: true });
    // Stays: an error event that nobody hears ends the process.
    request.on("error", reject);
    const closed = () => reject(new Error("the connection was closed without an answer"));
    request.once("close", closed);
    request.once("response", (response: IncomingMessage) => {
      // From here on reading the answer says how it ends.
      request.off("close", closed);
      response.on("error", () => {});
      answerOf(response, method).then(resolve, reject).finally(() => request.destroy());
    });
    request.end(body);
  });
}

async function answerOf(response: IncomingMessage, method: string): Promise<MetadataAnswer> {
  const status = response.statusCode ?? 0;
  const { location } = response.headers;
  return {
    status,
    contentType: response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "",
    ...(location === undefined ? {} : { location }),
    // A page for people, however long, tells a program nothing.
    text: method === "GET" && status === 200 ? await textOf(response) : "",
  };
}

/** Reads a body that is not trusted to end. */
async function textOf(response: IncomingMessage): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const pieces: string[] = [];
  let received = 0;
  for await (const chunk of response) {
    received += chunk.length;
    if (received > answerLimitBytes) {
      throw new AnswerRefused("limit", `the answer is larger than ${answerLimitBytes} bytes`);
    }
    pieces.push(decoded(decoder, chunk));
  }
  pieces.push(decoded(decoder));
  return pieces.join("");
}

function decoded(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new AnswerRefused("input", "the answer is not UTF-8");
    throw error;
  }
}

/** An answer that makes no sense; asking again would give the same. */
class AnswerRefused extends Error {
  readonly kind: "limit" | "input";

  constructor(kind: "limit" | "input", reason: string) {
    super(reason);
    this.kind = kind;
  }
}

function explained(error: unknown, request: MetadataRequest, access: MetadataAccess): AgentError {
  if (error instanceof AgentError) return error;
  if (error instanceof AnswerRefused) {
    return failure(request, access, error.message, { kind: error.kind, retryable: false });
  }
  const reasons: string[] = [];
  let todo: string | undefined;
  let isRefused = false;
  for (let at = error; at !== undefined && reasons.length < 3;) {
    reasons.push(reasonOf(at));
    todo ??= adviceOn(at);
    isRefused ||= at instanceof Deno.errors.NotCapable ||
      at instanceof Error && "code" in at && at.code === "EPERM";
    at = at instanceof Error ? at.cause : undefined;
  }
  const reason = [...new Set(reasons), ...todo === undefined ? [] : [todo]].join(": ");
  return isRefused
    ? failure(request, access, reason, { kind: "permission", retryable: false })
    : failure(request, access, reason);
}

/**
 * An error about a request, without the token even where the service repeats it.
 *
 * @param options Default: `unavailable`, and may be repeated.
 */
export function failure(
  { method, url }: MetadataRequest,
  { token }: Pick<MetadataAccess, "token">,
  reason: string,
  options: Partial<ConstructorParameters<typeof AgentError>[1]> = {},
): AgentError {
  const redactor = new Redactor();
  if (token) redactor.add(token);
  const actions = { GET: "read from", POST: "write to", DELETE: "delete from" } as const;
  const shown = redactor.redact(reason.replaceAll(/\p{Cc}/gu, " ")).slice(0, shownCharacters);
  const subject = redactor.redact(`${url.origin}${url.pathname}`);
  return cannot(`${actions[method]} the metadata service at`, subject, shown, {
    kind: "unavailable",
    retryable: true,
    ...options,
  });
}
