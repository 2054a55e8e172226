import assert from "node:assert/strict";
import { join } from "node:path";
import { runCheckout } from "../../src/artifacts/checkout_job.ts";
import type { CheckoutJob } from "../../src/artifacts/git_job.ts";
import { AgentError } from "../../src/base/errors.ts";
import { answersOf, type HostileAnswers, HostileRemote, repositoryOf } from "./hostile_remote.ts";

const good = repositoryOf([
  { mode: "100644", name: "before", content: "1" },
  { mode: "40000", name: "sub", content: [{ mode: "100644", name: "file", content: "2" }] },
]);

/** A destination among things that are worth something, and a server that means harm. */
export class HostilePlace implements AsyncDisposable {
  readonly remote = new HostileRemote(answersOf(good));
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async open(): Promise<HostilePlace> {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "hostile-" }));
    for (const directory of ["app", "outside"]) await Deno.mkdir(join(root, directory));
    await Deno.writeTextFile(join(root, "outside", "precious"), "mine");
    return new HostilePlace(root);
  }

  job(changes: Partial<CheckoutJob> = {}): CheckoutJob {
    return {
      url: this.remote.url,
      gitDirectory: join(this.root, "state", "git", "1"),
      destination: join(this.root, "app"),
      stagingDirectories: [join(this.root, "app.agent")],
      limits: { bytes: 2_000_000, files: 1_000 },
      idleTimeoutMs: 20_000,
      localChanges: "discard",
      ...changes,
    } as CheckoutJob;
  }

  /** Everything below the root but the Git directory, links as they are. */
  everything(): Record<string, string> {
    const found: Record<string, string> = {};
    const visit = (relative: string) => {
      for (const { name, isDirectory, isSymlink } of Deno.readDirSync(join(this.root, relative))) {
        const path = join(relative, name);
        if (path === "state") continue;
        if (isDirectory) {
          found[`${path}/`] = "";
          visit(path);
        } else if (isSymlink) found[path] = `→ ${Deno.readLinkSync(join(this.root, path))}`;
        else found[path] = Deno.readTextFileSync(join(this.root, path));
      }
    };
    visit("");
    return found;
  }

  /** Brings the good repository in place. */
  async checkOutGood(): Promise<void> {
    this.remote.answers = answersOf(good);
    await runCheckout(this.job());
  }

  /**
   * Checks out, on an empty destination or over the good repository, and makes sure that it is refused
   * and that nothing at all has changed.
   */
  async assertRefused(
    what: string,
    answers: HostileAnswers,
    expected: { readonly kinds: readonly string[]; readonly message: RegExp },
    changes: Partial<CheckoutJob> = {},
  ): Promise<void> {
    const before = this.everything();
    this.remote.answers = answers;
    const startMs = performance.now();
    await assert.rejects(runCheckout(this.job(changes)), (error) => {
      assert(error instanceof AgentError, `${what}: ${error}`);
      assert(expected.kinds.includes(error.kind), `${what}: ${error.kind}: ${error.message}`);
      assert.match(error.message, expected.message, what);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(error.message, /[\x00-\x1f\x7f\u200b-\u200f]/, what);
      return true;
    }, what);
    assert(performance.now() - startMs < 10_000, `${what}: took long`);
    assert.deepEqual(this.everything(), before, what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remote[Symbol.asyncDispose]();
    await Deno.remove(this.root, { recursive: true });
  }
}
