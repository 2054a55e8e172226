import { join } from "node:path";
import type { AgentHome } from "./home.ts";
import type { CommitName, Sighting } from "./sighting.ts";

/** Content of the repository's files at each commit, by path. */
export type CommitFiles = Readonly<Record<CommitName, Readonly<Record<string, string>>>>;

/** Looks at what the agent does on disk. */
export interface HomeWatch extends AsyncDisposable {
  /**
   * Looks now. To be called before anything is made of a message: the message may be here sooner than
   * the word of the file system.
   */
  check(): void;
}

/**
 * Tells of checked out commits and of extension runs as they appear on disk.
 *
 * @param see Called in the order in which things happen; must not throw.
 */
export function openHomeWatch(
  home: AgentHome,
  commits: CommitFiles,
  see: (sighting: Sighting) => void,
): HomeWatch {
  const waitingFor: CommitName[] = ["first", "second"];
  let runs = 0;
  const check = () => {
    // Files before runs: the extension runs after its files are there.
    for (const commit of [...waitingFor]) {
      const files = Object.entries(commits[commit]);
      const isThere = files.every(([name, text]) => holds(join(home.applicationPath, name), text));
      if (!isThere) continue;
      waitingFor.splice(waitingFor.indexOf(commit), 1);
      see({ kind: "files", commit, files: files.length });
    }
    const lines = Deno.readTextFileSync(home.extensionRuns).split("\n").slice(0, -1);
    const added = lines.slice(runs);
    runs = lines.length;
    for (const event of added) see({ kind: "extension", event });
  };
  const watcher = Deno.watchFs([home.applicationPath, home.extensionRuns]);
  const ended = (async () => {
    for await (const _ of watcher) check();
  })();
  let closed: Promise<void> | undefined;
  return {
    check,
    [Symbol.asyncDispose]: () =>
      closed ??= (async () => {
        watcher.close();
        await ended;
      })(),
  };
}

function holds(path: string, text: string): boolean {
  try {
    return Deno.readTextFileSync(path) === text;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
