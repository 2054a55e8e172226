/** Tells people about removals. */
import type { Log } from "../base/log.ts";
import type { Names, RemovalDone } from "./git_job.ts";

/** One line for what happened, one warning for each thing that stays. */
export function reportRemoval(log: Log, destination: string, done: RemovalDone): void {
  const restored = done.restored > 0 ? `, ${done.restored} came back from the backup` : "";
  log.info(`Removed ${done.files} files that were checked out into ${destination}${restored}`);
  if (done.localChanges.count > 0) {
    log.warning(
      `Files in ${destination} were changed since they were checked out and stay` +
        shown(done.localChanges),
    );
  }
  if (done.leftInBackup.count > 0) {
    log.warning(
      `Files of the backup stay in it, because others of their names are in ${destination}` +
        shown(done.leftInBackup),
    );
  }
  if (done.recordLost) {
    log.warning(
      `The record of published files was damaged: files that were checked out may still be in ` +
        destination,
    );
  }
}

/** A list that was cut, as the end of a log line. */
export function shown({ count, first }: Names): string {
  // A file name may hold anything that is not refused: quotes keep it apart from the text.
  const names = first.map((name) => JSON.stringify(name)).join(", ");
  return count > first.length ? `: ${names} and ${count - first.length} more` : `: ${names}`;
}
