/**
 * The Git directory of one transfer by the system's git: apart from the tenant's own, so that what a
 * server sends is examined like a pack that the agent received itself before it is believed.
 */
import { join } from "node:path";
import { cannot } from "../base/errors.ts";
import { noCommit, unpushedBase } from "../git/unpushed_commits.ts";
import { type GitDirectory, gitDirectoryAt, publishedCommit } from "../git/git_directory.ts";
import type { CheckoutJob, Transfer } from "./git_job.ts";
import type { ObjectStore } from "../git/object_store.ts";
import { restoreShallow } from "../git/remote_branch.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import {
  lstatIfPresentSync,
  readIfPresentSync,
  removeSync,
  replaceFileSync,
} from "../git/synchronous_file.ts";

/** The launcher lets git work in a directory of this name alone. */
export const transferName = "transfer";
const readBytes = 1024 * 1024;

/** Where the transfer of a tenant happens. */
export function transferPath(gitDirectory: string): string {
  return join(gitDirectory, transferName);
}

/**
 * Makes an empty Git directory for a transfer.
 *
 * @param isWhole Nothing that is here counts as known: all of the commit is sent.
 * @returns Whether all will be sent, because nothing is known.
 */
export function makeTransfer(gitDirectory: string, isWhole: boolean): boolean {
  const directory = gitDirectoryAt(gitDirectory);
  const path = transferPath(gitDirectory);
  makeBareDirectory(path);
  const published = isWhole || !hasPacks(directory) ? undefined : knownCommit(directory);
  if (published === undefined) return true;
  Deno.writeTextFileSync(
    join(path, "objects", "info", "alternates"),
    `${join(gitDirectory, "objects")}\n`,
  );
  Deno.writeTextFileSync(join(path, "refs", "heads", "published"), `${published}\n`);
  Deno.writeTextFileSync(join(path, "shallow"), `${published}\n`);
  return false;
}

/** Makes a Git directory without objects and branches, in place of whatever is there. */
export function makeBareDirectory(path: string): void {
  removeSync(path);
  for (const below of ["objects/pack", "objects/info", "refs/heads"]) {
    Deno.mkdirSync(join(path, below), { recursive: true, mode: 0o700 });
  }
  Deno.writeTextFileSync(join(path, "HEAD"), "ref: refs/heads/none\n");
}

/** Removes it. */
export function removeTransfer(gitDirectory: string): void {
  removeSync(transferPath(gitDirectory));
}

/** The commit that git fetched; `undefined` when it fetched none. */
export function transferredCommit(gitDirectory: string): string | undefined {
  const bytes = readIfPresentSync(join(transferPath(gitDirectory), "refs", "fetched"));
  const id = bytes && new TextDecoder().decode(bytes).trim();
  return id !== undefined && /^[0-9a-f]{40}$/.test(id) ? id : undefined;
}

/** A branch that the system's git has fetched already, as a Git worker uses it. */
export class TransferredBranch implements Disposable {
  readonly #job: CheckoutJob;
  readonly #directory: GitDirectory;
  readonly #transfer: Transfer;
  #received = 0;

  constructor(job: CheckoutJob, directory: GitDirectory, transfer: Transfer) {
    this.#job = job;
    this.#directory = directory;
    this.#transfer = transfer;
  }

  /** The size of what was fetched. */
  get receivedBytes(): number {
    return this.#received;
  }

  /** It was asked for this job. */
  readonly isAssumed = false;

  /** The same as {@link choose}. */
  chooseAnew(): Promise<ChosenBranch | undefined> {
    return this.choose();
  }

  /** The branch; `undefined` when the repository is empty. */
  choose(): Promise<ChosenBranch | undefined> {
    return Promise.resolve(this.#transfer.branch);
  }

  /**
   * Takes in what git fetched: every object is checked once more, and counted.
   *
   * @throws AgentError with `data.needsWhole` when what was fetched builds on objects that are not
   *   here (any more).
   */
  async fetch(chosen: ChosenBranch, store: ObjectStore, isFresh: boolean): Promise<void> {
    const needed = () =>
      cannot("fetch from", this.#job.url, "it is to be fetched as a whole", {
        kind: "unavailable",
        data: { needsWhole: true },
        retryable: true,
      });
    if (isFresh && !this.#transfer.isWhole) throw needed();
    const packs = join(transferPath(this.#directory.path), "objects", "pack");
    if (lstatIfPresentSync(packs) === undefined) throw needed();
    for (const { name } of Deno.readDirSync(packs)) {
      if (name.endsWith(".pack")) await this.#receive(join(packs, name), store);
    }
    if (!store.has(chosen.commit)) throw needed();
    const former = readIfPresentSync(this.#directory.shallow);
    replaceFileSync(this.#directory.shallow, `${chosen.commit}\n`);
    if (former) restoreShallow(this.#directory, former, store);
  }

  async #receive(path: string, store: ObjectStore): Promise<void> {
    using file = Deno.openSync(path, { read: true });
    await store.receive(false, (push) => {
      const buffer = new Uint8Array(readBytes);
      for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
        this.#received += count;
        push(buffer.slice(0, count));
      }
      return Promise.resolve();
    });
  }

  /** Removes what was fetched. */
  [Symbol.dispose](): void {
    removeTransfer(this.#directory.path);
  }
}

/** What the server has of what is published. */
function knownCommit(directory: GitDirectory): string | undefined {
  const base = unpushedBase(directory);
  return base === undefined || base === noCommit ? publishedCommit(directory) : base;
}

function hasPacks(directory: GitDirectory): boolean {
  if (lstatIfPresentSync(directory.packs) === undefined) return false;
  return [...Deno.readDirSync(directory.packs)].some(({ name }) => name.endsWith(".idx"));
}
