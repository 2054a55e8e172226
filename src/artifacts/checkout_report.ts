import type { Log } from "../base/log.ts";
import type { CheckoutDone, Names } from "./git_job.ts";
import { reportRemoval, shown } from "./removal_report.ts";

/**
 * Tells people about checkouts: one line for what happened, one warning for each thing that is not as
 * the repository's author may think. What was said stays said until it changes.
 */
export class CheckoutReport {
  readonly #log: Log;
  readonly #destination: string;
  readonly #said = new Map<string, string>();

  constructor(log: Log, destination: string) {
    this.#log = log;
    this.#destination = destination;
  }

  /** A job succeeded. */
  done(url: string, result: CheckoutDone): void {
    const { notes, module } = result;
    if (module !== undefined) {
      const what = result.changed ? "Checked out" : "Nothing changed by a checkout of";
      const commit = result.commit === undefined ? "" : `, now ${result.commit}`;
      this.#log.info(`${what} ${url} in ${this.#destination}${commit} (module ${module})`);
      return;
    }
    if (notes.removal) reportRemoval(this.#log, this.#destination, notes.removal);
    if (result.kind === "held") {
      // Local commits wait to be pushed, which is said elsewhere.
      if (notes.localChanges.count === 0) return;
      this.#once(
        "held",
        `The repository is not followed: local changes in ${this.#destination} would be lost` +
          shown(notes.localChanges),
      );
      return;
    }
    this.#said.delete("held");
    if (result.commit === undefined) {
      this.#once("empty", `The repository ${url} is empty`);
    } else {
      this.#said.delete("empty");
      const what = result.changed ? "Checked out" : "Nothing changed by";
      this.#log.info(
        `${what} commit ${result.commit} of ${url}: ${result.files} files in ${this.#destination}`,
        {
          commit: result.commit,
          files: result.files,
          receivedBytes: result.receivedBytes,
          ...(result.branch === undefined ? {} : { branch: result.branch }),
        },
      );
    }
    if (notes.localChanges.count > 0) {
      this.#log.warning(
        `Local changes were discarded in favour of the repository${shown(notes.localChanges)}`,
      );
    }
    const why = notes.linkFailure === undefined ? "" : ` (${notes.linkFailure})`;
    this.#names("links", `Symbolic links are left out${why}`, notes.symbolicLinks);
    this.#names("submodules", "Submodules are left as they are", notes.submodules);
    if (notes.largeFilePointers.count > 0) {
      this.#log.warning(
        `Files in Git LFS stay pointers, ${
          notes.largeFileAdvice ?? "their content is not fetched"
        }${shown(notes.largeFilePointers)}`,
      );
    }
    this.#names("collisions", "Names differ from others in case only", notes.collisions);
    if (notes.strayGitDirectory) {
      this.#once(
        "stray",
        `${this.#destination} holds a .git that this agent does not use; a web server may serve it`,
      );
    }
    if (notes.recordLost) {
      this.#log.warning(
        `The record of published files was damaged: files that the repository deleted may still be ` +
          `in ${this.#destination}`,
      );
    }
    if (notes.remoteBecameEmpty) {
      this.#once("emptied", `The repository ${url} is empty now; its former files stay`);
    } else this.#said.delete("emptied");
    if (notes.backup) {
      const { path, files, leftOut } = notes.backup;
      this.#log.info(`Backed up ${files} files that were in ${this.#destination} to ${path}`);
      this.#names("backup", "Links and special files are not backed up", leftOut);
    }
  }

  #names(topic: string, message: string, names: Names): void {
    if (names.count === 0) this.#said.delete(topic);
    else this.#once(topic, `${message}${shown(names)}`);
  }

  #once(topic: string, message: string): void {
    if (this.#said.get(topic) === message) return;
    this.#said.set(topic, message);
    this.#log.warning(message);
  }
}
