import assert from "node:assert/strict";
import { runtimeScope } from "../../src/scope/runtime_scope.ts";
import { exampleConfig } from "./example_config.ts";

const nothing = { environmentNames: [], filesLookedFor: [], programDir: "/program/src" };
const asked = { net: ["h.example.com:443"], read: ["/srv/r"], write: ["/srv/w"], env: ["HOOK"] };

Deno.test("scope: has what extension modules are granted, and the program for their workers", () => {
  const without = runtimeScope(exampleConfig(), nothing);
  const scope = runtimeScope(exampleConfig(), { ...nothing, modules: { ...asked, isUsed: true } });
  assert.deepEqual(scope.net, [...without.net, "h.example.com:443"]);
  assert.deepEqual(scope.read, [...without.read, "/program/src", "/srv/r"]);
  assert.deepEqual(scope.write, [...without.write, "/srv/w"]);
  assert.deepEqual(scope.env, ["HOOK"]);
  assert.deepEqual(scope.run, without.run);
});

Deno.test("scope: does not grow when there is no module that may run", () => {
  const none = { net: [], read: [], write: [], env: [], isUsed: false };
  assert.deepEqual(
    runtimeScope(exampleConfig(), { ...nothing, modules: none }),
    runtimeScope(exampleConfig(), nothing),
  );
});

Deno.test("scope: reaches no repository when a module takes the place of the checkout", () => {
  const artifacts = { applicationPath: "/srv/docs", allowedHosts: ["git.example.com"] };
  const config = exampleConfig({ artifacts });
  const modules = { ...asked, isUsed: true };
  const built = runtimeScope(config, { ...nothing, modules });
  const replaced = runtimeScope(config, { ...nothing, modules: { ...modules, checksOut: true } });
  assert.ok(built.net.includes("git.example.com:443"), built.net.join());
  assert.deepEqual(replaced.net, built.net.filter((host) => !host.startsWith("git.")));
  assert.deepEqual(replaced.write, built.write);
});
