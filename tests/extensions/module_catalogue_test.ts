import assert from "node:assert/strict";
import { join } from "node:path";
import { findModules } from "../../src/extensions/module_catalogue.ts";
import { parseManifest, plugInPoints } from "../../src/extensions/module_manifest.ts";
import { openModuleHome } from "./module_home.ts";

const surroundings = { dir: "/home/x/modules/m", name: "m", events: ["StartServers"] };

Deno.test("manifest: gives all problems at once when nothing is right", () => {
  const found = parseManifest(
    JSON.stringify({
      name: "other",
      entry: "../main.ts",
      events: ["NoEvent"],
      provides: ["health", "moon"],
      permissions: {
        net: ["example.com", "h:0", "H:1"],
        read: ["../x", "/"],
        env: ["a b"],
        run: [],
        credentials: true,
        metadata: "yes",
      },
      timeoutSeconds: 0,
      settings: { a: 1 },
      extra: true,
    }),
    surroundings,
  );
  assert.ok("problems" in found);
  const text = found.problems.join("\n");
  for (
    const part of [
      '"extra" is not known',
      '"name" must be',
      'no event "NoEvent"',
      '"moon" is not known; known are health, artifactCheckout, artifactCommit',
      '"credentials" are told only who provides "artifactCheckout" or "artifactCommit"',
      '"permissions.metadata" must be true or false',
      '"entry" must be',
      '"timeoutSeconds" must be',
      '"settings" must be',
      '"run" cannot be asked for',
      '"example.com" must be',
      '"h:0" must be',
      '"H:1" must be',
      '"../x" must be',
      '"/" must be',
      '"a b" must be',
    ]
  ) assert.ok(text.includes(part), `${part} is missing in:\n${text}`);
  assert.equal(found.problems.length, 16, text);
});

Deno.test("manifest: resolves paths inside the module's folder", () => {
  const found = parseManifest(
    JSON.stringify({
      name: "m",
      entry: "lib/../main.ts",
      events: ["StartServers"],
      permissions: { net: ["[::1]:80"], read: ["data"], write: ["/srv/x/../y"], env: ["HOOK"] },
    }),
    surroundings,
  );
  assert.ok("manifest" in found);
  assert.equal(found.manifest.entry, "/home/x/modules/m/main.ts");
  assert.deepEqual(found.manifest.asks, {
    net: ["[::1]:80"],
    read: ["/home/x/modules/m/data"],
    write: ["/srv/y"],
    env: ["HOOK"],
  });
});

for (const text of ["", "[]", "null", '{"name":'] as const) {
  Deno.test(`manifest: is refused when it is ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseManifest(text, surroundings), { problems: ["it is not a JSON object"] });
  });
}

Deno.test("modules: only the allowed ones run, with what all of them are granted", async () => {
  await using home = await openModuleHome();
  await home.module("hook", "", { permissions: { net: ["127.0.0.1:81"], env: ["HOOK"] } });
  await home.module("other", "", { permissions: { net: ["127.0.0.1:82"] } });
  const none = await findModules(home.search());
  assert.deepEqual(none.modules, []);
  const { modules, problems, grants } = await findModules(
    home.search("hook", "hook:net", "hook:env", "hook:write"),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(modules.map(({ name }) => name), ["hook"]);
  assert.deepEqual(grants, { net: ["127.0.0.1:81"], read: [], write: [], env: ["HOOK"] });
});

Deno.test("modules: one that asks for more than is allowed does not run and says which setting", async () => {
  await using home = await openModuleHome();
  await home.module("hook", "", { permissions: { net: ["127.0.0.1:81"], env: ["HOOK"] } });
  const { modules, problems, grants } = await findModules(home.search("hook:net", "absent"));
  assert.deepEqual(modules, []);
  assert.deepEqual(grants.net, []);
  assert.equal(problems.length, 2, problems.join("\n"));
  assert.match(problems[0]!, /absent does not run: there is no /);
  assert.match(problems[1]!, /hook does not run.*env \(HOOK\); add hook:env to extension\.modules/);
});

Deno.test("modules: none gets the agent's secrets, state or code, whoever allows it", async () => {
  await using home = await openModuleHome();
  await home.module("m", "", {
    permissions: {
      read: [home.dir, join(home.dir, "state/git"), join(home.dir, "agent.conf")],
      write: [join(home.dir, "extensions/bash"), "module.json", "main.ts", "data", "/srv/data"],
      env: ["MB_PASSWORD", "CARTRIDGE_KEY", "PATH"],
    },
  });
  const { modules, problems } = await findModules(home.search("m:read", "m:write", "m:env"));
  assert.deepEqual(modules, []);
  assert.equal(problems.length, 8, problems.join("\n"));
  assert.ok(!problems.join().includes("data,"));
});

for (const point of plugInPoints) {
  Deno.test(`modules: two that provide ${point} are refused, both named`, async () => {
    await using home = await openModuleHome();
    await home.module("one", "", { provides: [point] });
    await home.module("two", "", { provides: [point] });
    await assert.rejects(
      findModules(home.search("one", "two")),
      new RegExp(`"one" and "two" both provide ${point}`),
    );
  });
}

Deno.test("modules: what the agent gives has to be allowed like what the machine gives", async () => {
  await using home = await openModuleHome();
  const permissions = { credentials: true, metadata: true, net: ["127.0.0.1:81"] };
  await home.module("m", "", { provides: ["artifactCheckout"], permissions });
  await home.module("modest", "", { permissions: { metadata: false } });
  const { modules, problems } = await findModules(home.search("m:net", "modest"));
  assert.deepEqual(modules.map(({ name, abilities }) => [name, abilities]), [["modest", []]]);
  assert.match(problems.join("\n"), /asks for credentials; add m:credentials to extension\.modu/);
  assert.match(problems.join("\n"), /asks for metadata; add m:metadata to extension\.modules/);
  const all = await findModules(home.search("m:net", "m:credentials", "m:metadata"));
  assert.deepEqual(all.problems, []);
  assert.deepEqual(all.modules[0]?.abilities, ["credentials", "metadata"]);
});

Deno.test("modules: a permission that there is not is refused", async () => {
  await using home = await openModuleHome();
  await assert.rejects(findModules(home.search("m:run")), /extension\.modules\.allow.*"m:run"/);
});
