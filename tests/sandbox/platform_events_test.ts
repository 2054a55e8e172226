import assert from "node:assert/strict";
import { Secret } from "../../src/base/secret.ts";
import { artifactUpdated } from "../../src/sandbox/artifact_event.ts";
import { gsonText } from "../../src/sandbox/gson.ts";
import { type MemberState, sandboxMember } from "../../src/sandbox/member.ts";
import { MemberRegistry } from "../../src/sandbox/member_registry.ts";
import {
  completeTenants,
  completeTopology,
  memberEvent,
  type PlatformEvent,
  type ServiceFacts,
} from "../../src/sandbox/platform_events.ts";
import { encryptRepositoryPassword } from "../../src/sandbox/repository_password.ts";
import { readVectors } from "../vectors.ts";
import { shapeOf } from "./payload_shape.ts";

const facts: ServiceFacts = {
  multiTenant: false,
  portMappings: [{ protocol: "http", port: 8080, proxyPort: 80 }],
  serviceProperties: {},
  otherServices: {},
};

/** Objects whose keys are names of services, clusters, members. */
const names = [
  ".topology.serviceMap",
  ".topology.serviceMap.*.clusterIdClusterMap",
  ".topology.serviceMap.*.clusterIdClusterMap.*.memberMap",
];

/** What the platform publishes along the life of one member, to compare with the golden sequence. */
function wholeLife(): PlatformEvent[] {
  const registry = new MemberRegistry();
  const told: PlatformEvent[] = [];
  const all = () => told.push(completeTopology(sandboxMember, facts, registry.all));
  const enter = (state: MemberState) =>
    told.push(memberEvent(registry.enter(sandboxMember.memberId, state), facts));
  told.push(memberEvent(registry.add({ identity: sandboxMember }, 1_438_263_230_000), facts));
  all();
  enter("Initialized");
  all();
  told.push(completeTenants([{ tenantId: -1234, tenantDomain: "carbon.super" }]));
  enter("Starting");
  const repository = { url: "https://example.org/a.git" };
  told.push(artifactUpdated(sandboxMember.clusterId, repository, undefined));
  enter("Active");
  all();
  told.push({
    topic: "instance/notifier/InstanceCleanupMemberEvent",
    payload: { memberId: sandboxMember.memberId },
  });
  enter("In_Maintenance");
  enter("ReadyToShutDown");
  enter("Terminated");
  return told;
}

Deno.test("platform events: have topic and shape of the golden ones when a member lives its life", () => {
  const golden = readVectors("sequence-single-member");
  const own = wholeLife();
  assert.equal(own.length, golden.length);
  for (const [index, { topic, payload, note }] of golden.entries()) {
    assert.equal(own[index]?.topic, topic, note);
    assert.deepEqual(
      shapeOf(JSON.parse(gsonText(own[index]?.payload)), names),
      shapeOf(JSON.parse(payload), names),
      note,
    );
  }
});

Deno.test("platform events: are the golden ones to the letter when the ids are theirs", () => {
  const golden = readVectors("sequence-single-member");
  const { memberId } = JSON.parse(golden[0]?.payload ?? "{}");
  const registry = new MemberRegistry();
  const identity = { ...sandboxMember, memberId };
  registry.add({ identity, state: "Active" }, 1_438_263_230_000);
  const { topology } = completeTopology(identity, facts, registry.all).payload;
  const active = golden.findLast(({ topic }) => topic === "topology/CompleteTopologyEvent");
  assert.deepEqual(JSON.parse(gsonText({ topology })), JSON.parse(active?.payload ?? ""));
});

Deno.test("platform events: leave the cluster instance out when a member is suspended", () => {
  const registry = new MemberRegistry();
  registry.add({ identity: sandboxMember, state: "Active" }, 0);
  const { topic, payload } = memberEvent(
    registry.enter(sandboxMember.memberId, "Suspended"),
    facts,
  );
  const golden = readVectors("topology").find((vector) => vector.topic === topic);
  assert.deepEqual(shapeOf(payload), shapeOf(JSON.parse(golden?.payload ?? "")));
});

Deno.test("artifact event: has the shape of the golden one when the repository is private", () => {
  const golden = readVectors("instance-notifier").find(({ note }) =>
    note.startsWith("private repo")
  );
  const event = artifactUpdated(
    sandboxMember.clusterId,
    { url: "https://example.org/a.git", username: "u", password: new Secret("p") },
    new Secret("tvnw63ufg9gh5111"),
  );
  assert.equal(event.topic, golden?.topic);
  const text = gsonText(event.payload);
  assert.deepEqual(shapeOf(JSON.parse(text)), shapeOf(JSON.parse(golden?.payload ?? "")));
  assert.match(text, /"repoPassword":"[A-Za-z0-9+/]+(\\u003d)+"/);
});

Deno.test("artifact event: leaves a field out when it is overridden with null", () => {
  const { payload } = artifactUpdated("c", { url: "u" }, undefined, {
    tenantId: null,
    repoURL: "v",
  });
  assert.deepEqual(JSON.parse(gsonText(payload)), {
    clusterId: "c",
    repoUserName: "",
    repoURL: "v",
    commitEnabled: false,
  });
});

Deno.test("repository password: is encrypted as the platform does when the key is good", () => {
  const path = new URL("../fixtures/vectors/repo-password.jsonl", import.meta.url);
  const lines = Deno.readTextFileSync(path).trim().split("\n").map((line) => JSON.parse(line));
  let compared = 0;
  for (const { plain, key, cipher, note } of lines) {
    const encrypt = () => encryptRepositoryPassword(new Secret(plain), new Secret(key));
    if (cipher === "") assert.throws(encrypt, { kind: "configuration" }, note);
    else assert.equal(encrypt(), cipher, note);
    compared++;
  }
  assert.ok(compared > 20);
});

Deno.test("gson text: escapes what Gson escapes when it writes JSON", () => {
  assert.equal(
    gsonText({ a: "<&>='\u2028é\"\\", b: null, c: undefined, d: [1, true] }),
    '{"a":"\\u003c\\u0026\\u003e\\u003d\\u0027\\u2028é\\"\\\\","d":[1,true]}',
  );
  for (const { payload } of readVectors("topology")) {
    if (payload.includes("9223372036854775807")) continue; // no number of ours
    const written = gsonText(JSON.parse(payload));
    assert.deepEqual(JSON.parse(written), JSON.parse(payload));
  }
});
