/** The adapter of isomorphic-git: it negotiates a fetch and keeps refs and the shallow file. */
import { join } from "node:path";
import git from "isomorphic-git";
import type { GitDirectory } from "./git_directory.ts";
import { gitFileSystem } from "./git_file_system.ts";
import { concatBytes, flushPacket, packetLine } from "./packet_line.ts";
import type { ChosenBranch } from "./remote_refs.ts";
import { removeSync } from "./synchronous_file.ts";

/** A fetch of what is missing here of one branch, without history. */
export interface FetchRequest {
  readonly directory: GitDirectory;
  /** Without credentials. */
  readonly url: string;
  /** What is wanted. */
  readonly branch: ChosenBranch;
  /** What the server can do, as it said. */
  readonly capabilities: ReadonlySet<string>;
  /** Whether an object is here; what is published is offered to the server as known. */
  readonly isKnown: (id: string) => boolean;
  /**
   * Sends the request for a pack, takes the pack in, and returns the rest of the answer. Resolves when
   * the objects are in place: refs are written after it.
   */
  readonly requestPack: (body: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;
}

/** Fetches. @throws Whatever `requestPack` throws, or the library. */
export async function fetchBranch(request: FetchRequest): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const http = {
    request: async (
      { url, method, body }: {
        url: string;
        method?: string;
        body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
      },
    ) => {
      if (method !== "POST") return answer(url, "advertisement", advertisementOf(request));
      const parts: Uint8Array[] = [];
      for await (const part of body ?? []) parts.push(part);
      try {
        return answer(url, "result", await request.requestPack(concatBytes(parts)));
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
  };
  // Nobody reads these, and a branch `a` of yesterday must not stand in the way of `a/b`.
  removeSync(join(request.directory.path, "refs", "remotes"));
  try {
    await git.fetch(
      {
        fs: gitFileSystem(request.directory, request.isKnown),
        http,
        gitdir: request.directory.path,
        url: request.url,
        remote: "origin",
        // What is published is what the server is told that we have.
        ref: "HEAD",
        remoteRef: request.branch.ref,
        singleBranch: true,
        depth: 1,
        tags: false,
        cache: {},
      } as unknown as Parameters<typeof git.fetch>[0],
    );
  } catch (error) {
    // The library decorates errors on their way; ours is the one that says what happened.
    throw failure ? failure.error : error;
  }
}

/**
 * The server was asked before; the library gets of its answer what concerns one branch. It need not
 * cope with a hundred thousand refs, odd names, or a HEAD that names nothing.
 */
function advertisementOf({ branch: { ref, commit }, capabilities }: FetchRequest): Uint8Array {
  const kept = [...capabilities].filter((capability) => !capability.startsWith("symref="));
  if (ref !== "HEAD") kept.push(`symref=HEAD:${ref}`);
  return concatBytes([
    packetLine("# service=git-upload-pack\n"),
    new TextEncoder().encode(flushPacket),
    packetLine(`${commit} HEAD\0${kept.join(" ")}\n`),
    ...(ref === "HEAD" ? [] : [packetLine(`${commit} ${ref}\n`)]),
    new TextEncoder().encode(flushPacket),
  ]);
}

function answer(url: string, kind: "advertisement" | "result", bytes: Uint8Array) {
  return {
    url,
    statusCode: 200,
    statusMessage: "OK",
    headers: { "content-type": `application/x-git-upload-pack-${kind}` },
    body: (async function* () {
      await Promise.resolve();
      yield bytes;
    })(),
  };
}
