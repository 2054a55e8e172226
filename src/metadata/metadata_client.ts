import type { Clock } from "../base/clock.ts";
import { AgentError } from "../base/errors.ts";
import { nextDelayMs, type RetryPolicy } from "../base/retry.ts";
import type { Secret } from "../base/secret.ts";
import { exchange, failure, type MetadataAnswer, type MetadataRequest } from "./metadata_http.ts";
import type { MetadataTls } from "./metadata_tls.ts";
import { parseProperties, type Properties } from "./property_list.ts";
import { type MetadataOwner, type MetadataScope, propertiesUrl, valueUrl } from "./property_url.ts";

/** What a client needs. */
export interface MetadataClientOptions extends MetadataOwner {
  /** TOKEN; absent: requests carry none. */
  readonly token?: Secret;
  readonly tls: MetadataTls;
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()`. */
  readonly random: () => number;
  /** Time for one request with its answer, in milliseconds. Default 10,000. */
  readonly limitMs?: number;
  /** Default: 4 attempts, at most 0.5, 1 and 2 s between them. */
  readonly retry?: RetryPolicy;
}

const defaultLimitMs = 10_000;
const defaultRetry: RetryPolicy = { firstMs: 500, maxMs: 2_000, minMs: 50, attempts: 4 };

/**
 * Reads and writes properties of the application and of the own cluster at the metadata service.
 *
 * Every operation is repeated after failures that may pass (no connection, no answer in time, status
 * 429 and 5xx), writes too: the service keeps each value once, so writing or deleting a value twice is
 * the same as once, even when only the answer was lost.
 *
 * All methods throw AgentError: `unavailable` when no attempt succeeded, `refused` when the service
 * said no, `input` and `limit` for answers that make no sense, `configuration`, `permission`, `usage`.
 */
export class MetadataClient {
  readonly #options: MetadataClientOptions;
  /** For each request, where the options name none. */
  readonly #access;

  constructor(options: MetadataClientOptions) {
    this.#options = options;
    const { token, tls, clock, limitMs } = options;
    this.#access = {
      ...(token ? { token } : {}),
      tls,
      clock,
      limitMs: limitMs ?? defaultLimitMs,
    };
    // A header is one line of visible characters; a library's error would show it.
    if (token && !/^[\x21-\x7e]+$/.test(token.open())) {
      throw new AgentError('Cannot use "TOKEN": it holds blanks or other than ASCII characters', {
        kind: "configuration",
      });
    }
  }

  /** All properties of a scope; none when the service knows none. */
  async get(scope: MetadataScope, signal: AbortSignal): Promise<Properties> {
    const request = { method: "GET", url: propertiesUrl(this.#options, scope) } as const;
    const { answer } = await this.#send(request, signal);
    if (answer.status === 404 || answer.status === 204) return new Map();
    if (answer.status !== 200) throw this.#unexpected(request, answer);
    const properties = parseProperties(answer.text);
    if (!("refused" in properties)) return properties;
    const type = answer.contentType === "" ? "no type" : answer.contentType;
    throw failure(
      request,
      this.#access,
      `the answer (${type}) is no list of properties: ${properties.refused}`,
      { kind: "input", retryable: false },
    );
  }

  /**
   * Writes one property. The service adds the values to those that an application has under the key,
   * and replaces those of a cluster.
   *
   * @param values At least one.
   */
  async put(
    scope: MetadataScope,
    key: string,
    values: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    if (key === "" || values.length === 0) {
      throw new AgentError("A property needs a key and at least one value", { kind: "usage" });
    }
    const url = propertiesUrl(this.#options, scope);
    const request = { method: "POST", url, body: JSON.stringify({ key, values }) } as const;
    const { answer } = await this.#send(request, signal);
    if (answer.status < 200 || answer.status > 299) throw this.#unexpected(request, answer);
  }

  /**
   * Deletes one value of a property of the application.
   *
   * @returns `false` when there was no such value.
   */
  async delete(key: string, value: string, signal: AbortSignal): Promise<boolean> {
    const request = { method: "DELETE", url: valueUrl(this.#options, key, value) } as const;
    const { answer, isRepeated } = await this.#send(request, signal);
    // An attempt whose answer was lost may have deleted it.
    if (answer.status === 404) return isRepeated;
    if (answer.status < 200 || answer.status > 299) throw this.#unexpected(request, answer);
    return true;
  }

  /** Sends a request until it is answered or the attempts are used up. */
  async #send(
    request: MetadataRequest,
    signal: AbortSignal,
  ): Promise<{ readonly answer: MetadataAnswer; readonly isRepeated: boolean }> {
    const { retry = defaultRetry, random, clock } = this.#options;
    for (let failures = 0;;) {
      try {
        const answer = await exchange(request, this.#access, signal);
        if (answer.status < 500 && answer.status !== 429) {
          return { answer, isRepeated: failures > 0 };
        }
        throw this.#unexpected(request, answer);
      } catch (error) {
        if (!(error instanceof AgentError) || !error.retryable) throw error;
        const delayMs = nextDelayMs(retry, ++failures, random());
        if (delayMs === undefined) throw error;
        await clock.sleep(delayMs, signal);
      }
    }
  }

  #unexpected(request: MetadataRequest, { status, location }: MetadataAnswer): AgentError {
    const data = { status };
    if (status >= 500 || status === 429) {
      return failure(request, this.#access, `the service answers with status ${status}`, { data });
    }
    return failure(request, this.#access, this.#refusal(status, location), {
      kind: "refused",
      retryable: false,
      data,
    });
  }

  #refusal(status: number, location: string | undefined): string {
    switch (status) {
      case 401:
        return this.#options.token
          ? "the service does not accept the TOKEN of the launch parameters (401)"
          : "the service wants a token, and the launch parameters have no TOKEN (401)";
      case 403:
        return "the service forbids it (403)";
      case 404:
        return "there is no such place (404): is metadata.service.url right?";
    }
    if (status >= 300 && status < 400) {
      const origin = URL.parse(location ?? "", this.#options.url)?.origin ?? "nowhere";
      return `the service redirects to ${origin} (${status}), which is not followed: ` +
        "set metadata.service.url to where it is";
    }
    return `the service answers with status ${status}`;
  }
}
