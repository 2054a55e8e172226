import assert from "node:assert/strict";
import { artifactMachinery, type BuiltIn } from "../../src/agent/artifact_modules.ts";
import {
  type CheckoutDone,
  type CheckoutJob,
  type CommitJob,
  noNotes,
} from "../../src/artifacts/git_job.ts";
import { AgentError } from "../../src/base/errors.ts";
import type { AllowedModule } from "../../src/extensions/module_catalogue.ts";
import type { ModuleOutcome } from "../../src/extensions/module_host.ts";
import type { ModuleAbility, PlugInPoint } from "../../src/extensions/module_manifest.ts";
import type { ModuleCall } from "../../src/extensions/module_session.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";
import { exampleConfig } from "../scope/example_config.ts";

const job: CheckoutJob = {
  gitDirectory: "/state/git/7",
  destination: "/www/7",
  stagingDirectories: [],
  url: "https://git.example.com/app",
  username: "deployer",
  password: "secret",
  branch: "release",
  limits: { bytes: 1, files: 1 },
  idleTimeoutMs: 1,
  localChanges: "keep",
};
const commitJob: CommitJob = { ...job, author: "7", followsRemote: true, mayBegin: true };

interface Scenario {
  readonly provides: readonly PlugInPoint[];
  readonly abilities?: readonly ModuleAbility[];
  readonly outcome?: (kind: string) => ModuleOutcome;
  readonly autoCommit?: boolean;
}

function open({ provides, abilities = [], outcome, autoCommit = false }: Scenario) {
  const calls: ModuleCall[] = [];
  const builtInJobs: CheckoutJob[] = [];
  const log = memoryLog();
  const module = { name: "m", abilities } as unknown as AllowedModule;
  const modules = {
    provider: (point: PlugInPoint) => provides.includes(point) ? module : undefined,
    call: (_name: string, call: ModuleCall) => {
      calls.push(call);
      const value = call.message.kind === "checkOutArtifacts"
        ? { changed: true, commit: "v1" }
        : { committed: true };
      return Promise.resolve(outcome?.(call.message.kind) ?? { kind: "done" as const, value });
    },
  };
  const done: CheckoutDone = {
    kind: "published",
    commit: "c0ffee",
    files: 3,
    changed: true,
    receivedBytes: 9,
    notes: noNotes,
  };
  const builtIn: BuiltIn = {
    checkOut: (given) => {
      builtInJobs.push(given);
      return Promise.resolve(done);
    },
    remove: () =>
      Promise.resolve({
        files: 0,
        localChanges: { count: 0, first: [] },
        restored: 0,
        leftInBackup: { count: 0, first: [] },
        recordLost: false,
      }),
  };
  const config = { ...exampleConfig().artifacts, autoCommit, publish: "symlink" } as const;
  const machinery = artifactMachinery(config, modules, log, builtIn);
  return { machinery, calls, builtInJobs, log };
}

const options = (signal = new AbortController().signal) => ({
  timeoutMs: 600_000,
  clock: new FakeClock(),
  signal,
  tenantId: 7,
});

Deno.test("artifact modules: the built-in machinery is left alone when none provides a part", () => {
  assert.deepEqual(open({ provides: ["health"] }).machinery, {});
});

Deno.test("checkout module: is called in place of Git, within the limit of artifacts", async () => {
  const { machinery, calls, builtInJobs } = open({ provides: ["artifactCheckout"] });
  assert.equal(machinery.pollsRemote, false);
  assert.equal(machinery.config?.publish, "files");
  const done = await machinery.runJob!(job, options());
  assert.deepEqual(done, {
    kind: "published",
    module: "m",
    commit: "v1",
    changed: true,
    files: 0,
    receivedBytes: 0,
    notes: noNotes,
  });
  assert.deepEqual(calls.map(({ message, timeoutMs }) => ({ message, timeoutMs })), [{
    message: {
      kind: "checkOutArtifacts",
      job: {
        tenantId: 7,
        destination: "/www/7",
        repoUrl: "https://git.example.com/app",
        repoUsername: "",
        repoPassword: "",
        branch: "release",
        first: true,
      },
    },
    timeoutMs: 600_000,
  }]);
  assert.deepEqual(builtInJobs, []);
});

Deno.test("checkout module: is told the credentials when it asked and was allowed", async () => {
  const { machinery, calls } = open({
    provides: ["artifactCheckout"],
    abilities: ["credentials"],
  });
  await machinery.runJob!(job, options());
  const { message } = calls[0]!;
  assert(message.kind === "checkOutArtifacts");
  assert.deepEqual([message.job.repoUsername, message.job.repoPassword], ["deployer", "secret"]);
});

Deno.test("checkout module: is told that it is the first until it succeeds, and after a removal", async () => {
  const failing = { now: true };
  const { machinery, calls } = open({
    provides: ["artifactCheckout"],
    outcome: () =>
      failing.now ? { kind: "failed", reason: "no" } : { kind: "done", value: { changed: false } },
  });
  await assert.rejects(machinery.runJob!(job, options()));
  failing.now = false;
  await machinery.runJob!(job, options());
  await machinery.runJob!(job, options());
  await machinery.runRemoval!({ ...job, removesDestination: false }, options());
  await machinery.runJob!(job, options());
  const firsts = calls.map(({ message }) =>
    message.kind === "checkOutArtifacts" && message.job.first
  );
  assert.deepEqual(firsts, [true, true, false, true]);
});

const odd: readonly unknown[] = [
  undefined,
  null,
  5,
  {},
  { changed: "yes" },
  { changed: true, commit: 5 },
  { changed: true, commit: "x".repeat(201) },
];
for (const value of odd) {
  Deno.test(`checkout module: fails, to be tried again, when it says ${JSON.stringify(value)?.slice(0, 40)}`, async () => {
    const { machinery } = open({
      provides: ["artifactCheckout"],
      outcome: () => ({ kind: "done", value }),
    });
    await assert.rejects(machinery.runJob!(job, options()), (error) => {
      assert(error instanceof AgentError && error.retryable);
      assert.match(error.message, /^Cannot check out "https:.*": module m: its answer must be/);
      return true;
    });
  });
}

Deno.test("checkout module: cancelled is neither failure nor success", async () => {
  const { machinery } = open({
    provides: ["artifactCheckout"],
    outcome: () => ({ kind: "cancelled" }),
  });
  await assert.rejects(machinery.runJob!(job, options()), { name: "AbortError" });
  const reason = new Error("mine");
  const aborted = options(AbortSignal.abort(reason));
  await assert.rejects(machinery.runJob!(job, aborted), (error) => error === reason);
});

Deno.test("commit module: what it has dealt with gives way to the checkout that follows, once", async () => {
  const { machinery, calls, builtInJobs, log } = open({
    provides: ["artifactCommit"],
    autoCommit: true,
  });
  assert.deepEqual([machinery.config?.publish, machinery.config?.autoCommit], ["symlink", true]);
  assert.equal(machinery.pollsRemote, true);
  const done = await machinery.runCommit!(commitJob, options());
  assert.deepEqual(calls.map(({ message }) => message.kind), ["commitArtifacts"]);
  assert.deepEqual([done.pushed, done.changed, done.remote], [false, false, undefined]);
  assert.match(log.text(), /Committed local changes of \/www\/7 \(module m\)/);
  await machinery.runJob!(job, options());
  await machinery.runJob!(job, options());
  assert.deepEqual(builtInJobs.map(({ localChanges }) => localChanges), ["discard", "keep"]);
});

Deno.test("commit module: local changes are kept when it fails, even after a success", async () => {
  const answers: ModuleOutcome[] = [
    { kind: "done", value: { committed: false } },
    { kind: "failed", reason: "no luck" },
    { kind: "done", value: {} },
  ];
  const { machinery, builtInJobs, log } = open({
    provides: ["artifactCommit"],
    outcome: () => answers.shift()!,
    autoCommit: true,
  });
  await machinery.runCommit!(commitJob, options());
  assert.equal(log.text(), "");
  await assert.rejects(
    machinery.runCommit!(commitJob, options()),
    /Cannot commit to ".*": module m: no luck/,
  );
  await assert.rejects(machinery.runCommit!(commitJob, options()), /its answer must be/);
  await machinery.runJob!(job, options());
  assert.deepEqual(builtInJobs.map(({ localChanges }) => localChanges), ["keep"]);
});

Deno.test("commit module: works together with one that checks out", async () => {
  const { machinery, calls, builtInJobs } = open({
    provides: ["artifactCheckout", "artifactCommit"],
    autoCommit: true,
  });
  assert.equal(machinery.config?.autoCommit, true);
  await machinery.runCommit!(commitJob, options());
  await machinery.runJob!(job, options());
  assert.deepEqual(calls.map(({ message }) => message.kind), [
    "commitArtifacts",
    "checkOutArtifacts",
  ]);
  assert.deepEqual(builtInJobs, []);
});

Deno.test("commit module: without one nobody commits what a module checked out, which is said", () => {
  const { machinery, log } = open({ provides: ["artifactCheckout"], autoCommit: true });
  assert.match(log.text(), /^warning test auto\.commit: local changes are not committed/);
  assert.equal(machinery.config?.autoCommit, false);
  assert.equal(machinery.runCommit, undefined);
});
