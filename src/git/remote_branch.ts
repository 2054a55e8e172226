import { type AgentError, cannot } from "../base/errors.ts";
import { hasOwnCommits } from "./unpushed_commits.ts";
import type { GitDirectory } from "./git_directory.ts";
import type { GitHttp } from "./git_http.ts";
import type { ObjectStore } from "./object_store.ts";
import type { OnObject } from "./pack_receiver.ts";
import { concatBytes, packetLine, PacketReader, parsePackets } from "./packet_line.ts";
import { chooseBranch, type ChosenBranch, parseAdvertisement } from "./remote_refs.ts";
import { readIfPresentSync, replaceFileSync } from "./synchronous_file.ts";
import { UploadPackAnswer } from "./upload_pack_answer.ts";
import { fetchWhole } from "./whole_fetch.ts";

/** Which repository, and which of its branches. */
export interface RemoteBranchSettings {
  /** Without credentials. */
  readonly url: string;
  /** artifact.branch; absent: the remote's HEAD. */
  readonly branch?: string;
}

/** Of whom a fetch tells what. */
export interface FetchListeners {
  /** Given every object as it arrives, before anything is known of the whole. */
  readonly onObject?: OnObject | undefined;
  /** Called when all is ready for the request, which goes out with the next turn. */
  readonly onAsked?: (() => void) | undefined;
}

/** Loads the library that negotiates; takes some time, and need not wait for an answer of the server. */
export function loadNegotiation() {
  return import("./isomorphic_fetch.ts");
}

/** The branch of a remote repository, during one job. */
export class RemoteBranch {
  readonly #settings: RemoteBranchSettings;
  readonly #directory: GitDirectory;
  readonly #http: GitHttp;
  #capabilities: ReadonlySet<string> = new Set();

  constructor(settings: RemoteBranchSettings, directory: GitDirectory, http: GitHttp) {
    this.#settings = settings;
    this.#directory = directory;
    this.#http = http;
  }

  /**
   * Asks the server.
   *
   * @returns The branch to check out; `undefined` when the repository is empty.
   * @throws AgentError when the server cannot be reached, refuses, or has no such branch.
   */
  async choose(): Promise<ChosenBranch | undefined> {
    const bytes = await this.#http.read("info/refs?service=git-upload-pack");
    const advertisement = parseAdvertisement(bytes);
    if (advertisement.version !== 1) throw this.#unable("it speaks protocol version 2 only");
    this.#capabilities = advertisement.capabilities;
    const chosen = chooseBranch(advertisement.refs, this.#settings.branch);
    for (const capability of ["shallow", "side-band-64k"]) {
      if (chosen && !advertisement.capabilities.has(capability)) {
        throw this.#unable(`the server cannot do ${capability}`);
      }
    }
    return chosen;
  }

  /** What the server can do, as it said. */
  get capabilities(): ReadonlySet<string> {
    return this.#capabilities;
  }

  /** Takes for granted what {@link choose} would find out. */
  assume(capabilities: ReadonlySet<string>): void {
    this.#capabilities = capabilities;
  }

  /**
   * Fetches what is missing of the commit that {@link choose} found, without history.
   *
   * @param isFresh Nothing that is here counts as known: all of it is sent.
   */
  async fetch(
    chosen: ChosenBranch,
    store: ObjectStore,
    isFresh: boolean,
    listeners: FetchListeners = {},
  ): Promise<void> {
    const shallow = isFresh ? readIfPresentSync(this.#directory.shallow) : undefined;
    const request = {
      directory: this.#directory,
      capabilities: this.#capabilities,
      requestPack: (body: Uint8Array<ArrayBuffer>) =>
        this.#requestPack(body, store, isFresh, listeners),
    };
    if (isFresh) await fetchWhole({ ...request, commit: chosen.commit });
    else {
      const { fetchBranch } = await loadNegotiation();
      const { url } = this.#settings;
      await fetchBranch({ ...request, url, branch: chosen, isKnown: (id) => store.has(id) });
    }
    if (shallow) restoreShallow(this.#directory, shallow, store);
    if (!store.has(chosen.commit)) {
      throw this.#unable("the server did not send the branch's commit");
    }
  }

  async #requestPack(
    body: Uint8Array<ArrayBuffer>,
    store: ObjectStore,
    isFresh: boolean,
    { onObject, onAsked }: FetchListeners,
  ): Promise<Uint8Array> {
    const isThin = !isFresh && this.#capabilities.has("thin-pack");
    const question = isThin ? withThinPack(body) : body;
    let others: readonly Uint8Array[] = [];
    await store.receive(isThin, async (push) => {
      const answer = new UploadPackAnswer(push);
      const packets = new PacketReader((packet) => answer.take(packet));
      onAsked?.();
      for await (const chunk of this.#http.stream("git-upload-pack", question)) {
        packets.push(chunk);
      }
      packets.end();
      others = answer.others;
    }, onObject);
    return concatBytes(others);
  }

  #unable(reason: string): AgentError {
    return cannot("fetch from", this.#settings.url, reason, {
      kind: "unavailable",
      retryable: true,
    });
  }
}

/** Commits that the agent keeps have parents that were never fetched, and still are not. */
export function restoreShallow(
  directory: GitDirectory,
  former: Uint8Array,
  store: Pick<ObjectStore, "has">,
): void {
  if (!hasOwnCommits(directory)) return;
  const linesOf = (bytes: Uint8Array | undefined) =>
    new TextDecoder().decode(bytes).split("\n").filter(Boolean);
  const now = linesOf(readIfPresentSync(directory.shallow));
  const all = new Set([...now, ...linesOf(former).filter((id) => store.has(id))]);
  replaceFileSync(directory.shallow, `${[...all].join("\n")}\n`);
}

/**
 * Adds a capability that the library never asks for. Without it a server that is asked for a single
 * commit sends the whole tree each time, however little of it is new.
 */
function withThinPack(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [first] = parsePackets(body);
  if (!(first instanceof Uint8Array)) return body;
  const want = new TextDecoder().decode(first).replace(/\n?$/, " thin-pack\n");
  return concatBytes([packetLine(want), body.subarray(first.length + 4)]);
}
