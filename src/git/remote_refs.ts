/**
 * What a repository server says about its branches: the advertisement of protocol version 0/1 and
 * the answer to `ls-refs` of version 2.
 */
import { cannot } from "../base/errors.ts";
import {
  concatBytes,
  delimiterPacket,
  flushPacket,
  type Packet,
  packetLine,
  parsePackets,
} from "./packet_line.ts";

/** Branches of a remote repository. */
export interface RemoteRefs {
  /** Full name → object id; `HEAD` and `refs/heads/…` only. */
  readonly ids: ReadonlyMap<string, string>;
  /** What HEAD points to, where the server says so. */
  readonly head?: string;
}

/** Answer to `info/refs`: the refs, or the news that version 2 wants a second question. */
export type Advertisement =
  | { readonly version: 1; readonly refs: RemoteRefs; readonly capabilities: ReadonlySet<string> }
  | { readonly version: 2 };

/** A branch to check out. */
export interface ChosenBranch {
  /** Full name; `HEAD` when the server does not tell which branch that is. */
  readonly ref: string;
  readonly commit: string;
}

const zeroId = /^0{40}$/;
const objectId = /^[0-9a-f]{40}$/;

/**
 * Reads an answer to `info/refs?service=git-upload-pack`.
 *
 * @throws AgentError when it is none, or when the server says an error in it.
 */
export function parseAdvertisement(bytes: Uint8Array): Advertisement {
  // A repository may have hundreds of thousands of pull requests and tags; they are not even kept.
  const packets = parsePackets(
    bytes,
    (packet) => packet instanceof Uint8Array && !isOtherRef(packet),
  );
  const lines = packets.filter((packet) => packet instanceof Uint8Array).map(textOf);
  const first = lines[0];
  const rest = first?.startsWith("# service=") ? lines.slice(1) : lines;
  if (first === undefined) throw malformed("it is empty");
  throwServerError(first);
  if (rest[0] === "version 2") return { version: 2 };
  const ids = new Map<string, string>();
  const capabilities = new Set<string>();
  for (const [index, line] of (rest[0] === "version 1" ? rest.slice(1) : rest).entries()) {
    const [ref = "", capabilityText] = index === 0 ? line.split("\0") : [line];
    for (const capability of (capabilityText ?? "").split(" ")) capabilities.add(capability);
    addRef(ids, ref);
  }
  const head = [...capabilities].find((capability) => capability.startsWith("symref=HEAD:"))
    ?.slice("symref=HEAD:".length);
  return { version: 1, capabilities, refs: { ids, ...(head === undefined ? {} : { head }) } };
}

/**
 * An `ls-refs` request for the refs whose names start so.
 *
 * @param prefixes See {@link wantedRefPrefixes}; a repository can have a hundred thousand others.
 */
export function lsRefsRequest(prefixes: readonly string[]): Uint8Array<ArrayBuffer> {
  return concatBytes([
    packetLine("command=ls-refs\n"),
    packetLine("agent=cartridge-agent\n"),
    packetLine("object-format=sha1\n"),
    new TextEncoder().encode(delimiterPacket),
    packetLine("symrefs\n"),
    ...prefixes.map((prefix) => packetLine(`ref-prefix ${prefix}\n`)),
    new TextEncoder().encode(flushPacket),
  ]);
}

/** What to ask for first, and what to ask for when that brings nothing. */
export function wantedRefPrefixes(branch: string | undefined) {
  return {
    first: [branch === undefined ? "HEAD" : fullBranchName(branch)],
    // HEAD of a server-side repository often names a branch that nobody ever pushed.
    otherwise: ["refs/heads/"],
  };
}

/** Reads the answer to `ls-refs`. */
export function parseLsRefs(packets: readonly Packet[]): RemoteRefs {
  const ids = new Map<string, string>();
  let head: string | undefined;
  for (const packet of packets) {
    if (!(packet instanceof Uint8Array)) continue;
    const line = textOf(packet);
    throwServerError(line);
    const [id = "", name = "", ...attributes] = line.split(" ");
    // `unborn HEAD symref-target:…` is an empty repository.
    if (id !== "unborn") addRef(ids, `${id} ${name}`);
    if (name === "HEAD") {
      head = attributes.find((attribute) => attribute.startsWith("symref-target:"))
        ?.slice("symref-target:".length) ?? head;
    }
  }
  return { ids, ...(head === undefined ? {} : { head }) };
}

/**
 * The branch to check out: the configured one, else the remote's HEAD, else the only branch there is.
 *
 * @param branch artifact.branch.
 * @returns `undefined` when the repository has no branch at all, which is an empty repository.
 * @throws AgentError of kind `refused` when the branch does not exist or cannot be told.
 */
export function chooseBranch(
  refs: RemoteRefs,
  branch: string | undefined,
): ChosenBranch | undefined {
  const branches = [...refs.ids.keys()].filter((name) => name.startsWith("refs/heads/"));
  if (refs.ids.size === 0) return undefined;
  if (branch !== undefined) {
    const ref = fullBranchName(branch);
    const commit = refs.ids.get(ref);
    if (commit === undefined) throw noBranch(`there is no branch "${branch}" (artifact.branch)`);
    return { ref, commit };
  }
  const head = refs.ids.get("HEAD");
  if (head !== undefined) {
    const named = refs.head !== undefined && refs.ids.get(refs.head) === head
      ? refs.head
      : branches.find((name) => refs.ids.get(name) === head);
    return { ref: named ?? "HEAD", commit: head };
  }
  const [only, second] = branches;
  if (only !== undefined && second === undefined) {
    return { ref: only, commit: refs.ids.get(only) ?? "" };
  }
  throw noBranch("its HEAD names no existing branch; choose one with artifact.branch");
}

/** `refs/heads/x` for `x` and for `refs/heads/x`. */
export function fullBranchName(branch: string): string {
  return branch.startsWith("refs/heads/") ? branch : `refs/heads/${branch}`;
}

function addRef(ids: Map<string, string>, line: string): void {
  const separator = line.indexOf(" ");
  const [id, name] = [line.slice(0, separator), line.slice(separator + 1)];
  if (zeroId.test(id) || name.startsWith("capabilities^{}")) return;
  if (line.startsWith("shallow ")) return;
  if (!objectId.test(id)) throw malformed("a line has no SHA-1 object id");
  // Tags, pull requests and notes can be many, and nobody asks for them.
  if (name === "HEAD" || isBranchName(name)) ids.set(name, id);
}

/** A line `<id> refs/…` of something that is no branch. The first one also carries capabilities. */
function isOtherRef(packet: Uint8Array): boolean {
  const text = new TextDecoder().decode(packet.subarray(40, 52));
  return text.startsWith(" refs/") && text !== " refs/heads/" && !packet.includes(0);
}

/** Names become paths in the Git directory: nothing that could lead out of it. */
function isBranchName(name: string): boolean {
  return /^refs\/heads\/[^\0-\x20\x7f~^:?*[\\]+$/.test(name) && name.length <= 500 &&
    !name.split("/").some((part) =>
      part === "" || part.startsWith(".") || part.endsWith(".lock") || part.includes("..")
    );
}

function textOf(packet: Uint8Array): string {
  return new TextDecoder().decode(packet).replace(/\n$/, "");
}

function throwServerError(line: string): void {
  if (!line.startsWith("ERR ")) return;
  throw cannot("list branches of", "the repository", shown(line.slice(4)), {
    kind: "refused",
    retryable: true,
  });
}

/** Text of a server, made fit for a log line: one line, printable, short. */
export function shown(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ").trim().slice(0, 200);
}

function malformed(reason: string) {
  return cannot("read the list of branches of", "the repository", reason, {
    kind: "unavailable",
    retryable: true,
  });
}

function noBranch(reason: string) {
  return cannot("choose a branch of", "the repository", reason, {
    kind: "refused",
    retryable: true,
  });
}
