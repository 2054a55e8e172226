import assert from "node:assert/strict";
import { ConnectionReport } from "../../src/broker/connection_report.ts";
import { memoryLog } from "../memory_log.ts";

const broker = { host: "mb", port: 1883 };

Deno.test("connection report: keeps why there is no connection, until there is one", () => {
  const report = new ConnectionReport(memoryLog());
  assert.equal(report.lastError, undefined);
  report.failed(broker, "unavailable", "it is away");
  assert.equal(report.lastError, "it is away");
  report.connected(broker, false);
  assert.equal(report.lastError, undefined);
  report.lost(broker, "it went");
  assert.equal(report.lastError, "it went");
});
