import { join } from "node:path";
import { type CommittedFile, type GitRemote, openGitRemote } from "../../src/sandbox/git_remote.ts";
import { CheckoutProcess } from "./checkout_process.ts";
import { median } from "./figures.ts";

interface Repository {
  readonly name: string;
  readonly title: string;
  readonly rounds: number;
  readonly files: () => Record<string, CommittedFile>;
}

const repositories: readonly Repository[] = [
  { name: "tiny", title: "20 files", rounds: 9, files: () => noise(20, 2_000) },
  { name: "medium", title: "2,000 files, 20 MB", rounds: 7, files: () => noise(2_000, 10_000) },
  { name: "texts", title: "5,000 texts, 50 MB, deltas", rounds: 5, files: () => texts(5_000) },
  { name: "large", title: "20,000 files, 200 MB", rounds: 3, files: () => noise(20_000, 10_000) },
];

/**
 * Prints how fast artifacts are checked out and followed, beside native git with the same server in
 * the same run, and how much memory that takes. A warm worker is one that has done a small job.
 *
 * @param memory A directory in memory, for a second row of each; not below /dev, which Deno closes to
 *   workers that may not do everything.
 */
export async function artifactsBench(isQuick: boolean, memory?: string): Promise<void> {
  console.log(
    "\nArtifacts: median ms of the agent, of native git, ratio; peak memory of the agent",
  );
  const remote = await openGitRemote();
  if (!remote) return console.log("SKIPPED (Debian package git is not installed): artifacts");
  await using _ = remote;
  const media = [{ name: "disk", directory: "/var/tmp" }];
  if (memory !== undefined) media.push({ name: "memory", directory: memory });
  await remote.createRepository("warm");
  await remote.commit("warm", { "small": "1" });
  for (const repository of repositories.slice(0, isQuick ? 2 : undefined)) {
    await remote.createRepository(repository.name);
    await remote.commit(repository.name, repository.files());
    await remote.git(repository.name, ["repack", "-adfq", "--depth=50", "--window=10"]);
    for (const medium of media) {
      const rounds = isQuick ? 3 : repository.rounds;
      const root = await Deno.makeTempDir({ dir: medium.directory, prefix: "artifacts-bench-" });
      try {
        await measure(remote, repository, `${repository.title}, ${medium.name}`, root, rounds);
      } finally {
        await Deno.remove(root, { recursive: true });
      }
    }
  }
}

async function measure(
  remote: GitRemote,
  repository: Repository,
  title: string,
  root: string,
  rounds: number,
): Promise<void> {
  const url = remote.url(repository.name);
  const figures = new Figures(title);
  for (let round = 0; round < rounds; round++) {
    const native = join(root, `native${round}`);
    figures.native("first checkout", await timed("clone", "-q", "--depth", "1", url, native));
    for (const warm of [false, true]) {
      const own = join(root, `${warm}${round}`);
      await using client = new CheckoutProcess();
      await client.tell({ do: "open", url, root: own });
      if (warm) await client.tell({ do: "warmUp", url: remote.url("warm") });
      const { ms, peakMiB } = await client.tell({ do: "checkOut" });
      figures.own("first checkout", warm ? "warm" : "cold", ms, peakMiB);
      if (!warm) {
        await client.tell({ do: "close" });
        continue;
      }
      await client.tell({ do: "follow" });
      const git = ["-C", native];
      for (let time = 0; time < 3; time++) {
        figures.native(
          "poll without change",
          await timed(...git, "ls-remote", "-q", "origin", "HEAD"),
        );
        const poll = await client.tell({ do: "poll" });
        // The first one finds out which protocol the server speaks.
        if (time > 0) figures.own("poll without change", "", poll.ms, poll.peakMiB);
      }
      await getToKnow(client, git, figures);
      for (let time = 0; time < 3; time++) {
        figures.native("dirty check, clean", await timed(...git, "status", "--porcelain"));
        const check = await client.tell({ do: "dirtyCheck" });
        figures.own("dirty check, clean", "", check.ms, check.peakMiB);
      }
      for (const change of [1, 2]) {
        await remote.commit(repository.name, { "d0/f0": `changed ${title} ${round} ${change}\n` });
        figures.native("pull of one file", await timed(...git, "pull", "-q"));
        const pull = await client.tell({ do: "poll" });
        figures.own("pull of one file", "", pull.ms, pull.peakMiB);
      }
      await getToKnow(client, git, figures);
      for (const directory of [native, join(own, "app")]) {
        await Deno.writeTextFile(join(directory, "d0", "f0"), "changed here\n");
        await Deno.writeTextFile(join(directory, "d0", "new"), "made here\n");
      }
      figures.native("dirty check, dirty", await timed(...git, "status", "--porcelain"));
      const check = await client.tell({ do: "dirtyCheck" });
      figures.own("dirty check, dirty", "", check.ms, check.peakMiB);
      await client.tell({ do: "close" });
    }
    // Nothing is removed before the end: ext4 makes files slowly where many have just been removed.
  }
  figures.print();
}

/** The two rounds after a publication, in which names are read and stamps become trustworthy. */
async function getToKnow(
  client: CheckoutProcess,
  git: readonly string[],
  figures: Figures,
): Promise<void> {
  for (let round = 0; round < 2; round++) {
    figures.native("dirty check, new files", await timed(...git, "status", "--porcelain"));
    const check = await client.tell({ do: "dirtyCheck" });
    figures.own("dirty check, new files", "", check.ms, check.peakMiB);
  }
}

/** What was measured of one repository, the same thing done by the agent and by native git. */
class Figures {
  readonly #title: string;
  readonly #native = new Map<string, number[]>();
  readonly #own = new Map<string, { readonly what: string; readonly ms: number[] }>();
  readonly #peaks = new Map<string, number>();

  constructor(title: string) {
    this.#title = title;
  }

  native(what: string, ms: number): void {
    this.#native.set(what, [...this.#native.get(what) ?? [], ms]);
  }

  own(what: string, how: string, ms: number, peakMiB: number): void {
    const name = how === "" ? what : `${what}, ${how}`;
    const known = this.#own.get(name) ?? { what, ms: [] };
    known.ms.push(ms);
    this.#own.set(name, known);
    this.#peaks.set(name, Math.max(peakMiB, this.#peaks.get(name) ?? 0));
  }

  print(): void {
    for (const [name, { what, ms }] of this.#own) {
      const [own, native] = [median(ms), median(this.#native.get(what) ?? [])];
      const peak = this.#peaks.get(name)?.toFixed(0);
      console.log(
        `${`${this.#title}: ${name}`.padEnd(58)} ${own.toFixed(0).padStart(7)} ${
          native.toFixed(0).padStart(7)
        } ${(own / native).toFixed(2).padStart(6)} ${`${peak} MiB`.padStart(9)} (n=${ms.length})`,
      );
    }
  }
}

/** Milliseconds that a native git takes. */
async function timed(...args: string[]): Promise<number> {
  const startMs = performance.now();
  const { success, stderr } = await new Deno.Command("git", {
    args,
    env: { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_TERMINAL_PROMPT: "0" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return performance.now() - startMs;
}

/** Files that cannot be compressed, as pictures and archives. */
function noise(count: number, bytes: number): Record<string, CommittedFile> {
  return filesOf(count, () => {
    const content = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += 65_536) {
      crypto.getRandomValues(content.subarray(at, at + 65_536));
    }
    return content;
  });
}

/** Files that are much like each other, so that most travel as deltas. */
function texts(count: number): Record<string, CommittedFile> {
  const words = Array.from({ length: 1_000 }, (_, index) => (index * 7919 + 13).toString(36));
  const line = (file: number, at: number) =>
    Array.from({ length: 8 }, (_, word) => words[(file * 31 + at * 17 + word * 7) % 1_000]).join(
      " ",
    );
  return filesOf(count, (file) => {
    const group = Math.floor(file / 20);
    const lines = Array.from({ length: 260 }, (_, at) => line(at % 13 === 0 ? file : group, at));
    return `${lines.join("\n")}\n`;
  });
}

function filesOf(count: number, content: (index: number) => CommittedFile) {
  return Object.fromEntries(
    Array.from(
      { length: count },
      (_, index) => [`d${Math.floor(index / 20)}/f${index % 20}`, content(index)],
    ),
  );
}
