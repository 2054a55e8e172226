import { Readable } from "node:stream";

import type { OnMessage } from "./link.ts";

/** As much of a packet as the store looks at. */
interface StoredPacket {
  readonly cmd?: string | null;
  readonly topic?: string;
  readonly payload?: string | Uint8Array;
}
type Answer = (error?: Error, packet?: never) => void;

/**
 * A store of the mqtt library that keeps nothing.
 *
 * Of outgoing messages nothing has to be kept: each connection is a client of its own, and who
 * publishes repeats what was not acknowledged. The library's own store also leaves a timer behind.
 *
 * Of incoming messages the library keeps those of QoS 2 until the broker releases them. The agent
 * subscribes at QoS 1 at most, yet some brokers deliver at the publisher's quality of service. Kept,
 * they would take memory without a bound and be lost with the connection; here they are delivered at
 * once instead: such a message may come twice, as at QoS 1, and none gets lost.
 */
export class ForgetfulStore {
  readonly #onMessage: OnMessage | undefined;

  /** @param onMessage Gets what is put; absent in a store of outgoing messages. */
  constructor(onMessage?: OnMessage) {
    this.#onMessage = onMessage;
  }

  put(packet: StoredPacket, done: Answer): this {
    if (packet.cmd === "publish" && packet.payload instanceof Uint8Array) {
      const { buffer, byteOffset, byteLength } = packet.payload;
      this.#onMessage?.(packet.topic ?? "", new Uint8Array(buffer, byteOffset, byteLength));
    }
    done();
    return this;
  }

  /** What an earlier connection left to send: nothing. */
  createStream(): Readable {
    return Readable.from([]);
  }

  del(_packet: unknown, done: Answer): this {
    done();
    return this;
  }

  /** Nothing is ever found: the library then answers a release without delivering again. */
  get(_packet: unknown, done: Answer): this {
    done(new Error("not kept"));
    return this;
  }

  close(done: Answer): void {
    done();
  }
}
