import { Buffer } from "node:buffer";
import { join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import type { ExtensionValues } from "./values.ts";

/** Linux refuses an environment string (`NAME=value` and a NUL) that is longer. Bytes. */
export const maxStringBytes = 128 * 1024;
/** Bound for the values of one run together, far below what Linux allows a program. Bytes. */
export const maxValuesBytes = 1024 * 1024;
/** A run that would need more files of its own than this is refused. */
const maxRunFiles = 64;
/** Moving values smaller than this to files gains nothing. Bytes. */
const minMovedBytes = 4096;

/** The values of one run, made to fit. Disposing removes the files that are of this run alone. */
export interface FittedValues extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
  /** Names given as a file alone. */
  readonly asFileOnly: readonly string[];
}

interface WrittenDocument {
  readonly document: unknown;
  /** Absent when it could not be written. */
  readonly path: string | undefined;
  /** Absent when it cannot be an environment value. */
  readonly text: string | undefined;
}

/**
 * Puts the values of runs into an environment, and what is too large for it into files.
 *
 * Every document is in a file (0600), its path in `<name>_FILE`; the file is replaced whole, and only
 * when the document is another object than the last time. A value too large for the environment is
 * given as the file alone; when all together are too large, the largest go first.
 */
export class ValueFiles {
  readonly #dir: string;
  readonly #documents = new Map<string, WrittenDocument>();
  /** Documents are written one after the other, in the order of the runs. */
  #writing: Promise<unknown> = Promise.resolve();
  #runs = 0;
  #leftOversRemoved: Promise<void> | undefined;
  readonly #onFault: (fault: string) => void;

  /**
   * @param dir A folder of its own, made when it is first needed, 0700.
   * @param onFault Told why a document has no file: the run goes on without it, for `clean` must run on
   *   a full disk too, and a script that makes room above all.
   */
  constructor(dir: string, onFault: (fault: string) => void) {
    this.#dir = dir;
    this.#onFault = onFault;
  }

  /**
   * The environment of a run.
   *
   * @param totalBytes Bound for all values together, at most {@link maxValuesBytes}.
   * @throws AgentError `limit` when the values do not fit whatever is moved to files.
   */
  async fit(values: ExtensionValues, totalBytes = maxValuesBytes): Promise<FittedValues> {
    const written = await this.#writeDocuments(values.documents);
    const sizes = new Map<string, number>();
    const environment = new Map(values.texts);
    for (const [name, { text, path }] of written) {
      if (text !== undefined) environment.set(name, text);
      if (path !== undefined && !environment.has(`${name}_FILE`)) {
        environment.set(`${name}_FILE`, path);
      }
    }
    for (const [name, value] of environment) sizes.set(name, stringBytes(name, value));

    const runDir = join(this.#runsDir, `${++this.#runs}`);
    const files = new Map<string, string>();
    const asFileOnly = [...written].filter(([, { text }]) => text === undefined)
      .map(([name]) => name);
    let total = sizes.values().reduce((sum, bytes) => sum + bytes, 0);
    const largestFirst = [...sizes].sort(([, a], [, b]) => b - a);
    for (const [name, bytes] of largestFirst) {
      if (bytes <= maxStringBytes && total <= totalBytes) break;
      if (bytes < minMovedBytes || files.size >= maxRunFiles) break;
      asFileOnly.push(name);
      total -= bytes;
      const value = environment.get(name) ?? "";
      environment.delete(name);
      if (written.has(name)) continue;
      const path = join(runDir, name);
      files.set(path, value);
      environment.set(`${name}_FILE`, path);
      total += stringBytes(`${name}_FILE`, path);
    }
    const tooLong = largestFirst.some(([name, bytes]) =>
      bytes > maxStringBytes && environment.has(name)
    );
    if (tooLong || total > totalBytes) {
      throw cannot(
        "pass",
        "extension values",
        `${total} bytes in ${environment.size} values do not fit an environment`,
        { kind: "limit", data: { total, values: environment.size } },
      );
    }
    if (files.size > 0) {
      this.#leftOversRemoved ??= removeIfPresent(this.#runsDir);
      await this.#leftOversRemoved;
      await Deno.mkdir(runDir, { recursive: true, mode: 0o700 });
      for (const [path, value] of files) await Deno.writeTextFile(path, value, { mode: 0o600 });
    }
    return {
      environment: Object.fromEntries(environment),
      asFileOnly,
      [Symbol.asyncDispose]: async () => {
        if (files.size > 0) await Deno.remove(runDir, { recursive: true });
      },
    };
  }

  get #runsDir(): string {
    return join(this.#dir, "runs");
  }

  #writeDocuments(
    documents: ReadonlyMap<string, unknown>,
  ): Promise<ReadonlyMap<string, WrittenDocument>> {
    const writing = this.#writing.then(async () => {
      const written = new Map<string, WrittenDocument>();
      for (const [name, document] of documents) {
        written.set(name, await this.#writeDocument(name, document));
      }
      return written;
    });
    this.#writing = writing.catch(() => {});
    return writing;
  }

  async #writeDocument(name: string, document: unknown): Promise<WrittenDocument> {
    const last = this.#documents.get(name);
    if (last?.path && last.document === document && await exists(last.path)) return last;
    const text = JSON.stringify(document);
    const path = await this.#writeFile(name, text);
    const fits = stringBytes(name, text) <= maxStringBytes;
    const written = { document, path, text: fits ? text : undefined };
    this.#documents.set(name, written);
    return written;
  }

  /** The path of the written file; undefined when it cannot be written. */
  async #writeFile(name: string, text: string): Promise<string | undefined> {
    const path = join(this.#dir, name.replace(/^STRATOS_/, ""));
    try {
      await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
      // Not forced to disk: after a crash it is written anew.
      await Deno.writeTextFile(`${path}.new`, text, { mode: 0o600 });
      await Deno.rename(`${path}.new`, path);
      return path;
    } catch (error) {
      this.#onFault(`${name} is not in a file: ${reasonOf(error)}`);
      return undefined;
    }
  }
}

/** Bytes of `name=value` and its NUL. */
function stringBytes(name: string, value: string): number {
  return name.length + Buffer.byteLength(value) + 2;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Removes what an agent that was killed has left. */
async function removeIfPresent(dir: string): Promise<void> {
  try {
    await Deno.remove(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
