import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { renderCompile, renderFlags } from "../../src/scope/render_scope.ts";
import { renderSystemd } from "../../src/scope/render_systemd.ts";
import { type RuntimeScope, runtimeScope } from "../../src/scope/runtime_scope.ts";
import { exampleConfig } from "./example_config.ts";

const nothing: RuntimeScope = { net: [], read: [], write: [], run: [], sys: [], env: [] };

/** The directives without their comments. */
function directives(scope: Partial<RuntimeScope>): readonly string[] {
  return renderSystemd({ ...nothing, ...scope }).filter((line) => !line.startsWith("#"));
}

function addresses(net: readonly string[]): readonly string[] {
  return directives({ net }).filter((line) => line.startsWith("IPAddress"));
}

Deno.test("systemd: makes all read-only but what the agent writes", () => {
  const scope = {
    read: ["/agent/conf", "/agent/state", "/srv", "/srv/docs/cache"],
    write: ["/agent/state", "/srv/docs"],
  };
  assert.deepEqual(directives(scope).filter((line) => /Protect|Paths/.test(line)), [
    "ProtectSystem=strict",
    "ReadWritePaths=-/agent/state",
    "ReadWritePaths=-/srv/docs",
    "ReadOnlyPaths=-/agent/conf",
  ]);
});

Deno.test("systemd: writes blanks, quotes, specifiers and backslashes of a path so that they stay", () => {
  const write = ["/my home/a%b", '/q"uote', "/back\\slash", "/plain-1.2_x"];
  assert.deepEqual(directives({ write }).filter((line) => line.startsWith("ReadWrite")), [
    'ReadWritePaths=-"/my home/a%%b"',
    'ReadWritePaths=-"/q\\"uote"',
    'ReadWritePaths=-"/back\\\\slash"',
    "ReadWritePaths=-/plain-1.2_x",
  ]);
  for (const path of ["/a\nReadWritePaths=/", "/a\0", ""]) {
    assert.throws(() => renderSystemd({ ...nothing, write: [path] }), AgentError);
  }
});

const peers: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["nobody when there is no peer", [], ["IPAddressDeny=any", "IPAddressAllow=localhost"]],
  ["addresses, each once", ["10.0.0.2:80", "10.0.0.1:1883", "10.0.0.1:1884", "[fe80::2]:3"], [
    "IPAddressDeny=any",
    "IPAddressAllow=localhost",
    "IPAddressAllow=10.0.0.1/32",
    "IPAddressAllow=10.0.0.2/32",
    "IPAddressAllow=fe80::2/128",
  ]],
  ["this machine by name, and what is no address at all", ["localhost:80", "unix:/run/x"], [
    "IPAddressDeny=any",
    "IPAddressAllow=localhost",
  ]],
  ["everybody when one peer is a name", ["10.0.0.1:80", "broker.example.com:1883"], []],
  ["everybody when one is a wildcard", ["10.0.0.1:80", "*.corp:443"], []],
];
for (const [title, net, expected] of peers) {
  Deno.test(`systemd: lets the unit reach ${title}`, () => {
    assert.deepEqual(addresses(net), expected);
  });
}

Deno.test("systemd: names the peers for which nothing can be denied", () => {
  const lines = renderSystemd({
    ...nothing,
    net: ["10.0.0.1:80", "b.example.com:1", "*.corp:443"],
  });
  assert.deepEqual(lines.filter((line) => line.startsWith("#   ")), [
    "#   b.example.com",
    "#   *.corp",
  ]);
});

Deno.test("systemd: has one directive or comment a line, for a whole configuration too", () => {
  const config = exampleConfig({
    artifacts: { applicationPath: "/srv/docs", allowedHosts: ["git.example.com"] },
  });
  const scope = runtimeScope(config, { environmentNames: [], filesLookedFor: [] });
  for (const line of renderSystemd(scope)) assert.match(line, /^(#.*|[A-Za-z]+=\S.*)$/);
});

Deno.test("compile: has the flags of the scope and what a binary needs besides", () => {
  const scope = { ...nothing, net: ["a:1"], read: ["/r"] };
  const flags = renderCompile(scope);
  assert.deepEqual(flags.slice(0, renderFlags(scope).length), renderFlags(scope));
  assert.deepEqual(flags.slice(renderFlags(scope).length), [
    "--no-prompt",
    "--no-code-cache",
    "--unstable-worker-options",
  ]);
});
