/** Local changes: what they are compared with, how they are looked for, and what is found. */
import type { IndexEntry } from "../git/index_file.ts";
import type { LookOptions, RememberedDirectory } from "./remembered_directory.ts";

/** What is published, as the record of it says. */
export interface TrackedFiles {
  readonly entries: ReadonlyMap<string, IndexEntry>;
  /** Of a publication that was interrupted: what already looks so was not changed by anybody else. */
  readonly announced: ReadonlyMap<string, IndexEntry>;
  /** When the record was written: a file changed in the same moment looks unchanged, and is read. */
  readonly writtenMs: number;
  readonly isInterrupted: boolean;
  /** The record was damaged, and what the commit holds stands in for it: no entry has a stamp. */
  readonly isRebuilt?: boolean;
}

/** Something to be committed: a file, or a link where `mode` says so. */
export interface ChangedFile {
  readonly path: string;
  readonly mode: 0o100644 | 0o100755 | 0o120000;
  readonly info: Deno.FileInfo;
}

/** What a survey found. */
export interface LocalChanges {
  readonly changed: readonly ChangedFile[];
  readonly deleted: readonly string[];
  /** Unchanged, though their stamps differ from the recorded ones. */
  readonly touched: readonly IndexEntry[];
  /** With the reason, for people. */
  readonly leftOut: readonly string[];
  /** No file of the record is there any more, nor one that could be committed. */
  readonly isEmptied: boolean;
}

/** How to survey. */
export interface SurveyOptions {
  readonly root: string;
  readonly tracked: TrackedFiles;
  /** Larger files are left out. */
  readonly mostFileBytes: number;
  /** Reads no file: a stamp that differs counts as a change. Ends with the first change. */
  readonly isQuick?: boolean;
  /** Of the quick surveys before; absent: every directory is read. */
  readonly memory?: SurveyMemory | undefined;
}

/** What quick surveys remember while the record of published files stays as it is. */
export interface SurveyMemory extends LookOptions {
  readonly root: RememberedDirectory;
  /** How many files of the record should be there. */
  placed?: number | undefined;
  /** How many files and directories were looked at. */
  entries?: number;
}
