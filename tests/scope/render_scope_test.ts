import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { renderFlags, renderJson } from "../../src/scope/render_scope.ts";
import type { RuntimeScope } from "../../src/scope/runtime_scope.ts";

const nothing: RuntimeScope = { net: [], read: [], write: [], run: [], sys: [], env: [] };

Deno.test("flags: leave a kind out when its list is empty, never bare", () => {
  assert.deepEqual(renderFlags(nothing), ["--ignore-env", "--no-remote"]);
});

Deno.test("flags: hold one element a kind, blanks unquoted", () => {
  const scope = {
    net: ["*.corp:443", "[::1]:1883"],
    read: ["/my home/a", "/b"],
    write: ["/b"],
    run: ["/my home/launcher"],
    sys: ["loadavg"],
    env: ["A", "B"],
  };
  assert.deepEqual(renderFlags(scope), [
    "--allow-net=*.corp:443,[::1]:1883",
    "--allow-read=/my home/a,/b",
    "--allow-write=/b",
    "--allow-run=/my home/launcher",
    "--allow-sys=loadavg",
    "--allow-env=A,B",
    "--ignore-env",
    "--no-remote",
  ]);
});

for (const path of ["/a,b", "/a\nb", "/a\0", ""]) {
  Deno.test(`flags: are refused with the path ${JSON.stringify(path)}`, () => {
    assert.throws(
      () => renderFlags({ ...nothing, write: ["/fine", path] }),
      (error) => error instanceof AgentError && error.kind === "configuration",
    );
  });
}

Deno.test("json: holds every kind, empty ones too", () => {
  assert.deepEqual(JSON.parse(renderJson({ ...nothing, net: ["a:1"] })), {
    ...nothing,
    net: ["a:1"],
  });
});
