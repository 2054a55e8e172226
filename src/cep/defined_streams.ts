import type { Clock } from "../base/clock.ts";
import { valueOf } from "./answer_value.ts";
import { defineStreamCall, findStreamIdCall } from "./data_bridge_messages.ts";
import type { ReceiverConnection } from "./receiver_connection.ts";
import { type StreamDefinition, streamDefinitionJson, streamIdOf } from "./stream_definition.ts";

/**
 * A definition is asked for again after this long: a receiver that lost one, and not the session, confirms
 * every bundle and drops it without a word.
 */
export const definitionCheckMs = 5 * 60_000;

/** Where and as whom streams are defined. */
interface LoggedIn {
  readonly connection: ReceiverConnection;
  readonly session: string;
}

/** The streams that are known to be defined at one receiver. */
export class DefinedStreams {
  readonly #receiver: string;
  readonly #clock: Clock;
  readonly #onLost: () => void;
  /** When each was last known to be, by its id. */
  readonly #knownAtMs = new Map<string, number>();

  /** @param onLost Told when the receiver turns out to have lost one. */
  constructor(receiver: string, clock: Clock, onLost: () => void) {
    this.#receiver = receiver;
    this.#clock = clock;
    this.#onLost = onLost;
  }

  /** Forgets all: the session is another one, or the receiver said so. */
  clear(): void {
    this.#knownAtMs.clear();
  }

  /** The first of the streams that has to be defined, or looked for again, before it is used. */
  findDue(streams: readonly StreamDefinition[]): StreamDefinition | undefined {
    const nowMs = this.#clock.monotonicMs();
    return streams.find((stream) => {
      const atMs = this.#knownAtMs.get(streamIdOf(stream));
      return atMs === undefined || nowMs - atMs >= definitionCheckMs;
    });
  }

  /** Sees to it that the receiver has the stream. */
  async ensure(stream: StreamDefinition, at: LoggedIn, signal: AbortSignal): Promise<void> {
    if (!await this.#isThere(stream, at, signal)) {
      const call = defineStreamCall(at.session, streamDefinitionJson(stream));
      valueOf(await at.connection.call(call, signal), "define a stream at", this.#receiver);
    }
    this.#knownAtMs.set(streamIdOf(stream), this.#clock.monotonicMs());
  }

  /** Whether the receiver still has a stream that was defined in this session. */
  async #isThere(
    stream: StreamDefinition,
    { connection, session }: LoggedIn,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!this.#knownAtMs.has(streamIdOf(stream))) return false;
    const call = findStreamIdCall(session, stream.name, stream.version);
    const answer = await connection.call(call, signal);
    if (answer.kind === "refused" && answer.refusal === "noStreamDefinition") {
      this.#onLost();
      return false;
    }
    return valueOf(answer, "find a stream at", this.#receiver) === streamIdOf(stream);
  }
}
