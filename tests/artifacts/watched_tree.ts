import { join } from "node:path";
import { linkId } from "../../src/artifacts/commit_links.ts";
import { LocalChangesWatch } from "../../src/artifacts/commit_watch.ts";
import { stampOf } from "../../src/git/file_stamp.ts";
import { encodeIndex, type IndexEntry } from "../../src/git/index_file.ts";
import { objectIdOf } from "../../src/git/pack_object.ts";
import { FakeClock } from "../fake_clock.ts";

const never = new AbortController().signal;

/** A directory, a record of published files, and somebody who looks for changes in every round. */
export class WatchedTree implements Disposable {
  readonly clock = new FakeClock();
  readonly root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "watch-" }));
  readonly app = join(this.root, "app");
  readonly gitDirectory = join(this.root, "git");
  readonly index = join(this.gitDirectory, "index");
  readonly watch = new LocalChangesWatch(this.clock);
  #agedSeconds = 1_000_000;

  constructor(files: Readonly<Record<string, string>>) {
    Deno.mkdirSync(this.app);
    Deno.mkdirSync(this.gitDirectory);
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  at(path: string): string {
    return join(this.app, path);
  }

  write(path: string, content: string): void {
    Deno.mkdirSync(join(this.at(path), ".."), { recursive: true });
    Deno.writeTextFileSync(this.at(path), content);
  }

  /** Makes what changed lately look as if it had been changed long ago, and at no other time. */
  age(path = ""): void {
    const info = path === "" ? Deno.statSync(this.app) : Deno.lstatSync(this.at(path));
    if (info.isSymlink) return;
    if (info.isDirectory) {
      for (const { name } of Deno.readDirSync(this.at(path))) this.age(join(path, name));
    }
    const isRecent = info.mtime!.getTime() > 2_000_000_000;
    if (isRecent) Deno.utimeSync(this.at(path), ++this.#agedSeconds, this.#agedSeconds);
  }

  /** Publishes files and links as they are now. */
  publish(paths: readonly string[]): void {
    this.age();
    const entries = paths.map((path): IndexEntry => {
      const info = Deno.lstatSync(this.at(path));
      const stamp = stampOf(info);
      if (info.isSymlink) {
        return { path, mode: 0o120000, id: linkId(Deno.readLinkSync(this.at(path))), stamp };
      }
      const id = objectIdOf({ type: "blob", data: Deno.readFileSync(this.at(path)) });
      return { path, mode: (info.mode! & 0o100) === 0 ? 0o100644 : 0o100755, id, stamp };
    });
    Deno.writeFileSync(`${this.index}.new`, encodeIndex(entries));
    Deno.renameSync(`${this.index}.new`, this.index);
  }

  /** One round, as an agent's rounds are: some seconds after the one before. */
  async round(afterMs = 15_000): Promise<boolean> {
    await this.clock.advance(afterMs);
    return await this.watch.hasLocalChanges(this.#places, never);
  }

  /** Somebody who remembers nothing. */
  freshLook(): Promise<boolean> {
    return new LocalChangesWatch(this.clock).hasLocalChanges(this.#places, never);
  }

  get #places() {
    const { gitDirectory, app: destination } = this;
    return { gitDirectory, destination, mostFileBytes: 1000, mayBegin: false };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

/** Which paths a function of Deno is called with meanwhile. */
export async function callsOf(
  name: "readDirSync" | "readFileSync" | "lstatSync",
  work: () => Promise<unknown>,
): Promise<string[]> {
  const original = Deno[name] as (path: string | URL) => unknown;
  const paths: string[] = [];
  const counting = (path: string | URL) => {
    paths.push(String(path));
    return original(path);
  };
  Object.assign(Deno, { [name]: counting });
  try {
    await work();
  } finally {
    Object.assign(Deno, { [name]: original });
  }
  return paths;
}
