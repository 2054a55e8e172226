import assert from "node:assert/strict";
import type { HandlerPlan, LoggerPlan } from "../../src/logging/log_plan.ts";
import { reachOf } from "../../src/logging/logger_tree.ts";

function file(name: string): HandlerPlan {
  return { kind: "file", level: "debug", format: "%(message)s", file: name };
}

const [all, broker, outbox] = [file("all.log"), file("broker.log"), file("outbox.log")] as const;
const root: LoggerPlan = { name: "", level: "warning", handlers: [all], propagate: false };

function filesOf(loggers: readonly LoggerPlan[], name: string) {
  const { level, handlers } = reachOf({ loggers }, name);
  return {
    level,
    files: handlers.map(({ handler }) => handler.kind === "file" ? handler.file : ""),
  };
}

Deno.test("loggers: hand records up to the root, each handler once", () => {
  const loggers = [
    root,
    { name: "broker", handlers: [broker, all], propagate: true },
    { name: "broker.outbox", level: "debug", handlers: [outbox], propagate: true },
  ] as const;
  assert.deepEqual(filesOf(loggers, "broker.outbox.file"), {
    level: "debug",
    files: ["outbox.log", "broker.log", "all.log"],
  });
  // The nearest level counts.
  assert.deepEqual(filesOf(loggers, "broker"), {
    level: "warning",
    files: ["broker.log", "all.log"],
  });
  assert.deepEqual(filesOf(loggers, "brokerage"), { level: "warning", files: ["all.log"] });
  assert.deepEqual(filesOf(loggers, ""), { level: "warning", files: ["all.log"] });
});

Deno.test("loggers: keep records to themselves when they do not propagate", () => {
  const loggers = [root, { name: "broker", handlers: [broker], propagate: false }] as const;
  assert.deepEqual(filesOf(loggers, "broker.x"), { level: "warning", files: ["broker.log"] });
});
