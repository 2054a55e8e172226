import assert from "node:assert/strict";
import { join } from "node:path";
import { publishedCommit } from "../../src/git/git_directory.ts";
import { gitDirectoryAt } from "../../src/git/git_directory.ts";
import { peerTest } from "../system_peers.ts";
import { assertSound, commitRound, remoteFiles } from "./commit_playground.ts";
import { Playground, repository } from "./playground.ts";
import { TroubledServer } from "./troubled_server.ts";

const isLong = Deno.env.get("LONG_TESTS") === "1";
const steps = isLong ? 2000 : 200;
const paths = ["a", "b", "d/a", "d/b", "e", "e/f"];
const lines = 6;

peerTest("two ways: nothing is lost whatever happens on both sides", ["git"], async () => {
  const seed = Number(Deno.env.get("TWO_WAY_SEED") ?? Date.now() % 2 ** 31);
  console.log(`two ways: TWO_WAY_SEED=${seed}`);
  await using playground = await Playground.open();
  await using server = new TroubledServer((request) => playground.remote.handle(request));
  await playground.commit(Object.fromEntries(["a", "b", "d/a"].map((path) => [path, text()])));
  const world = new World(playground, server, generator(seed));
  await playground.checkOut(world.job);
  for (let step = 0; step < steps; step++) {
    try {
      await world.step();
    } catch (error) {
      throw new Error(`step ${step}, TWO_WAY_SEED=${seed}`, { cause: error });
    }
  }
  await world.settle();
  assert.deepEqual(playground.files(), await remoteFiles(playground), `TWO_WAY_SEED=${seed}`);
  await assertSound(playground);
  await world.assertNothingLost(`TWO_WAY_SEED=${seed}`);
});

class World {
  readonly #playground: Playground;
  readonly #server: TroubledServer;
  readonly #random: () => number;
  #tokens = 0;
  /** Lines that were in the destination when a round committed it. */
  readonly #committed = new Set<string>();
  readonly #theirs: string[] = [];
  readonly #trace: string[] = [];

  constructor(playground: Playground, server: TroubledServer, random: () => number) {
    this.#playground = playground;
    this.#server = server;
    this.#random = random;
  }

  get job() {
    return { url: this.#server.url(repository) };
  }

  async step(): Promise<void> {
    const kind = this.#pick(["remote", "local", "local", "round", "round"] as const);
    if (kind === "remote") await this.#remoteEdit();
    else if (kind === "local") this.#localEdit();
    else await this.#troubledRound();
  }

  /** Rounds without trouble until nothing is left to do. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < 4; rounds++) await this.#round();
  }

  /** Every commit of theirs is in the branch, every line of ours that was committed is somewhere. */
  async assertNothingLost(message: string): Promise<void> {
    const git = (args: string[]) => this.#playground.remote.git(repository, args);
    const branch = new Set((await git(["rev-list", "main"])).split("\n"));
    for (const commit of this.#theirs) assert(branch.has(commit), `${message}: ${commit}`);
    const ours = (await this.#playground.nativeGit("log", "--all", "-m", "-p", "--text")).text;
    const all = ours + await git(["log", "--all", "-m", "-p", "--text"]);
    const found = new Set(all.match(/L\d+L/g));
    for (const token of this.#committed) assert(found.has(token), `${message}: ${token}`);
  }

  async #remoteEdit(): Promise<void> {
    const path = this.#pick(paths);
    const files = await remoteFiles(this.#playground);
    const token = `R${++this.#tokens}R`;
    const changes: Record<string, string | null> = {};
    const kind = this.#pick(["edit", "edit", "delete", "rename"] as const);
    if (kind === "edit") {
      Object.assign(changes, room(files, path), { [path]: this.#edited(files[path], token) });
    } else if (files[path] !== undefined) {
      changes[path] = null;
      if (kind === "rename") {
        const to = this.#pick(paths);
        if (to !== path) {
          Object.assign(changes, room(files, to), { [path]: null, [to]: files[path] });
        }
      }
    }
    this.#trace.push(`remote ${JSON.stringify(Object.keys(changes))}`);
    if (Object.keys(changes).length === 0) return;
    this.#theirs.push(await this.#playground.commit(changes));
  }

  #localEdit(): void {
    const path = this.#pick(paths);
    const absolute = join(this.#playground.app, path);
    const files = this.#playground.files();
    const token = `L${++this.#tokens}L`;
    switch (this.#pick(["edit", "edit", "edit", "delete", "rename", "mode"] as const)) {
      case "edit":
        for (const other of Object.keys(room(files, path))) this.#remove(other);
        Deno.mkdirSync(join(absolute, ".."), { recursive: true });
        this.#removeEmptyDirectory(absolute);
        Deno.writeTextFileSync(absolute, this.#edited(files[path], token));
        return;
      case "delete":
        // An emptied directory counts as a lost volume.
        if (Object.keys(files).length > 1 && files[path] !== undefined) this.#remove(path);
        return;
      case "rename": {
        const to = this.#pick(paths);
        if (files[path] === undefined || files[to] !== undefined) return;
        if (Object.keys(room(files, to)).length > 0) return;
        Deno.mkdirSync(join(this.#playground.app, to, ".."), { recursive: true });
        this.#removeEmptyDirectory(join(this.#playground.app, to));
        Deno.renameSync(absolute, join(this.#playground.app, to));
        return;
      }
      case "mode":
        if (files[path] === undefined) return;
        Deno.chmodSync(absolute, this.#pick([0o644, 0o755]));
    }
  }

  /** A renamed file leaves one behind. */
  #removeEmptyDirectory(path: string): void {
    try {
      if (Deno.lstatSync(path).isDirectory) Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #troubledRound(): Promise<void> {
    const trouble = this.#pick(["none", "none", "crash", "down", "lostAnswer", "race"] as const);
    if (trouble === "down") this.#server.fails = () => true;
    if (trouble === "lostAnswer") {
      this.#server.losesAnswer = (request) => request.url.endsWith("/git-receive-pack");
    }
    if (trouble === "race") {
      this.#server.before = async (request) => {
        if (!request.url.endsWith("service=git-receive-pack") || this.#random() < 0.3) return;
        await this.#remoteEdit();
      };
    }
    let points = Math.floor(this.#random() * 12);
    const faultPoint = trouble === "crash"
      ? () => {
        if (points-- === 0) throw new Crash();
      }
      : undefined;
    try {
      await this.#round(faultPoint);
    } catch (error) {
      if (!(error instanceof Crash) && trouble !== "down") throw error;
    }
    this.#server.calm();
  }

  async #round(faultPoint?: () => void): Promise<void> {
    const before = Object.values(this.#playground.files()).join("").match(/L\d+L/g) ?? [];
    const runtime = faultPoint === undefined ? {} : { faultPoint };
    await commitRound(this.#playground, this.job, runtime);
    for (const token of before) this.#committed.add(token);
    await this.#playground.checkOut({ ...this.job, localChanges: "keep" });
    assert(publishedCommit(gitDirectoryAt(this.#playground.gitDirectory)) !== undefined);
  }

  #edited(old: string | undefined, token: string): string {
    const parts = (old ?? text()).split("\n");
    parts[Math.floor(this.#random() * lines)] = token;
    return parts.join("\n");
  }

  #remove(path: string): void {
    Deno.removeSync(join(this.#playground.app, path));
    const parent = join(this.#playground.app, path, "..");
    if (parent !== this.#playground.app && [...Deno.readDirSync(parent)].length === 0) {
      Deno.removeSync(parent);
    }
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }
}

class Crash extends Error {}

/** What must go so that a path can be a file. */
function room(files: Readonly<Record<string, string>>, path: string): Record<string, null> {
  return Object.fromEntries(
    Object.keys(files)
      .filter((other) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`))
      .map((other) => [other, null]),
  );
}

function text(): string {
  return Array.from({ length: lines }, (_, line) => `line ${line}\n`).join("");
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
