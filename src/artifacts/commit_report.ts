import type { Log } from "../base/log.ts";
import type { CommitDone, KeptCommits } from "./git_job.ts";
import { shown } from "./removal_report.ts";

/** Tells people about rounds for local changes. What was said stays said until it changes. */
export class CommitReport {
  readonly #log: Log;
  readonly #destination: string;
  readonly #said = new Map<string, string>();

  constructor(log: Log, destination: string) {
    this.#log = log;
    this.#destination = destination;
  }

  /** A round ended well. */
  done(url: string, gitDirectory: string, result: CommitDone): void {
    this.#said.delete("failed");
    const { committed, pushed, pushFailure, kept, commit } = result;
    if (committed.count > 0) {
      this.#log.info(`Committed local changes in ${this.#destination}${shown(committed)}`, {
        files: committed.count,
        ...(commit === undefined ? {} : { commit }),
      });
    }
    if (kept) this.#kept(url, gitDirectory, kept);
    if (pushed) this.#log.info(`Pushed to ${url}: ${result.remote ?? "as the remote has it"}`);
    if (result.changed) {
      this.#log.info(`Brought the changes of ${url} to ${this.#destination} beside the local ones`);
    }
    this.#once(
      "push",
      pushFailure === undefined
        ? undefined
        : `Local commits are not pushed, and wait for the next round: ${pushFailure}`,
    );
    this.#once(
      "leftOut",
      result.leftOut.count === 0
        ? undefined
        : `Not committed, and left as they are${shown(result.leftOut)}`,
    );
    if (result.unsettled.count > 0) {
      this.#log.info(
        `Being written just now, to be committed in the next round${shown(result.unsettled)}`,
      );
    }
    if (result.overwritten.count > 0) {
      this.#log.warning(
        `Ignored files gave way to ones of the repository${shown(result.overwritten)}`,
      );
    }
  }

  /** Nothing could be committed. */
  failed(reason: string): void {
    this.#once("failed", `Local changes are not committed: ${reason}`);
  }

  #kept(url: string, gitDirectory: string, { ref, why, files, isShared }: KeptCommits): void {
    const where = isShared
      ? `${ref} of ${url} and of ${gitDirectory}`
      : `${ref} of ${gitDirectory}`;
    switch (why) {
      case "conflict":
        this.#log.error(
          `Local changes conflict with those in ${url}, whose version is in place now` +
            `${shown(files)}; nothing is lost: the local commits are kept as ${where}`,
          { ref, files: files.count },
        );
        return;
      case "otherRepository":
        this.#log.error(
          `Local commits belong to another repository than ${url} and are not pushed to it; they are ` +
            `kept as ${where}`,
          { ref },
        );
        return;
      case "rewritten":
      case "notWanted":
        this.#log.info(`Local commits as they were before are kept as ${where}`, { ref });
    }
  }

  #once(topic: string, message: string | undefined): void {
    if (message === undefined) {
      this.#said.delete(topic);
      return;
    }
    if (this.#said.get(topic) === message) return;
    this.#said.set(topic, message);
    this.#log.warning(message);
  }
}
