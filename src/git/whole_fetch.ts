/**
 * Fetches a commit with all that belongs to it and without history. Nothing is known here, so there is
 * nothing to negotiate: one request, and no library that has to be loaded for it.
 */
import { join } from "node:path";
import type { GitDirectory } from "./git_directory.ts";
import { concatBytes, flushPacket, packetLine, parsePackets } from "./packet_line.ts";
import { removeSync, replaceFileSync } from "./synchronous_file.ts";

/** What is wanted, and how. */
export interface WholeFetchRequest {
  readonly directory: GitDirectory;
  /** As the server advertised it. */
  readonly commit: string;
  /** What the server can do, as it said. */
  readonly capabilities: ReadonlySet<string>;
  /**
   * Sends the request for a pack, takes the pack in, and returns the rest of the answer. Resolves when
   * the objects are in place.
   */
  readonly requestPack: (body: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;
}

const usedCapabilities = ["side-band-64k", "ofs-delta"];

/** Fetches. @throws Whatever `requestPack` throws; AgentError when its answer is no packet lines. */
export async function fetchWhole(
  { directory, commit, capabilities, requestPack }: WholeFetchRequest,
): Promise<void> {
  // Of an earlier fetch, and not true any more.
  removeSync(join(directory.path, "refs", "remotes"));
  const used = usedCapabilities.filter((capability) => capabilities.has(capability));
  const answer = await requestPack(concatBytes([
    packetLine(`want ${[commit, ...used].join(" ")}\n`),
    packetLine("deepen 1\n"),
    new TextEncoder().encode(flushPacket),
    packetLine("done\n"),
  ]));
  // A commit without parents is complete, and not shallow.
  if (isShallow(answer, commit)) replaceFileSync(directory.shallow, `${commit}\n`);
  else removeSync(directory.shallow);
}

function isShallow(answer: Uint8Array, commit: string): boolean {
  const line = `shallow ${commit}`;
  return parsePackets(answer).some((packet) =>
    packet instanceof Uint8Array && new TextDecoder().decode(packet).trimEnd() === line
  );
}
