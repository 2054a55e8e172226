import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { CheckoutDone, CheckoutJob, RemovalJob } from "../../src/artifacts/git_job.ts";
import { faultPoints } from "../../src/artifacts/job_runtime.ts";
import { peerTest } from "../system_peers.ts";
import { launcherLinks, Playground } from "./playground.ts";
import { commitTree, type Content, shownFiles } from "./tree_commit.ts";

type Files = Readonly<Record<string, string>>;

const before: Record<string, Content> = {
  "change": "1",
  "gone": "x",
  "dir/gone": "y",
  "same": "s",
  "equal": "e",
  "mode": "#!",
  "flip": "file",
  "turn": { link: "same" },
  "l/old": { link: "../same" },
  "current": { link: "dir" },
};
const after: Record<string, Content> = {
  "change": "2",
  "same": "s",
  "equal": "e",
  "dir/new": "n",
  "add/deep/er": "d",
  "mode": { executable: "#!" },
  "flip/x": "dir",
  "turn/y": "now a directory",
  "l/new": { link: "../change" },
  "current": { link: "add" },
};
/** "equal" comes back with the backup, and must not be taken for the repository's then. */
const initial = { "equal": "e", "mine": "m", "same": "initial", "keep/it": "k" };

const script = new URL("./crashing_job.ts", import.meta.url).pathname;

/**
 * Runs a job in a process of its own that dies at the n-th point it passes.
 *
 * @returns The points it passed; not `died` when there are fewer than n.
 */
async function crash(
  order: { kind: "checkOut"; job: CheckoutJob } | { kind: "remove"; job: RemovalJob },
  dieAt: number,
): Promise<{ points: string[]; died: boolean }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--cached-only", script],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const input = new Blob([JSON.stringify({ ...order, dieAt })]);
  const [output] = await Promise.all([child.output(), input.stream().pipeTo(child.stdin)]);
  const said = new TextDecoder().decode(output.stderr);
  assert(output.signal === "SIGKILL" || output.success, said);
  const points = said.trim().split("\n").filter((line) => faultPoints.some((p) => p === line));
  return { points, died: output.signal === "SIGKILL" };
}

/** Each file is wholly old or wholly new, or not there yet or any more. */
function assertConsistent(found: Files, states: readonly Files[], what: string): void {
  for (const [path, content] of Object.entries(found)) {
    if (path.startsWith(".cartridge-agent")) continue;
    assert(states.some((state) => state[path] === content), `${what}: ${path} is ${content}`);
  }
}

async function assertFinished(playground: Playground, files: Files, what: string): Promise<void> {
  assert.deepEqual(playground.files(), files, what);
  assert.equal((await playground.nativeGit("status", "--porcelain", "-uno")).text, "", what);
  assert.equal((await playground.nativeGit("fsck", "--full")).code, 0, what);
}

/** What the killed process published is known for what it is: not built again, and no local change. */
function assertKnown(playground: Playground, { commit, notes }: CheckoutDone, what: string): void {
  assert.equal(Deno.readLinkSync(playground.app), `app.agent/trees/${commit}`, what);
  assert.equal(notes.localChanges.count, 0, what);
}

async function addInitial(playground: Playground): Promise<void> {
  for (const [path, text] of Object.entries(initial)) {
    const target = join(playground.app, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeTextFile(target, text);
  }
}

/** One kind of publication, under all crashes. */
interface Way {
  readonly name: string;
  readonly job: (playground: Playground) => CheckoutJob;
  readonly checkOut: (playground: Playground) => Promise<CheckoutDone>;
  /** Names beside APPLICATION_PATH when all is done. */
  readonly surroundings: readonly string[];
  /** Points that a first checkout has to pass, and an update. */
  readonly points: readonly string[];
  /** Points that a removal has to pass. */
  readonly removalPoints: readonly string[];
}

const ways: readonly Way[] = [
  {
    name: "file by file",
    job: (playground) => playground.job({ backup: backupOf(playground) }),
    checkOut: (playground) => playground.checkOut({ backup: backupOf(playground) }, launcherLinks),
    surroundings: ["app", "app_backup", "state"],
    points: [
      "removal finished",
      "objects fetched",
      "backup made",
      "files staged",
      "links staged",
      "publication announced",
      "obstacles removed",
      "files published",
      "links published",
      "old files removed",
      "record written",
      "commit remembered",
    ],
    removalPoints: [
      "removal announced",
      "published files removed",
      "backup returned",
      "record forgotten",
    ],
  },
  {
    name: "by one link",
    job: (playground) => playground.linkedJob({ backup: backupOf(playground) }),
    checkOut: (playground) => playground.checkOutLinked({ backup: backupOf(playground) }),
    surroundings: ["app", "app.agent", "app_backup", "state"],
    points: [
      "removal finished",
      "objects fetched",
      "files staged",
      "links staged",
      "publication announced",
      "tree in place",
      "destination emptied",
      "link switched",
      "trees pruned",
      "record written",
      "commit remembered",
    ],
    removalPoints: [
      "removal announced",
      "link removed",
      "tree turned into the destination",
      "published files removed",
      "backup returned",
      "record forgotten",
    ],
  },
];

function backupOf(playground: Playground): string {
  return join(playground.root, "app_backup");
}

for (const way of ways) {
  /** What is there of the repository's; foreign files of the destination are left out. */
  const expected = (files: Record<string, Content>) =>
    way.name === "by one link" ? shownFiles(files) : shownFiles({ ...initial, ...files });

  peerTest(`crash: a first checkout ${way.name} is finished after any`, ["git"], async () => {
    for (let dieAt = 1;; dieAt++) {
      await using playground = await Playground.open();
      await Deno.mkdir(join(playground.root, "app.agent"));
      await addInitial(playground);
      await commitTree(playground, before);
      const job = way.job(playground);
      const { points, died } = await crash({ kind: "checkOut", job }, dieAt);
      const what = `${way.name}, first, killed at "${points.at(-1)}"`;
      if (!died) {
        assert.deepEqual(points, way.points);
        break;
      }
      if (existsAt(playground.app)) {
        assertConsistent(playground.files(), [initial, shownFiles(before)], what);
      }
      const done = await way.checkOut(playground);
      if (way.name === "by one link") assertKnown(playground, done, what);
      await assertFinished(playground, expected(before), what);
      assert.deepEqual(playground.files(backupOf(playground)), shownFiles(initial), what);
      await Deno.remove(join(playground.root, "app.agent")).catch(() => {});
      assert.deepEqual(playground.surroundings(), way.surroundings, what);
    }
  });

  peerTest(`crash: an update ${way.name} is finished after any`, ["git"], async () => {
    for (let dieAt = 1;; dieAt++) {
      await using playground = await Playground.open();
      await Deno.mkdir(join(playground.root, "app.agent"));
      await addInitial(playground);
      await commitTree(playground, before);
      await way.checkOut(playground);
      await commitTree(playground, after);
      await Deno.mkdir(join(playground.root, "app.agent"), { recursive: true });
      const job = way.job(playground);
      const { points, died } = await crash({ kind: "checkOut", job }, dieAt);
      const what = `${way.name}, update, killed at "${points.at(-1)}"`;
      if (!died) {
        assert.deepEqual(points, way.points);
        break;
      }
      const [old, now] = [expected(before), expected(after)];
      const found = playground.files();
      if (way.name === "by one link") {
        // Not a single moment with something in between.
        assert.deepEqual(found, points.includes("link switched") ? now : old, what);
      } else assertConsistent(found, [old, now], what);
      const done = await way.checkOut(playground);
      if (way.name === "by one link") assertKnown(playground, done, what);
      await assertFinished(playground, now, what);
      const { mode } = await Deno.lstat(join(playground.app, "mode"));
      assert.equal((mode ?? 0) & 0o777, 0o755, what);
      await Deno.remove(join(playground.root, "app.agent")).catch(() => {});
      assert.deepEqual(playground.surroundings(), way.surroundings, what);
    }
  });

  peerTest(`crash: a removal after one ${way.name} is finished after any`, ["git"], async () => {
    for (let dieAt = 1;; dieAt++) {
      await using playground = await Playground.open();
      await Deno.mkdir(join(playground.root, "app.agent"));
      await addInitial(playground);
      await commitTree(playground, before);
      await way.checkOut(playground);
      await commitTree(playground, after);
      await way.checkOut(playground);
      // Files of others that are in the destination stay; those in the backup come back.
      for (const path of way.name === "by one link" ? [] : ["mine", "keep/it"]) {
        await Deno.remove(join(playground.app, path));
      }
      const { gitDirectory, destination, stagingDirectories, backup, trees } = way.job(playground);
      const job: RemovalJob = {
        gitDirectory,
        destination,
        stagingDirectories,
        removesDestination: false,
        ...(backup === undefined ? {} : { backup }),
        ...(trees === undefined ? {} : { trees }),
      };
      const { points, died } = await crash({ kind: "remove", job }, dieAt);
      const what = `${way.name}, removal, killed at "${points.at(-1)}"`;
      if (existsAt(playground.app)) {
        assertConsistent(playground.files(), [initial, shownFiles(after)], what);
      }
      if (died && existsAt(playground.gitDirectory)) playground.remove(job);
      assert.deepEqual(playground.files(), shownFiles(initial), what);
      await Deno.remove(join(playground.root, "app.agent")).catch(() => {});
      assert.deepEqual(playground.surroundings(), ["app", "state"], what);
      assert.equal(existsAt(playground.gitDirectory), false);
      if (!died) {
        assert.deepEqual(points, way.removalPoints);
        break;
      }
    }
  });
}

function existsAt(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
