/** How far a checkout is; plain data that can be posted, and shown to people. */
export interface CheckoutProgress {
  /**
   * `receiving`: the server sends objects; `resolving`: deltas that came before what they change are
   * put together; `writing`: files are written where nobody sees them yet; `publishing`: they are
   * brought into place.
   */
  readonly phase: "receiving" | "resolving" | "writing" | "publishing";
  /** Objects that were taken apart, and how many the server announced; 0 before it did. */
  readonly objects: number;
  readonly objectsTotal: number;
  /** Received of the objects, compressed. */
  readonly bytes: number;
  /** Files that were written, and how many there are to write; 0 before that is known. */
  readonly files: number;
  readonly filesTotal: number;
}

/** Before anything happened. */
export const noProgress: CheckoutProgress = {
  phase: "receiving",
  objects: 0,
  objectsTotal: 0,
  bytes: 0,
  files: 0,
  filesTotal: 0,
};

/** Progress in words, for a log line. */
export function progressText(progress: CheckoutProgress): string {
  const { phase, objects, objectsTotal, bytes, files, filesTotal } = progress;
  switch (phase) {
    case "receiving":
    case "resolving": {
      const share = objectsTotal === 0 ? `${objects}` : `${objects} of ${objectsTotal}`;
      return `${phase} objects, ${share} so far, ${(bytes / 1e6).toFixed(1)} MB`;
    }
    case "writing":
      return `writing files, ${files} of ${filesTotal} so far`;
    case "publishing":
      return `publishing ${filesTotal} files`;
  }
}
