import assert from "node:assert/strict";
import { type EndedRun, RunReport } from "../../src/extensions/run_report.ts";
import { memoryLog } from "../memory_log.ts";

Deno.test("run report: tells of every run with its last lines, bounded", () => {
  const runs: EndedRun[] = [];
  const report = new RunReport(memoryLog(), (run) => runs.push(run));
  const done = report.ended("E", "a.sh", 0, 5, undefined, ["x".repeat(1000)]);
  assert.deepEqual(done, { kind: "succeeded" });
  assert.deepEqual(report.ended("E", "a.sh", "cancelled", 5), { kind: "cancelled" });
  const failed = report.ended("E", "a.sh", 3, 5, "exit status 3", ["last"]);
  assert.deepEqual(failed, {
    kind: "failed",
    reason: "a.sh: exit status 3, last output: last",
  });
  assert.deepEqual(runs.map(({ status, output }) => [status, output]), [
    [0, ["x".repeat(300)]],
    ["cancelled", []],
    [3, ["last"]],
  ]);
});

Deno.test("run report: a listener that fails is logged and changes nothing", () => {
  const log = memoryLog();
  const report = new RunReport(log, () => {
    throw new Error("no");
  });
  assert.deepEqual(report.ended("E", "a.sh", 0, 5), { kind: "succeeded" });
  assert.match(log.text(), /error test The listener for extension runs failed: no/);
});

Deno.test("run report: shows no part of a secret that lies where a line is cut", () => {
  const log = memoryLog();
  const redact = (text: string) => text.replaceAll("canary-secret", "***");
  const runs: EndedRun[] = [];
  const report = new RunReport(log, (run) => runs.push(run), redact);
  const done = report.ended("E", "a.sh", 1, 5, "exit status 1", [
    `${"x".repeat(292)}canary-secret`,
  ]);
  assert.doesNotMatch(JSON.stringify([runs, done, log.records]), /canary/);
});
