import assert from "node:assert/strict";
import { duration, terminalText } from "../../src/status/terminal_text.ts";
import { activeSnapshot, bootingSnapshot, waitingSnapshot } from "./sample_snapshot.ts";

const plain = { colour: false, width: 100 };

Deno.test("terminal: shows the phase, what it waits for, and that it is not ready", () => {
  const text = terminalText(waitingSnapshot(), plain);
  const { lifecycle } = waitingSnapshot();
  assert.match(
    text,
    new RegExp(`^phase +${lifecycle.phase} since .* waits for ${lifecycle.waitsFor}$`, "m"),
  );
  const booting = bootingSnapshot({ readiness: { ready: false, reasons: ["one", "two"] } });
  assert.match(terminalText(booting, plain), /^ready +no: one\n {12}no: two$/m);
});

Deno.test("terminal: shows something of every part of an active agent", () => {
  const snapshot = activeSnapshot();
  const text = terminalText(snapshot, plain);
  const labels = [
    "member",
    "phase",
    "broker",
    "artifacts",
    "health",
    "receiver",
    "extension",
    "last",
  ];
  for (const label of labels) {
    assert.match(text, new RegExp(`^${label} `, "m"), `${label} in\n${text}`);
  }
  assert.ok(text.includes(snapshot.agent.memberId));
  for (const { url } of snapshot.receivers) assert.ok(text.includes(url), url);
});

Deno.test("terminal: cuts lines at the width and lets no control character through", () => {
  const lastError = `\x1b[31mred\x07${"x".repeat(500)}\r\nnext`;
  const broker = { connected: false, reconnects: 0, lastError };
  for (const width of [40, 100, 200]) {
    const text = terminalText(activeSnapshot({ broker }), { colour: false, width });
    for (const line of text.split("\n")) assert.ok([...line].length <= width, `${width}: ${line}`);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(text.replaceAll("\n", ""), /[\x00-\x1f\x7f]/);
  }
});

Deno.test("terminal: colours only when it is told to, and says the same without", () => {
  const snapshot = activeSnapshot({ readiness: { ready: false, reasons: ["lane x is stuck"] } });
  const coloured = terminalText(snapshot, { ...plain, colour: true });
  assert.ok(coloured.includes("\x1b[31mno: lane x is stuck\x1b[0m"));
  // deno-lint-ignore no-control-regex
  assert.equal(coloured.replaceAll(/\x1b\[\d+m/g, ""), terminalText(snapshot, plain));
});

Deno.test("terminal: says lengths of time as people do", () => {
  const second = 1_000;
  const hour = 3600 * second;
  const said = [0, 59 * second, 60 * second, hour - 1_000, 3 * hour + 5 * 60 * second, 50 * hour];
  assert.deepEqual(said.map(duration), ["0 s", "59 s", "1 min", "59 min", "3 h 5 min", "2 days"]);
  assert.equal(duration(-5), "0 s");
});
