import assert from "node:assert/strict";
import { type ArtifactObserver, observedSurroundings } from "../../src/artifacts/observed_jobs.ts";
import type { TenantSurroundings } from "../../src/artifacts/tenant_surroundings.ts";

type Jobs = Pick<TenantSurroundings, "runJob" | "runCommit" | "runRemoval" | "openPoll">;

function observed(jobs: Partial<Record<keyof Jobs, () => unknown>>) {
  const told: unknown[][] = [];
  const tell = (name: string) => (...facts: unknown[]) => void told.push([name, ...facts]);
  const observer: ArtifactObserver = {
    onCheckout: tell("checkout"),
    onCheckedOut: tell("checkedOut"),
    onCommitted: tell("committed"),
    onRemoved: tell("removed"),
    onFailed: tell("failed"),
    onAsked: tell("asked"),
  };
  // Only the jobs are looked at.
  const surroundings = jobs as unknown as TenantSurroundings;
  const { runJob, runCommit, runRemoval, openPoll } = observedSurroundings(
    surroundings,
    7,
    observer,
  );
  return { told, runJob, runCommit, runRemoval, openPoll };
}

const job = { url: "https://h/r", destination: "/app" } as Parameters<Jobs["runJob"]>[0];
const abort = new AbortController();
const options = { signal: abort.signal } as Parameters<Jobs["runJob"]>[1];

Deno.test("observed jobs: every end is told, and the result passed on", async () => {
  const { told, ...jobs } = observed({
    runJob: () => Promise.resolve("a"),
    runCommit: () => Promise.resolve("b"),
    runRemoval: () => Promise.resolve("c"),
    openPoll: () => ({ ask: () => Promise.resolve("d") }),
  });
  assert.equal(await jobs.runJob(job, options), "a");
  assert.equal(await jobs.runCommit(job as Parameters<Jobs["runCommit"]>[0], options), "b");
  const removal = job as unknown as Parameters<Jobs["runRemoval"]>[0];
  assert.equal(await jobs.runRemoval(removal, options), "c");
  const poll = jobs.openPoll({} as Parameters<Jobs["openPoll"]>[0]);
  assert.equal(await poll.ask(abort.signal), "d");
  assert.deepEqual(told, [
    ["checkout", 7, "https://h/r", "/app"],
    ["checkedOut", 7, "a"],
    ["committed", 7, "b"],
    ["removed", 7, "c"],
    ["asked", 7],
  ]);
});

Deno.test("observed jobs: a failure is told and passed on, an abort only passed on", async () => {
  const { told, runJob } = observed({ runJob: () => Promise.reject(new Error("broken")) });
  await assert.rejects(runJob(job, options), /broken/);
  assert.deepEqual(told[1], ["failed", 7, "broken"]);
  const aborted = observed({
    runJob: () => Promise.reject(new DOMException("over", "AbortError")),
  });
  await assert.rejects(aborted.runJob(job, options), /over/);
  assert.deepEqual(aborted.told, [["checkout", 7, "https://h/r", "/app"]]);
});
