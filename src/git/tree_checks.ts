/** What must be true of every tree before anything of it becomes a path. */
import { type AgentError, cannot } from "../base/errors.ts";
import { shownPath } from "./shown_path.ts";
import { refusedNameReason } from "./tree_entry_name.ts";
import { parseTree } from "./tree_object.ts";

const deepest = 128;
const longestPathBytes = 3500;
/**
 * Of all paths together. A subtree that is used again and again costs a repository nothing, and the
 * agent every path in full.
 */
const mostPathBytes = 64 * 1024 * 1024;

/** Where the content of a tree goes. */
export interface TreePlace {
  /** Empty, or a path with a slash at its end. */
  readonly prefix: string;
  readonly prefixBytes: number;
  /** 1 for the root. */
  readonly depth: number;
}

/** An entry of a tree whose name may be a file's. */
export interface NamedEntry {
  readonly name: string;
  /** Length of the whole path. */
  readonly pathBytes: number;
  readonly mode: number;
  readonly id: string;
}

/** Where the root of a repository goes. */
export const rootPlace: TreePlace = { prefix: "", prefixBytes: 0, depth: 1 };

/** Checks the trees of one commit, and counts. */
export class TreeChecks {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #mostEntries: number;
  #entries = 0;
  #pathBytes = 0;

  /** @param mostEntries Files, links, submodules and directories together. */
  constructor(mostEntries: number) {
    this.#mostEntries = mostEntries;
  }

  /** What was counted so far. */
  get counted(): { readonly entries: number; readonly pathBytes: number } {
    return { entries: this.#entries, pathBytes: this.#pathBytes };
  }

  /**
   * Counts entries whose names were checked.
   *
   * @throws AgentError of kind `limit` when there are too many or their paths are too long together.
   */
  count(entries: number, pathBytes: number): void {
    this.#entries += entries;
    if (this.#entries > this.#mostEntries) throw tooMany(this.#mostEntries);
    this.#pathBytes += pathBytes;
    if (this.#pathBytes > mostPathBytes) throw pathsTooLong();
  }

  /**
   * The entries of a tree at a place.
   *
   * @throws AgentError of kind `input` when a path must not be written, `limit` when there are too many
   *   or their paths are too long together.
   */
  entriesOf(tree: Uint8Array, place: TreePlace): readonly NamedEntry[] {
    const named: NamedEntry[] = [];
    const names = new Set<string>();
    for (const { name: bytes, mode, id } of parseTree(tree)) {
      const refusal = refusedNameReason(bytes);
      if (refusal !== undefined) throw refusedPath(place.prefix, refusal, bytes);
      const name = this.#decoder.decode(bytes);
      if (names.has(name)) throw refusedPath(place.prefix, "a name appears twice", bytes);
      names.add(name);
      const pathBytes = place.prefixBytes + bytes.length;
      if (pathBytes > longestPathBytes) {
        const reason = `a path is longer than ${longestPathBytes} bytes`;
        throw refusedPath(place.prefix, reason, bytes);
      }
      this.count(1, pathBytes);
      named.push({ name, pathBytes, mode, id });
    }
    return named;
  }

  /**
   * Where the content of a tree goes that is an entry of another one.
   *
   * @throws AgentError of kind `input` when that is too deep.
   */
  inside(place: TreePlace, { name, pathBytes }: NamedEntry): TreePlace {
    if (place.depth >= deepest) {
      throw refusedPath(place.prefix, `it is deeper than ${deepest} levels`);
    }
    const prefix = `${place.prefix}${name}/`;
    return { prefix, prefixBytes: pathBytes + 1, depth: place.depth + 1 };
  }
}

/** The error for a path that must not be written. */
export function refusedPath(
  directory: string,
  reason: string,
  name: Uint8Array = new Uint8Array(0),
): AgentError {
  const path = shownPath(directory, name) || "the top directory";
  return cannot("check out", path, `the repository is refused, ${reason}`, { kind: "input" });
}

function tooMany(mostEntries: number): AgentError {
  return cannot(
    "check out",
    "the repository",
    `it has more than ${mostEntries} files (artifact.limit.files)`,
    { kind: "limit" },
  );
}

function pathsTooLong() {
  return cannot(
    "check out",
    "the repository",
    `the paths of its files and directories have more than ${mostPathBytes} bytes together`,
    { kind: "limit" },
  );
}
