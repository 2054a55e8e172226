/** Brings commits of ours to the remote, and what the remote has to the destination. */
import { cannot } from "../base/errors.ts";
import { bringInPlace } from "./bring_in_place.ts";
import type { CommitRuntime } from "./commit_job.ts";
import type { LooseObjects } from "../git/loose_objects.ts";
import {
  announceUnpushed,
  forgetUnpushed,
  keepCommits,
  noCommit,
  publishedUrl,
  setPublishedUrl,
  unpushedBase,
} from "../git/unpushed_commits.ts";
import { readCommit } from "../git/commit_tree.ts";
import { type GitDirectory, publishedBranch, publishedCommit } from "../git/git_directory.ts";
import { type CommitDone, type CommitJob, type KeptCommits, namesOf } from "./git_job.ts";
import type { ObjectStore } from "../git/object_store.ts";
import { objectsToSend } from "../git/push_objects.ts";
import { commitsAfter, rebaseCommits } from "../git/rebase_commits.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import type { RemoteSide } from "./remote_side.ts";

/** What an exchange works with. */
export interface ExchangeTools {
  readonly directory: GitDirectory;
  readonly store: ObjectStore;
  readonly loose: LooseObjects;
  readonly remote: RemoteSide;
  readonly runtime: CommitRuntime;
}

/** How often others may be faster in one round. */
const mostAttempts = 4;

/** One exchange, however often others push in between. */
export class CommitExchange {
  readonly #job: CommitJob;
  readonly #with: ExchangeTools;
  readonly #remote: RemoteSide;
  #result: Partial<CommitDone> = {};
  /** Of this exchange; told to the server in the end. */
  #conflict: { readonly ref: string; readonly commits: readonly string[] } | undefined;

  constructor(job: CommitJob, tools: ExchangeTools) {
    this.#job = job;
    this.#with = tools;
    this.#remote = tools.remote;
  }

  /** What has been achieved so far. */
  get result(): Partial<CommitDone> {
    return this.#result;
  }

  /** Remembers why commits are not at the remote. */
  fail(reason: string): void {
    this.#add({ pushFailure: reason });
  }

  /** @throws AgentError when the server cannot be reached or refuses. What was committed stays. */
  async run(): Promise<void> {
    let refusal: { readonly reason: string; readonly remote: string | undefined } | undefined;
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      const chosen = await this.#remote.choose();
      if (refusal && refusal.remote === chosen?.commit) return this.fail(refusal.reason);
      const outcome = await this.#attempt(chosen);
      if (outcome === "done") return await this.#share();
      refusal = { reason: outcome.refused, remote: chosen?.commit };
    }
    this.fail("others pushed again and again in between");
  }

  async #attempt(chosen: ChosenBranch | undefined): Promise<"done" | { refused: string }> {
    const { directory, store } = this.#with;
    const base = unpushedBase(directory);
    const head = publishedCommit(directory);
    if (base === undefined || head === undefined) return "done";
    const commits = commitsAfter(store, base, head);
    if (chosen === undefined) {
      if (base === noCommit) return await this.#send(undefined, this.#branch, commits);
      throw cannot("push to", this.#job.url, "it is empty now, and was not before", {
        kind: "refused",
        retryable: true,
      });
    }
    const { ref, commit: theirs } = chosen;
    if (!ref.startsWith("refs/heads/")) {
      throw cannot("push to", this.#job.url, "its HEAD names no branch; set artifact.branch", {
        kind: "refused",
        retryable: true,
      });
    }
    if (theirs === head) {
      // Only the answer was missed.
      this.#settle(head, ref);
      return "done";
    }
    if (theirs === base) {
      // Dealt with, whatever becomes of the push.
      this.#add({ remote: theirs });
      return await this.#send(theirs, ref, commits);
    }
    if (!store.has(theirs)) await this.#remote.fetch(chosen, store, store.isEmpty);
    const { parents } = readCommit(store, theirs);
    if (parents.includes(head)) {
      // It was taken, and somebody has gone on from there.
      forgetUnpushed(directory);
      this.#add({ pushed: true, branch: ref });
      return "done";
    }
    const url = publishedUrl(directory);
    const isOther = url !== undefined && url !== this.#job.url;
    const isRelated = base === noCommit ? !isOther : parents.includes(base);
    if (!isRelated && isOther) {
      this.#keep("otherRepository", head, []);
      forgetUnpushed(directory);
      return "done";
    }
    if (!isRelated && this.#job.followsRemote) this.#keep("rewritten", head, []);
    return await this.#rebase(chosen, commits, head);
  }

  async #rebase(
    chosen: ChosenBranch,
    commits: readonly string[],
    head: string,
  ): Promise<"done" | { refused: string }> {
    const { directory, store, loose, runtime } = this.#with;
    const mostFiles = this.#job.limits.files;
    const rebased = rebaseCommits(commits, chosen.commit, { source: store, loose, mostFiles });
    runtime.faultPoint?.("commits rebased");
    if (rebased.conflicts.length > 0) {
      const ref = this.#keep("conflict", head, rebased.conflicts);
      this.#conflict = { ref, commits };
      runtime.faultPoint?.("conflict kept");
    }
    const { ref } = chosen;
    if (this.#job.followsRemote) {
      if (rebased.tip !== chosen.commit) announceUnpushed(directory, rebased.tip, chosen.commit);
      runtime.faultPoint?.("rebase announced");
      const done = await bringInPlace(
        { ...this.#job, localChanges: "keep" },
        { directory, store, runtime },
        { ref, commit: rebased.tip },
      );
      // Somebody is at work just now: the next round commits that first.
      if (done.kind === "held") return "done";
      this.#add({
        remote: chosen.commit,
        changed: done.changed || this.#result.changed === true,
        overwritten: done.notes.localChanges,
      });
    }
    if (rebased.commits.length > 0) return await this.#send(chosen.commit, ref, rebased.commits);
    this.#settle(this.#job.followsRemote ? chosen.commit : undefined, ref);
    return "done";
  }

  /** @param from What the branch has now; absent: it does not exist. */
  async #send(
    from: string | undefined,
    ref: string,
    commits: readonly string[],
  ): Promise<"done" | { refused: string }> {
    const { store, runtime } = this.#with;
    const to = commits.at(-1);
    if (to === undefined) return "done";
    const known = (await this.#remote.refs()).ids.get(ref);
    if (known !== from) return { refused: "somebody else pushed in between" };
    const objects = objectsToSend(store, commits);
    const update = { ref, to, ...(from === undefined ? {} : { from }) };
    const outcome = await this.#remote.push(update, objects, store);
    if (outcome.kind === "handedOver") {
      this.#add({ toPush: update });
      return "done";
    }
    runtime.faultPoint?.("pushed");
    if (outcome.kind === "rejected") return { refused: `the server rejects it: ${outcome.reason}` };
    this.#add({ pushed: true });
    this.#settle(to, ref);
    return "done";
  }

  /** Nothing is left to be pushed. */
  #settle(remote: string | undefined, branch: string): void {
    const { directory } = this.#with;
    forgetUnpushed(directory);
    setPublishedUrl(directory, this.#job.url);
    this.#add({ branch, ...(remote === undefined ? {} : { remote }) });
  }

  #keep(why: KeptCommits["why"], head: string, files: readonly string[]): string {
    const ref = keepCommits(this.#with.directory, why, head, new Date());
    this.#add({ kept: { ref, why, files: namesOf(files), isShared: false } });
    return ref;
  }

  /**
   * The instance and its disk may be gone tomorrow: the remote gets the kept commits too, beside its
   * branches, where it takes them.
   */
  async #share(): Promise<void> {
    const { kept } = this.#result;
    const to = this.#conflict?.commits.at(-1);
    if (kept === undefined || this.#conflict === undefined || to === undefined) return;
    try {
      await this.#remote.refs();
      const objects = objectsToSend(this.#with.store, this.#conflict.commits);
      const update = { ref: this.#conflict.ref, to };
      const outcome = await this.#remote.push(update, objects, this.#with.store);
      if (outcome.kind === "accepted") this.#add({ kept: { ...kept, isShared: true } });
    } catch {
      // They are kept here in any case, and the report says where.
    }
  }

  get #branch(): string {
    return publishedBranch(this.#with.directory) ?? "refs/heads/main";
  }

  #add(news: Partial<CommitDone>): void {
    this.#result = { ...this.#result, ...news };
  }
}
