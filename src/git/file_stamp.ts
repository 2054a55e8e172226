/** What tells cheaply whether a file is still the one that was written. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly dev: number;
  readonly ino: number;
  readonly uid: number;
  readonly gid: number;
}

/** The stamp of a file as the system tells it. */
export function stampOf(info: Deno.FileInfo): FileStamp {
  return {
    size: info.size,
    mtimeMs: info.mtime?.getTime() ?? 0,
    ctimeMs: info.ctime?.getTime() ?? 0,
    dev: info.dev >>> 0,
    ino: (info.ino ?? 0) >>> 0,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
  };
}

/** Whether a file looks in all respects as its stamp says, those that only native Git compares included. */
export function isStampOf(stamp: FileStamp, info: Deno.FileInfo): boolean {
  return stamp.mtimeMs === (info.mtime?.getTime() ?? 0) &&
    stamp.size % 2 ** 32 === info.size % 2 ** 32 &&
    stamp.ino === (info.ino ?? 0) >>> 0 && stamp.ctimeMs === (info.ctime?.getTime() ?? 0) &&
    stamp.dev === info.dev >>> 0 && stamp.uid === (info.uid ?? 0) && stamp.gid === (info.gid ?? 0);
}

/** Whether a file that had one stamp and now has the other was left alone in between. */
export function isSameFile(then: FileStamp, now: FileStamp): boolean {
  return then.size % 2 ** 32 === now.size % 2 ** 32 && then.mtimeMs === now.mtimeMs &&
    then.ino === now.ino;
}
