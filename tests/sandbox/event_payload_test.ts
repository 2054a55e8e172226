import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { decodeEvent } from "../../src/events/decode.ts";
import { eventTable } from "../../src/sandbox/event_table.ts";
import { type KnownIds, listEvents, makeEvent } from "../../src/sandbox/event_payload.ts";
import { gsonText } from "../../src/sandbox/gson.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { readVectors } from "../vectors.ts";

const known: KnownIds = { ...sandboxMember, tenantId: "-1234" };
const files = ["topology", "tenant", "instance-notifier", "application-signup", "domain-mapping"];
const vectors = files.flatMap(readVectors);

function usageOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof AgentError && error.kind === "usage", String(error));
    return error.message;
  }
  return assert.fail("it did not throw");
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return typeof value === "string" ? "text" : typeof value;
}

Deno.test("event table: has every golden event under its topic with exactly its fields and types", () => {
  const golden = new Map<string, Map<string, string>>();
  for (const { topic, payload } of vectors) {
    const fields = golden.get(topic) ?? new Map<string, string>();
    for (const [name, value] of Object.entries(JSON.parse(payload))) {
      fields.set(name, typeOf(value));
    }
    golden.set(topic, fields);
  }
  const own = new Map(
    Object.entries(eventTable).map(([name, { family, fields }]) => [
      `${family}/${name}`,
      new Map(Object.entries(fields).map(([field, { type }]) => [field, type as string])),
    ]),
  );
  // No platform of 4.1 writes them.
  for (const name of ["TenantSubscribedEvent", "TenantUnSubscribedEvent"]) {
    assert.ok(own.delete(`tenant/${name}`), name);
  }
  const sorted = (map: Map<string, Map<string, string>>) =>
    Object.fromEntries(
      [...map].map(([topic, fields]) => [topic, Object.fromEntries([...fields].sort())]).sort(),
    );
  assert.deepEqual(sorted(own), sorted(golden));
});

Deno.test("event table: makes an event that the agent can read when nothing is said but the name", () => {
  for (const name of Object.keys(eventTable)) {
    const { topic, payload } = makeEvent(name, {}, known);
    const decoded = decodeEvent(topic, new TextEncoder().encode(gsonText(payload)));
    assert.equal(decoded.kind, "event", `${topic}: ${JSON.stringify(decoded)}`);
  }
});

Deno.test("event table: puts fields in the order of the golden ones", () => {
  for (const { topic, payload, note } of vectors) {
    const name = topic.slice(topic.lastIndexOf("/") + 1);
    const wire = Object.keys(JSON.parse(payload));
    const own = Object.keys(eventTable[name]!.fields).filter((field) => wire.includes(field));
    assert.deepEqual(own, wire, `${topic}, ${note}`);
  }
});

Deno.test("event payload: takes what is given over what is known, and leaves null out", () => {
  const { topic, payload } = makeEvent("DomainMappingAddedEvent", {
    tenantId: "7",
    domainName: "a=b",
    contextPath: "",
    serviceName: "null",
  }, known);
  assert.equal(topic, "domain/mapping/DomainMappingAddedEvent");
  assert.equal(
    gsonText(payload),
    '{"applicationId":"single-cartridge-app","tenantId":7,' +
      `"clusterId":"${sandboxMember.clusterId}","domainName":"a\\u003db","contextPath":""}`,
  );
});

Deno.test("event payload: reads fields by their types", () => {
  const { payload } = makeEvent("MemberActivatedEvent", {
    memberId: "m",
    portMap: '{"1":{"protocol":"tcp","value":1,"proxy":1}}',
    memberPublicIPs: '["1.2.3.4"]',
    groupId: "12",
  }, known);
  assert.deepEqual(payload["portMap"], { 1: { protocol: "tcp", value: 1, proxy: 1 } });
  assert.deepEqual(payload["memberPublicIPs"], ["1.2.3.4"]);
  assert.equal(payload["groupId"], "12");
  assert.equal(
    makeEvent("ClusterRemovedEvent", { isLbCluster: "true" }, known)
      .payload["isLbCluster"],
    true,
  );
});

Deno.test("event payload: refuses a value of another type", () => {
  for (
    const [name, field, text] of [
      ["TenantRemovedEvent", "tenantId", "seven"],
      ["TenantRemovedEvent", "tenantId", '"7"'],
      ["ClusterRemovedEvent", "isLbCluster", "yes"],
      ["CompleteTenantEvent", "tenants", "{}"],
      ["CompleteTopologyEvent", "topology", "[]"],
      ["CompleteTopologyEvent", "topology", "{"],
    ] as const
  ) {
    assert.match(
      usageOf(() => makeEvent(name, { [field]: text }, known)),
      new RegExp(`${field} must be a `),
    );
  }
  assert.match(
    usageOf(() => makeEvent("TenantCreatedEvent", { tenantId: "x" }, known)),
    /tenantId must be a whole number/,
  );
});

Deno.test("event payload: names the known fields when one is unknown", () => {
  const message = usageOf(() => makeEvent("TenantRemovedEvent", { tenant: "7" }, known));
  assert.match(message, /has no field tenant; it has tenantId$/);
  assert.match(
    usageOf(() => makeEvent("TenantRemovedEvent", { constructor: "7" }, known)),
    /no field constructor/,
  );
});

Deno.test("event payload: lists all ids that are missing, and takes them when given", () => {
  const message = usageOf(() => makeEvent("MemberStartedEvent", { memberId: "m" }, {}));
  for (const id of ["serviceName", "clusterId", "clusterInstanceId", "networkPartitionId"]) {
    assert.ok(message.includes(`--set ${id}=`), message);
  }
  assert.ok(!message.includes("memberId="), message);
  const { payload } = makeEvent("CompleteTopologyEvent", { ...sandboxMember }, {});
  assert.ok(gsonText(payload).includes(`"memberMap":{"${sandboxMember.memberId}":{`));
  // Nothing is missing where the whole field is given.
  makeEvent("CompleteTopologyEvent", { topology: '{"serviceMap":{}}' }, {});
});

Deno.test("event payload: says where events are listed when there is no such event", () => {
  for (const name of ["MemberFlew", "toString"]) {
    assert.match(usageOf(() => makeEvent(name, {}, known)), /no event .* see: emit --list/);
  }
  assert.ok(
    listEvents().includes("tenant/TenantUpdatedEvent: tenantId (number), tenantDomain"),
  );
});
