/** When the stamps of a file or directory are sure to show its next change. */

/** More than the steps of the coarsest common stamps (2 s on FAT), and than clocks go apart meanwhile. */
export const steadyAfterMs = 3_000;

/**
 * What a file or directory looked like, and since when it looks so.
 *
 * Two changes within one step of the file system's clock leave the same stamp. What is read of
 * something that has borne its stamp for longer than such a step is known to be all that belongs to
 * this stamp: a later change gives another one. Only differences of the agent's own clock are used,
 * because a file server's clock may be wrong.
 */
export class SteadyStamp {
  #sinceMs = 0;
  #size = Number.NaN;
  #mtimeMs = Number.NaN;
  #ctimeMs = Number.NaN;
  #ino = Number.NaN;
  #dev = Number.NaN;

  /**
   * Takes the stamp of now.
   *
   * @param nowMs Of a clock that never jumps, asked after the stamp and before anything is read.
   * @returns Whether it is the one from before, and has been for long enough.
   */
  see(info: Deno.FileInfo, nowMs: number): boolean {
    // Where the system does not tell one of them, no stamp is ever the same.
    const mtimeMs = info.mtime?.getTime() ?? Number.NaN;
    const ctimeMs = info.ctime?.getTime() ?? Number.NaN;
    const ino = info.ino ?? Number.NaN;
    if (
      mtimeMs === this.#mtimeMs && ctimeMs === this.#ctimeMs && ino === this.#ino &&
      info.dev === this.#dev && info.size === this.#size
    ) return nowMs - this.#sinceMs >= steadyAfterMs;
    this.#sinceMs = nowMs;
    this.#size = info.size;
    this.#mtimeMs = mtimeMs;
    this.#ctimeMs = ctimeMs;
    this.#ino = ino;
    this.#dev = info.dev;
    return false;
  }
}
