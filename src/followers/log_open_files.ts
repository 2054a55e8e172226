import type { LogFile } from "./log_file.ts";

/** Deleted files of one name that are kept open beside the oldest. */
const deletedLimit = 3;
/** Rotated files of one name, read to their end, that are kept open for late lines. */
const lingeringLimit = 4;

/**
 * Closes what needs not be open of the files of one name, between the oldest and the newest.
 *
 * Those that can be found again are opened when their turn comes; only the newest that wait for late
 * lines alone stay open. Deleted files take room on the disk as long as they are open: a few are kept.
 *
 * @param files Oldest first.
 */
export function closeWaiting(files: readonly LogFile[]): void {
  const waiting = files.slice(1, -1).toReversed().filter(({ isOpen }) => isOpen);
  const linked = waiting.filter(({ isLinked }) => isLinked);
  const lingering = linked.filter(({ offset, size }) => offset >= size).slice(0, lingeringLimit);
  const deleted = waiting.filter(({ isLinked }) => !isLinked).slice(deletedLimit);
  for (const file of [...linked, ...deleted]) {
    if (!lingering.includes(file)) file[Symbol.dispose]();
  }
}
