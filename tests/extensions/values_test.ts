import assert from "node:assert/strict";
import fc from "fast-check";
import {
  buildValues,
  type ExtensionValues,
  type ValueSources,
} from "../../src/extensions/values.ts";
import { noFacts } from "./extension_home.ts";

function valuesOf(sources: Partial<ValueSources>): ExtensionValues {
  return buildValues({
    event: "StartServers",
    eventValues: {},
    facts: noFacts,
    launchParameters: {},
    config: {},
    ...sources,
  });
}

const textsOf = (sources: Partial<ValueSources>) => Object.fromEntries(valuesOf(sources).texts);

Deno.test("values: gives only the event when nothing is known", () => {
  const values = valuesOf({});
  assert.deepEqual(Object.fromEntries(values.texts), { STRATOS_EVENT: "StartServers" });
  assert.deepEqual([...values.documents], []);
  assert.deepEqual(values.args, []);
});

Deno.test("values: gives all that the agent knows", () => {
  const topology = { serviceMap: {} };
  const values = valuesOf({
    eventValues: { MADE_UP: "x" },
    facts: {
      topology,
      members: { m: {} },
      tenants: [],
      lbPrivateIp: "10.0.0.1",
      lbPublicIp: "1.2.3.4",
      serviceProperties: { a: "1" },
      clusterProperties: { b: "2" },
      memberProperties: { c: "3" },
    },
    launchParameters: { MEMBER_ID: "m-1", CARTRIDGE_KEY: "key" },
    launchParamsFile: "/home/payload/launch-params",
    config: {
      applicationPath: "/var/www",
      persistenceMapping: "/dev/vdb|/data",
      lbPrivateIp: "unused",
      lbPublicIp: "unused",
    },
    broker: { host: "::1", port: 1883 },
  });
  assert.deepEqual(Object.fromEntries(values.texts), {
    STRATOS_EVENT: "StartServers",
    STRATOS_MB_IP: "::1",
    STRATOS_MB_PORT: "1883",
    STRATOS_APPLICATION_PATH: "/var/www",
    STRATOS_APP_PATH: "/var/www",
    STRATOS_PARAM_FILE_PATH: "/home/payload/launch-params",
    STRATOS_PERSISTENCE_MAPPINGS: "/dev/vdb|/data",
    STRATOS_LB_IP: "10.0.0.1",
    STRATOS_LB_PUBLIC_IP: "1.2.3.4",
    STRATOS_SERVICE_PROPERTY_a: "1",
    STRATOS_CLUSTER_PROPERTY_b: "2",
    STRATOS_MEMBER_PROPERTY_c: "3",
    STRATOS_MADE_UP: "x",
    STRATOS_MEMBER_ID: "m-1",
    STRATOS_CARTRIDGE_KEY: "key",
  });
  assert.equal(values.documents.get("STRATOS_TOPOLOGY_JSON"), topology);
  assert.deepEqual([...values.documents.keys()], [
    "STRATOS_TOPOLOGY_JSON",
    "STRATOS_MEMBER_LIST_JSON",
    "STRATOS_TENANT_LIST_JSON",
  ]);
});

Deno.test("values: gives the configured load balancer when the topology has none", () => {
  const texts = textsOf({ config: { lbPrivateIp: "10.0.0.9", lbPublicIp: "1.2.3.9" } });
  assert.equal(texts.STRATOS_LB_IP, "10.0.0.9");
  assert.equal(texts.STRATOS_LB_PUBLIC_IP, "1.2.3.9");
});

Deno.test("values: launch parameters win over all but EVENT", () => {
  const values = valuesOf({
    event: "clean",
    eventValues: { MEMBER_ID: "event's", EVENT: "event's", X: "event's" },
    facts: { ...noFacts, topology: {}, memberProperties: { c: "property" } },
    launchParameters: {
      MEMBER_ID: "own",
      EVENT: "parameter",
      MB_IP: "parameter",
      MEMBER_PROPERTY_c: "parameter",
      TOPOLOGY_JSON: "parameter",
      APPLICATION_PATH: "/parameter",
    },
    config: { applicationPath: "/configured" },
    broker: { host: "broker", port: 1 },
  });
  const texts = Object.fromEntries(values.texts);
  assert.equal(texts.STRATOS_MEMBER_ID, "own");
  assert.equal(texts.STRATOS_EVENT, "clean");
  assert.equal(texts.STRATOS_X, "event's");
  assert.equal(texts.STRATOS_MB_IP, "parameter");
  assert.equal(texts.STRATOS_MEMBER_PROPERTY_c, "parameter");
  assert.equal(texts.STRATOS_TOPOLOGY_JSON, "parameter");
  assert.equal(texts.STRATOS_APP_PATH, "/parameter");
  assert.deepEqual([...values.documents.keys()], []);
});

Deno.test("values: a name that no shell can read is changed, and gives way to one that can", () => {
  const texts = textsOf({
    launchParameters: { "a.b": "changed", "a-b": "second", c_d: "exact", "c.d": "x" },
  });
  assert.equal(texts.STRATOS_a_b, "changed");
  assert.equal(texts.STRATOS_c_d, "exact");
});

Deno.test("values: gives arguments to the events that have some", () => {
  const config = { persistenceMapping: "/dev/vdb|/data" };
  assert.deepEqual(valuesOf({ event: "VolumeMount", config }).args, ["/dev/vdb|/data"]);
  assert.deepEqual(
    valuesOf({ event: "VolumeMount", config, eventValues: { VALUE1: "x|/y" } }).args,
    ["x|/y"],
  );
  const eventValues = { SOURCE: "/a", DEST: "/b" };
  assert.deepEqual(valuesOf({ event: "CopyArtifacts", eventValues }).args, ["/a", "/b"]);
  assert.deepEqual(valuesOf({ event: "StartServers", eventValues }).args, []);
});

Deno.test("values: every name and value can be put into an environment, whatever is told", () => {
  const record = fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }));
  fc.assert(fc.property(record, record, record, (launchParameters, eventValues, properties) => {
    const { texts } = valuesOf({
      launchParameters,
      eventValues,
      facts: { ...noFacts, memberProperties: properties },
    });
    for (const [name, value] of texts) {
      assert.match(name, /^STRATOS_[A-Za-z0-9_]+$/);
      assert(!value.includes("\0") && value.isWellFormed());
    }
    assert.equal(texts.get("STRATOS_EVENT"), "StartServers");
  }));
});

Deno.test("values: the repository's URL carries no user information, whatever stood in it", () => {
  const launchParameters = { REPO_URL: "https://joe:s3cret@git.example.org/x.git" };
  assert.equal(textsOf({ launchParameters })["STRATOS_REPO_URL"], "https://git.example.org/x.git");
});
