import assert from "node:assert/strict";
import fc from "fast-check";
import { configOf, problemsOf, resolved, type SampleSources } from "./sample_sources.ts";

Deno.test("precedence: the strongest source that is set decides", () => {
  const all = {
    set: { "artifact.update.interval": "1" },
    env: { ARTFCT_UPDATE_INT: "2" },
    conf: "artifact.update.interval = 3",
    launch: { ARTFCT_UPDATE_INT: "4" },
  };
  const order = ["set", "env", "conf", "launch"] as const;
  for (const [index] of order.entries()) {
    const left = Object.fromEntries(order.slice(index).map((kind) => [kind, all[kind]]));
    assert.equal(configOf(left).artifacts.updateIntervalMs, (index + 1) * 1000);
  }
  assert.equal(configOf({}).artifacts.updateIntervalMs, 15_000);
});

Deno.test("precedence: holds for any set of sources", () => {
  const value = fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined });
  fc.assert(fc.property(value, value, value, value, (set, env, conf, launch) => {
    const config = configOf({
      ...set === undefined ? {} : { set: { "extension.grace": `${set % 601}` } },
      ...env === undefined ? {} : { env: { EXTENSION_GRACE: `${env % 601}` } },
      ...conf === undefined ? {} : { conf: `extension.grace: ${conf % 601}` },
      launch: { "extension.grace": launch === undefined ? undefined : `${launch % 601}` },
    });
    const expected = set ?? env ?? conf ?? launch ?? 5;
    assert.equal(config.extensions.graceMs, (expected % 601) * 1000);
  }));
});

Deno.test("precedence: a refused value does not fall back to a weaker source", () => {
  const [problem, ...others] = problemsOf({
    env: { ARTFCT_UPDATE_INT: "soon" },
    conf: "artifact.update.interval = 3",
  });
  assert.deepEqual(others, []);
  assert.equal(
    problem,
    'artifact.update.interval: "soon" (environment ARTFCT_UPDATE_INT) is not a whole number; ' +
      "accepted: a whole number from 1 to 604800",
  );
});

Deno.test("names: launch-params know a setting by its key and by its environment names", () => {
  for (const name of ["APPLICATION_PATH", "APP_PATH"]) {
    assert.equal(
      configOf({ launch: { [name]: "/var/www" } }).artifacts.applicationPath,
      "/var/www",
    );
  }
  for (const name of ["lb.private.ip", "LB_PRIVATE_IP"]) {
    assert.equal(configOf({ launch: { [name]: "10.0.0.9" } }).extensions.lbPrivateIp, "10.0.0.9");
  }
});

Deno.test("names: agent.conf and the command line know both, in any case", () => {
  assert.equal(configOf({ conf: "Artifact.Branch = a" }).artifacts.branch, "a");
  assert.equal(configOf({ conf: "artifact_branch = a" }).artifacts.branch, "a");
  assert.equal(configOf({ set: { ARTIFACT_BRANCH: "b" } }).artifacts.branch, "b");
  assert.equal(configOf({ set: { "Artifact.Branch": "b" } }).artifacts.branch, "b");
});

Deno.test("identity: comes from the environment before launch-params", () => {
  const { identity, launchParameters } = configOf({
    env: { MEMBER_ID: "other-member", TENANT_ID: "7", MULTITENANT: "true" },
  });
  assert.equal(identity.memberId, "other-member");
  assert.equal(identity.tenantId, 7);
  assert.equal(identity.multiTenant, true);
  assert.equal(identity.clusterId, "app.php.domain");
  assert.equal(launchParameters["MEMBER_ID"], "other-member");
});

Deno.test("agent.conf: empty, null and the own placeholder count as not set", () => {
  for (const unset of ["", "null", "NULL", "Null", "ARTFCT_UPDATE_INT", '""']) {
    const config = configOf({
      conf: `artifact.update.interval = ${unset}`,
      launch: { ARTFCT_UPDATE_INT: "4" },
    });
    assert.equal(config.artifacts.updateIntervalMs, 4000, unset);
  }
});

Deno.test("agent.conf: a placeholder under another key is a value", () => {
  assert.equal(configOf({ conf: "mb.username = MB-PASSWORD" }).broker.username, "MB-PASSWORD");
  assert.equal(configOf({ conf: "mb.username = mb-username" }).broker.username, "mb-username");
  assert.deepEqual(configOf({ conf: "mb.ip = MB-PORT\nmb.port = 1" }, false).broker.urls, [
    { host: "MB-PORT", port: 1 },
  ]);
});

Deno.test("placeholders: are values outside agent.conf", () => {
  assert.equal(configOf({ launch: { MB_USERNAME: "MB-USERNAME" } }).broker.username, "MB-USERNAME");
  assert.equal(configOf({ env: { MB_USERNAME: "MB-USERNAME" } }).broker.username, "MB-USERNAME");
});

Deno.test("auto.commit: COMMIT_ENABLED in launch-params wins over agent.conf", () => {
  const cases: readonly (readonly [SampleSources, boolean])[] = [
    [{}, false],
    [{ conf: "auto.commit = true" }, true],
    [{ conf: "auto.commit = true", launch: { COMMIT_ENABLED: "false" } }, false],
    [{ conf: "auto.commit = false", launch: { COMMIT_ENABLED: "true" } }, true],
    [{ conf: "auto.commit = false", launch: { "auto.commit": "true" } }, false],
    [{ launch: { "auto.commit": "true" } }, true],
    [{ launch: { "auto.commit": "true", COMMIT_ENABLED: "false" } }, false],
    [{ env: { COMMIT_ENABLED: "true" }, launch: { COMMIT_ENABLED: "false" } }, true],
    [{ set: { "auto.commit": "true" }, launch: { COMMIT_ENABLED: "false" } }, true],
  ];
  for (const [sample, expected] of cases) {
    assert.equal(configOf(sample).artifacts.autoCommit, expected, JSON.stringify(sample));
  }
});

Deno.test("auto.checkout: has no such exception", () => {
  const sample = { conf: "auto.checkout = true", launch: { CHECKOUT_ENABLED: "false" } };
  assert.equal(configOf(sample).artifacts.autoCheckout, true);
});

Deno.test("mb.urls: from any source wins over mb.ip and mb.port from any", () => {
  const samples: readonly SampleSources[] = [
    { set: { "mb.ip": "x", "mb.port": "1" }, launch: { MB_URLS: "u:2,v:3" } },
    { env: { MB_IP: "x", MB_PORT: "1" }, conf: "mb.urls = u:2,v:3" },
    { conf: "mb.ip = x\nmb.port = 1\nmb.urls = u:2,v:3" },
    { conf: "mb.ip = x", env: { MB_URLS: "u:2,v:3" } },
    { conf: "mb.port = 1", env: { MB_URLS: "u:2,v:3", MB_PORT: "tcp://10.1.1.1:1883" } },
  ];
  for (const sample of samples) {
    assert.deepEqual(configOf(sample, false).broker.urls, [
      { host: "u", port: 2 },
      { host: "v", port: 3 },
    ]);
  }
});

Deno.test("mb.ip and mb.port: may come from different sources", () => {
  const { broker } = configOf({ env: { MB_IP: "::1" }, launch: { MB_PORT: "1884" } }, false);
  assert.deepEqual(broker.urls, [{ host: "::1", port: 1884 }]);
});

Deno.test("service links: are no ports, and the debug log says so", () => {
  const link = "tcp://10.1.1.1:1883";
  const sample = {
    env: { MB_IP: "mb", MB_PORT: link, CEP_PORT: "TCP://10.1.1.2:7711" },
    conf: "mb.port = 1884",
    launch: { CEP_PORT: link },
  };
  const { broker, cep } = configOf(sample, false);
  assert.deepEqual(broker.urls, [{ host: "mb", port: 1884 }]);
  assert.deepEqual(cep.groups[0]?.receivers, [{ host: "mb", port: 7711 }]);
  assert.deepEqual(resolved(sample, false).debug, [
    "mb.port: environment MB_PORT is a Kubernetes service link, not a port",
    "thrift.receiver.port: environment CEP_PORT is a Kubernetes service link, not a port",
    "thrift.receiver.port: /home/agent/payload/launch-params (CEP_PORT) is a Kubernetes service " +
    "link, not a port",
  ]);
});

Deno.test("receivers: the strongest source with a list or a host decides, the list within one", () => {
  const first = (sample: SampleSources) => configOf(sample).cep.groups[0]?.receivers[0];
  const conf = "thrift.receiver.urls = list:1";
  assert.deepEqual(first({}), { host: "mb", port: 7711 });
  assert.deepEqual(first({ conf }), { host: "list", port: 1 });
  assert.deepEqual(first({ conf, env: { CEP_IP: "one", CEP_PORT: "2" } }), {
    host: "one",
    port: 2,
  });
  assert.deepEqual(first({ conf, env: { CEP_IP: "one" } }), { host: "one", port: 7711 });
  assert.deepEqual(first({ conf, launch: { CEP_IP: "one" } }), { host: "list", port: 1 });
  assert.deepEqual(first({ conf, env: { CEP_PORT: "2" } }), { host: "list", port: 1 });
  assert.deepEqual(first({ env: { CEP_IP: "one", CEP_URLS: "u:3" } }), { host: "u", port: 3 });
  assert.deepEqual(first({ conf: "thrift.receiver.ip = f\nthrift.receiver.port = 4" }), {
    host: "f",
    port: 4,
  });
});

Deno.test("secret files: count before the plain variable, with a warning, and before agent.conf", () => {
  const files = { MB_PASSWORD_FILE: { path: "/run/secrets/mb", value: "from-file" } };
  const sample = {
    files,
    env: { MB_PASSWORD: "from-variable", MB_PASSWORD_FILE: "/run/secrets/mb", MB_USERNAME: "u" },
    conf: "mb.password = from-conf",
  };
  assert.equal(configOf(sample).broker.password?.open(), "from-file");
  assert.ok(
    resolved(sample).warnings.includes(
      "MB_PASSWORD_FILE and MB_PASSWORD are both set; the file counts",
    ),
  );
});

Deno.test("secret files: one that cannot be had is a problem", () => {
  const files = { MB_PASSWORD_FILE: { path: "/run/secrets/mb", refused: "does not exist" } };
  assert.deepEqual(problemsOf({ files }), [
    "mb.password: the value (environment MB_PASSWORD_FILE, file /run/secrets/mb) does not exist; " +
    "accepted: any text",
  ]);
});

Deno.test("command line: an empty value counts as not set", () => {
  assert.equal(
    configOf({ set: { "mb.username": "" }, conf: "mb.username = u" }).broker.username,
    "u",
  );
});
