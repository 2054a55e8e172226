import { join } from "node:path";
import { runCheckout } from "../../src/artifacts/checkout_job.ts";
import type { CheckoutJob, RemovalJob } from "../../src/artifacts/git_job.ts";
import { runRemoval } from "../../src/artifacts/removal_job.ts";
import type { JobRuntime } from "../../src/artifacts/job_runtime.ts";
import { type GitRemote, openGitRemote } from "../../src/sandbox/git_remote.ts";

/** Looks like nothing else, so that it can be searched for. */
export const canaryPassword = "c4n4ry/pä ss:w0rd";
export const username = "deployer";
export const repository = "site";

/** Makes links as an agent does, through the launcher. */
export const launcherLinks: JobRuntime = {
  makeLinks: async (directory) => {
    const launcher = new URL("../../extensions/launcher", import.meta.url).pathname;
    const { success, stdout, stderr } = await new Deno.Command(launcher, {
      args: ["link", directory],
    }).output();
    const said = await new Blob([stdout, stderr]).text();
    return success ? undefined : said;
  },
};

/** A Git server with one empty repository, and a directory to check it out into. */
export class Playground implements AsyncDisposable {
  readonly remote: GitRemote;
  readonly root: string;

  constructor(remote: GitRemote, root: string) {
    this.remote = remote;
    this.root = root;
  }

  static async open(): Promise<Playground> {
    const remote = await openGitRemote({ username, password: canaryPassword });
    if (!remote) throw new Error("git is not installed");
    await remote.createRepository(repository);
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "checkout-" }));
    await Deno.mkdir(join(root, "app"));
    return new Playground(remote, root);
  }

  /** With the Git directory that a job in a worker needs to be there. */
  static async openForWorkers(): Promise<Playground> {
    const playground = await Playground.open();
    await Deno.mkdir(playground.gitDirectory, { recursive: true });
    return playground;
  }

  /** APPLICATION_PATH. */
  get app(): string {
    return join(this.root, "app");
  }

  get stateDir(): string {
    return join(this.root, "state");
  }

  get gitDirectory(): string {
    return join(this.stateDir, "git", "1");
  }

  job(changes: Partial<CheckoutJob> = {}): CheckoutJob {
    return {
      url: this.remote.url(repository),
      username,
      password: canaryPassword,
      gitDirectory: this.gitDirectory,
      destination: this.app,
      stagingDirectories: [join(this.root, "app.agent")],
      limits: { bytes: 100_000_000, files: 10_000 },
      idleTimeoutMs: 20_000,
      localChanges: "discard",
      ...changes,
    };
  }

  checkOut(changes: Partial<CheckoutJob> = {}, runtime: JobRuntime = {}) {
    return runCheckout(this.job(changes), runtime);
  }

  /** A job that publishes by switching a link. */
  linkedJob(changes: Partial<CheckoutJob> = {}): CheckoutJob {
    const trees = join(this.root, "app.agent", "trees");
    return this.job({
      publish: "symlink",
      trees,
      stagingDirectories: [join(this.root, "app.agent", "1")],
      ...changes,
    });
  }

  /** Checks out by switching a link. */
  async checkOutLinked(changes: Partial<CheckoutJob> = {}, runtime: JobRuntime = launcherLinks) {
    const agent = join(this.root, "app.agent");
    await Deno.mkdir(agent, { recursive: true });
    const done = await runCheckout(this.linkedJob(changes), runtime);
    return done;
  }

  remove(changes: Partial<RemovalJob> = {}) {
    return runRemoval({
      gitDirectory: this.gitDirectory,
      destination: this.app,
      stagingDirectories: [join(this.root, "app.agent")],
      removesDestination: false,
      ...changes,
    });
  }

  commit(files: Readonly<Record<string, string | Uint8Array | null>>): Promise<string> {
    return this.remote.commit(repository, files);
  }

  /** Files below APPLICATION_PATH with their text; links as `→ target`. */
  files(directory = this.app): Record<string, string> {
    const found: Record<string, string> = {};
    const visit = (relative: string) => {
      for (const entry of Deno.readDirSync(join(directory, relative))) {
        const path = join(relative, entry.name);
        const absolute = join(directory, path);
        if (entry.isDirectory) visit(path);
        else if (entry.isSymlink) found[path] = `→ ${Deno.readLinkSync(absolute)}`;
        else found[path] = Deno.readTextFileSync(absolute);
      }
    };
    visit("");
    return Object.fromEntries(Object.entries(found).sort(([a], [b]) => a < b ? -1 : 1));
  }

  /** Names in the directory that holds APPLICATION_PATH. */
  surroundings(): string[] {
    return [...Deno.readDirSync(this.root)].map(({ name }) => name).sort();
  }

  /** Runs native git on the checkout's Git directory. */
  async nativeGit(...args: string[]): Promise<{ code: number; text: string }> {
    const output = await new Deno.Command("git", {
      args: ["--git-dir", this.gitDirectory, "--work-tree", this.app, ...args],
      env: { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    }).output();
    const decoder = new TextDecoder();
    return {
      code: output.code,
      text: decoder.decode(output.stdout) + decoder.decode(output.stderr),
    };
  }

  /**
   * Commits a tree made byte by byte, as no git would make it.
   *
   * @param entries Mode, name and what it names, all unchecked.
   */
  async commitRawTree(entries: readonly RawEntry[]): Promise<string> {
    const tree = await this.rawTree(entries);
    const commit = (await this.remote.git(repository, ["commit-tree", tree, "-m", "raw"])).trim();
    await this.remote.git(repository, ["update-ref", "refs/heads/main", commit]);
    return commit;
  }

  /** Writes a tree object without any check. */
  async rawTree(entries: readonly RawEntry[]): Promise<string> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (const { mode, name, id } of entries) {
      const bytes = typeof name === "string" ? new TextEncoder().encode(name) : name;
      parts.push(new TextEncoder().encode(`${mode} `), new Uint8Array(bytes));
      parts.push(new Uint8Array([0]), Uint8Array.fromHex(id));
    }
    return await this.#object("tree", await new Blob(parts).bytes());
  }

  /** Writes a blob. */
  blob(content: string): Promise<string> {
    return this.#object("blob", new TextEncoder().encode(content));
  }

  async #object(type: string, bytes: Uint8Array): Promise<string> {
    const args = ["hash-object", "-t", type, "--literally", "-w", "--stdin"];
    return (await this.remote.git(repository, args, bytes)).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remote[Symbol.asyncDispose]();
    await Deno.remove(this.root, { recursive: true });
  }
}

/** An entry of a tree, as it is written. */
export interface RawEntry {
  readonly mode: string;
  readonly name: string | Uint8Array;
  readonly id: string;
}

/** Every file below a directory whose bytes hold one of the texts. */
export function filesHolding(directory: string, texts: readonly string[]): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) found.push(...filesHolding(path, texts));
    else if (entry.isFile) {
      const content = new TextDecoder("latin1").decode(Deno.readFileSync(path));
      const latin1 = (text: string) =>
        new TextDecoder("latin1").decode(new TextEncoder().encode(text));
      if (texts.some((text) => content.includes(latin1(text)))) found.push(path);
    }
  }
  return found;
}

/** All spellings under which the password must not be found. */
export const canarySpellings = [
  canaryPassword,
  encodeURIComponent(canaryPassword),
  new TextEncoder().encode(canaryPassword).toBase64(),
  new TextEncoder().encode(`${username}:${canaryPassword}`).toBase64(),
];
