/** Has symbolic links made in a directory of one's own, from where they are renamed into place. */
import { join } from "node:path";
import { stampOf } from "../git/file_stamp.ts";
import { type IndexEntry } from "../git/index_file.ts";
import type { JobRuntime } from "./job_runtime.ts";
import type { PlannedLink } from "../git/link_target.ts";
import { lstatIfPresentSync, removeIfEmptySync } from "../git/synchronous_file.ts";
import { directoriesAbove } from "../git/tree_plan.ts";

/** Links that wait for their publication. */
export interface StagedLinks {
  readonly entries: readonly IndexEntry[];
  /** Links that could not be made. */
  readonly missing: readonly PlannedLink[];
  /** Why not. */
  readonly reason?: string;
}

/** Where links are below a directory of {@link stageLinks}, laid out as in the destination. */
export function stagedLinksIn(directory: string): string {
  return join(directory, "links");
}

/**
 * Has links made below `links` in a directory. What is there afterwards counts, not what was said.
 *
 * @param directory One's own, without `links` and `links.list` yet.
 */
export async function stageLinks(
  directory: string,
  links: readonly PlannedLink[],
  { makeLinks }: JobRuntime,
): Promise<StagedLinks> {
  if (links.length === 0) return { entries: [], missing: [] };
  if (makeLinks === undefined) return { entries: [], missing: links };
  const root = stagedLinksIn(directory);
  Deno.mkdirSync(root, { mode: 0o755 });
  // Whatever the umask: directories are renamed into place together with the links in them.
  Deno.chmodSync(root, 0o755);
  const directories = [...directoriesAbove(links.map(({ path }) => path))].reverse();
  for (const relative of directories) {
    Deno.mkdirSync(join(root, relative), { mode: 0o755 });
    Deno.chmodSync(join(root, relative), 0o755);
  }
  // Neither holds a line break: the tree's names and targets were checked for control characters.
  const lines = links.map(({ path, target }) => `${path}\n${target}\n`);
  Deno.writeTextFileSync(join(directory, "links.list"), lines.join(""), { mode: 0o600 });
  const reason = await makeLinks(directory);
  const entries: IndexEntry[] = [];
  const missing: PlannedLink[] = [];
  for (const link of links) {
    const path = join(root, link.path);
    const info = lstatIfPresentSync(path);
    if (info?.isSymlink && Deno.readLinkSync(path) === link.target) {
      entries.push({ path: link.path, id: link.id, mode: link.mode, stamp: stampOf(info) });
    } else {
      missing.push(link);
      // Something else must not be brought into place under its name.
      if (info !== undefined) Deno.removeSync(path, { recursive: true });
    }
  }
  if (missing.length > 0) removeEmptyDirectories(root, directories);
  return { entries, missing, ...(reason === undefined ? {} : { reason }) };
}

/** A directory that holds no link is not wanted in the destination. */
function removeEmptyDirectories(root: string, parentsFirst: readonly string[]): void {
  for (const relative of parentsFirst.toReversed()) {
    removeIfEmptySync(join(root, relative));
  }
}
