/** Sends commits to a repository over smart HTTP. */
import { cannot } from "../base/errors.ts";
import type { GitHttp } from "./git_http.ts";
import { concatBytes, flushPacket, packetLine, parsePackets } from "./packet_line.ts";
import { packOf, type SentObject } from "./push_objects.ts";
import { parseAdvertisement, type RemoteRefs, shown } from "./remote_refs.ts";
import type { TreeSource } from "./tree_plan.ts";

/** A ref to be moved. */
export interface RefUpdate {
  /** Full name. */
  readonly ref: string;
  /** What the server has now; absent: the ref is new. */
  readonly from?: string;
  readonly to: string;
}

/** What became of a push. */
export type PushOutcome =
  | { readonly kind: "accepted" }
  /** `reason` is the server's text, or ours. */
  | { readonly kind: "rejected"; readonly reason: string };

const zeroId = "0".repeat(40);
/** Below it servers get the length beforehand, as some want it. */
const mostBufferedBytes = 1024 * 1024;

/** The pushing side of a repository server. */
export class RemotePush {
  readonly #http: GitHttp;
  #capabilities: ReadonlySet<string> = new Set();

  constructor(http: GitHttp) {
    this.#http = http;
  }

  /**
   * Asks what there is; before each push.
   *
   * @throws AgentError when the server cannot be reached or allows no push.
   */
  async refs(): Promise<RemoteRefs> {
    const bytes = await this.#http.read("info/refs?service=git-receive-pack");
    const advertisement = parseAdvertisement(bytes);
    if (advertisement.version !== 1) throw unable("it speaks protocol version 2 only");
    this.#capabilities = advertisement.capabilities;
    if (!this.#capabilities.has("report-status")) throw unable("it reports no results");
    return advertisement.refs;
  }

  /** Pushes. @throws AgentError when it is not known whether the server took it. */
  async push(
    update: RefUpdate,
    objects: readonly SentObject[],
    source: TreeSource,
  ): Promise<PushOutcome> {
    const wanted = ["report-status", "side-band-64k", "object-format=sha1"];
    const capabilities = wanted.filter((name) => this.#capabilities.has(name));
    const { ref, from = zeroId, to } = update;
    const command = `${from} ${to} ${ref}\0 ${capabilities.join(" ")} agent=cartridge-agent`;
    const head = concatBytes([packetLine(command), new TextEncoder().encode(flushPacket)]);
    const answer = await this.#http.read("git-receive-pack", bodyOf(head, source, objects));
    return outcomeOf(statusLines(answer, capabilities.includes("side-band-64k")), ref);
  }
}

function bodyOf(
  head: Uint8Array<ArrayBuffer>,
  source: TreeSource,
  objects: readonly SentObject[],
): Uint8Array<ArrayBuffer> | Generator<Uint8Array<ArrayBuffer>> {
  const pack = packOf(source, objects);
  const parts = [head];
  let bytes = head.length;
  // Not `for … of`, which would end the pack with the loop.
  for (let next = pack.next(); !next.done; next = pack.next()) {
    parts.push(next.value);
    bytes += next.value.length;
    if (bytes > mostBufferedBytes) return continued(parts, pack);
  }
  return concatBytes(parts);
}

function* continued(
  parts: readonly Uint8Array<ArrayBuffer>[],
  rest: Generator<Uint8Array<ArrayBuffer>>,
): Generator<Uint8Array<ArrayBuffer>> {
  yield* parts;
  yield* rest;
}

function statusLines(answer: Uint8Array, isBanded: boolean): string[] {
  const packets = parsePackets(answer).filter((packet) => packet instanceof Uint8Array);
  if (!isBanded) return packets.map(lineOf);
  const failure = packets.find((packet) => packet[0] === 3);
  if (failure) throw unable(`it says: ${shown(lineOf(failure.subarray(1)))}`);
  const status = packets.filter((packet) => packet[0] === 1).map((packet) => packet.subarray(1));
  return parsePackets(concatBytes(status))
    .filter((packet) => packet instanceof Uint8Array).map(lineOf);
}

function outcomeOf(lines: readonly string[], ref: string): PushOutcome {
  const unpack = lines.find((line) => line.startsWith("unpack "));
  if (unpack !== undefined && unpack !== "unpack ok") {
    return { kind: "rejected", reason: shown(unpack) };
  }
  if (lines.includes(`ok ${ref}`)) return { kind: "accepted" };
  const refusal = lines.find((line) => line.startsWith(`ng ${ref} `));
  if (refusal === undefined) throw unable("it does not say whether it took the commits");
  return { kind: "rejected", reason: shown(refusal.slice(`ng ${ref} `.length)) };
}

function lineOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\n$/, "");
}

function unable(reason: string) {
  return cannot("push to", "the repository server", reason, {
    kind: "unavailable",
    retryable: true,
  });
}
