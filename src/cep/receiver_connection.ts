import type { TLSSocket } from "node:tls";
import { type Clock, withDeadline } from "../base/clock.ts";
import { AgentError, cannot, reasonOf } from "../base/errors.ts";
import type { HostPort, ReceiverTls } from "../config/agent_config.ts";
import type { Answer, DataBridgeCall } from "./data_bridge_messages.ts";
import { destroySocket, formatHostPort, openTlsSocket } from "./receiver_tls.ts";

/** Bounds of one call. */
export interface CallLimits {
  /** Milliseconds from sending to the whole answer; a receiver's full queue blocks publish. */
  readonly timeoutMs: number;
  readonly replyBytes: number;
}

/** 10 s and 64 KiB: the longest real replies quote two stream definitions. */
export const defaultCallLimits: CallLimits = { timeoutMs: 10_000, replyBytes: 64 * 1024 };

/** Each piece that arrives has the reply read from its start, so their number is bounded, too. */
const maxReplyPieces = 256;

/** The other side closed the connection before it answered; the call may or may not have counted. */
export class ConnectionClosedError extends AgentError {
  constructor(receiver: string, method: string, reason: string) {
    super(`Cannot call "${method}" at "${receiver}": ${reason}`, {
      kind: "unavailable",
      retryable: true,
    });
    this.name = "ConnectionClosedError";
  }
}

interface PendingCall {
  readonly received: (bytes: Uint8Array) => void;
  readonly lost: (reason: string) => void;
}

/**
 * One TLS connection to a receiver: a call, its answer, the next call.
 *
 * After a time limit, an answer that cannot be read or any other disorder the connection is closed: what
 * arrives later could be taken for the answer to another call.
 */
export class ReceiverConnection implements AsyncDisposable {
  readonly #receiver: string;
  readonly #socket: TLSSocket;
  readonly #clock: Clock;
  readonly #limits: CallLimits;
  #open = true;
  #closeReason = "the connection is closed";
  #sequenceId = 0;
  #lastUsedMs: number;
  #pending: PendingCall | undefined;

  private constructor(receiver: string, socket: TLSSocket, clock: Clock, limits: CallLimits) {
    this.#receiver = receiver;
    this.#socket = socket;
    this.#clock = clock;
    this.#limits = limits;
    this.#lastUsedMs = clock.monotonicMs();
    socket.on("data", (bytes: Uint8Array) => {
      if (this.#pending) this.#pending.received(bytes);
      else this.#end("the receiver sent something unasked");
    });
    socket.once("error", (error) => this.#end(reasonOf(error)));
    socket.once("end", () => this.#end("the receiver closed the connection"));
    socket.once("close", () => this.#end("the connection was closed"));
    if (socket.destroyed) this.#end("the connection was closed");
  }

  /**
   * Connects.
   *
   * @throws AgentError that says what is wrong and what to do.
   */
  static async open(
    receiver: HostPort,
    tls: ReceiverTls,
    clock: Clock,
    signal: AbortSignal,
    limits: CallLimits = defaultCallLimits,
  ): Promise<ReceiverConnection> {
    const socket = await openTlsSocket(receiver, tls, clock, signal);
    return new ReceiverConnection(formatHostPort(receiver), socket, clock, limits);
  }

  /** Whether a call can be made. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Milliseconds since the connection was opened or the last answer came. */
  get idleMs(): number {
    return this.#clock.monotonicMs() - this.#lastUsedMs;
  }

  /**
   * Sends a call and waits for its answer; one at a time.
   *
   * @throws ConnectionClosedError when the connection ends first.
   * @throws AgentError `unavailable` after the time limit or for nonsense, `refused` when the receiver
   *   failed inside. Thrown means closed.
   */
  async call<T>(call: DataBridgeCall<T>, signal: AbortSignal): Promise<Answer<T>> {
    signal.throwIfAborted();
    if (!this.#open) {
      throw new ConnectionClosedError(this.#receiver, call.method, this.#closeReason);
    }
    if (this.#pending) {
      throw cannot("call", call.method, "another call is in progress", { kind: "internal" });
    }
    this.#sequenceId = (this.#sequenceId + 1) % 2 ** 31;
    try {
      return await withDeadline(
        this.#exchange(call, this.#sequenceId),
        this.#limits.timeoutMs,
        () => this.#noAnswer(call.method),
        this.#clock,
        signal,
      );
    } catch (error) {
      this.#end(reasonOf(error));
      throw error;
    } finally {
      this.#pending = undefined;
      this.#lastUsedMs = this.#clock.monotonicMs();
    }
  }

  #exchange<T>(call: DataBridgeCall<T>, sequenceId: number): Promise<Answer<T>> {
    const { replyBytes } = this.#limits;
    return new Promise((resolve, reject) => {
      let all = new Uint8Array();
      let pieces = 0;
      this.#pending = {
        received: (bytes) => {
          try {
            all = joined(all, bytes);
            const answer = call.decode(all, sequenceId, replyBytes);
            if (answer) resolve(answer);
            else if (++pieces >= maxReplyPieces) reject(this.#tooManyPieces(call.method));
          } catch (error) {
            reject(error);
          }
        },
        lost: (reason) => reject(new ConnectionClosedError(this.#receiver, call.method, reason)),
      };
      this.#socket.write(call.encode(sequenceId));
    });
  }

  #noAnswer(method: string): Error {
    const reason = `no answer within ${this.#limits.timeoutMs / 1000} s`;
    return cannot("call", `${method} at ${this.#receiver}`, reason, {
      kind: "unavailable",
      retryable: true,
    });
  }

  #tooManyPieces(method: string): Error {
    return cannot("read the reply to", method, `it comes in more than ${maxReplyPieces} pieces`, {
      kind: "unavailable",
      retryable: true,
    });
  }

  #end(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#closeReason = reason;
    this.#socket.destroy();
    this.#pending?.lost(reason);
  }

  /** Closes at once; settles when the socket is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end("the connection was closed on this side");
    await destroySocket(this.#socket);
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
