import assert from "node:assert/strict";
import { AgentError, cannot, exitStatusOf, isAbort, reasonOf } from "../../src/base/errors.ts";

Deno.test("errors: say what was tried, on what, and why", () => {
  const error = cannot("read", "agent.conf", "it is a directory", { kind: "configuration" });
  assert.equal(error.message, 'Cannot read "agent.conf": it is a directory');
});

Deno.test("errors: end the program with the documented exit statuses", () => {
  const statuses =
    (["usage", "unavailable", "internal", "locked", "configuration", "permission"] as const)
      .map((kind) => exitStatusOf(new AgentError("", { kind })));
  assert.deepEqual(statuses, [64, 69, 70, 75, 78, 78]);
  assert.equal(exitStatusOf(new Error("a fault")), 70);
});

Deno.test("errors: put any reason on one line", () => {
  assert.equal(reasonOf(new Error("first\n  second")), "first; second");
  assert.equal(reasonOf("text"), "text");
});

Deno.test("errors: know an abort by its reason or its name", () => {
  const abort = new AbortController();
  abort.abort("because");
  assert.ok(isAbort("because", abort.signal));
  assert.ok(isAbort(new DOMException("", "AbortError")));
  assert.ok(!isAbort(new Error("because"), abort.signal));
});
