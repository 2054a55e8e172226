import assert from "node:assert/strict";
import fc from "fast-check";
import { judge, type Judgement } from "../../src/sandbox/judgement.ts";
import { type MemberState, sandboxMember } from "../../src/sandbox/member.ts";
import { isStatusName, type StatusName, statusRules } from "../../src/sandbox/status_rules.ts";
import { readVectors } from "../vectors.ts";

const states: readonly MemberState[] = [
  "Created",
  "Initialized",
  "Starting",
  "Active",
  "In_Maintenance",
  "ReadyToShutDown",
  "Suspended",
  "Terminated",
];

/** Written out by hand: the table of the code must say the same. */
const accepted: Readonly<Record<StatusName, string>> = {
  InstanceStartedEvent: "Initialized Starting Active",
  InstanceActivatedEvent: "Starting Active",
  InstanceMaintenanceModeEvent: "Active In_Maintenance",
  InstanceReadyToShutdownEvent: "In_Maintenance ReadyToShutDown",
};

const bytes = (text: string) => new TextEncoder().encode(text);

function judgeStatus(
  event: string,
  payload: Uint8Array | Record<string, unknown>,
  state: MemberState = "Starting",
  qos: 0 | 1 | 2 = 1,
): Judgement {
  const sent = payload instanceof Uint8Array ? payload : bytes(JSON.stringify(payload));
  return judge(
    { topic: `instance/status/${event}`, payload: sent, qos },
    (id) => id === sandboxMember.memberId ? { identity: sandboxMember, state } : undefined,
  );
}

function reasonOf(judgement: Judgement): string {
  assert.equal(judgement.kind, "fault", JSON.stringify(judgement));
  return judgement.kind === "fault" ? judgement.reason : "";
}

for (const event of Object.keys(statusRules).filter(isStatusName)) {
  for (const state of states) {
    const isAccepted = accepted[event].split(" ").includes(state);
    Deno.test(`judge: ${isAccepted ? "accepts" : "drops"} ${event} when the member is ${state}`, () => {
      const judgement = judgeStatus(event, { ...sandboxMember }, state);
      assert.equal(judgement.kind, isAccepted ? "accepted" : "dropped");
      if (judgement.kind === "dropped") assert.match(judgement.reason, new RegExp(state));
    });
  }

  for (const field of statusRules[event].fields) {
    Deno.test(`judge: names the field when ${event} has no good ${field}`, () => {
      for (const wrong of [undefined, "", null, 5, {}]) {
        const reason = reasonOf(judgeStatus(event, { ...sandboxMember, [field]: wrong }));
        assert.match(reason, new RegExp(`${field} must be a string`), String(wrong));
      }
      const other = reasonOf(judgeStatus(event, { ...sandboxMember, [field]: "other" }));
      assert.match(
        other,
        field === "memberId" ? /no member other/ : new RegExp(`${field} is other`),
      );
    });
  }
}

Deno.test("judge: wants the application only of InstanceStarted when it judges fields", () => {
  const { applicationId: _, ...others } = sandboxMember;
  assert.match(reasonOf(judgeStatus("InstanceStartedEvent", others)), /applicationId/);
  assert.equal(judgeStatus("InstanceActivatedEvent", others).kind, "accepted");
});

Deno.test("judge: takes instanceId and unknown fields when they are strings", () => {
  const sent = { ...sandboxMember, instanceId: "i-1", groupId: "g" };
  assert.equal(judgeStatus("InstanceActivatedEvent", sent).kind, "accepted");
  const wrong = { ...sandboxMember, instanceId: 1 };
  assert.match(reasonOf(judgeStatus("InstanceActivatedEvent", wrong)), /instanceId/);
});

Deno.test("judge: calls a payload a fault when it is not an ASCII JSON object", () => {
  const faultOf = (payload: Uint8Array) => reasonOf(judgeStatus("InstanceStartedEvent", payload));
  assert.match(faultOf(bytes("")), /empty/);
  assert.match(faultOf(bytes("[]")), /not a JSON object/);
  assert.match(faultOf(bytes("null")), /not a JSON object/);
  assert.match(faultOf(bytes("{")), /not JSON/);
  assert.match(faultOf(bytes(JSON.stringify({ ...sandboxMember, note: "é" }))), /not ASCII/);
  assert.match(faultOf(bytes(`{"a":"${"x".repeat(70_000)}"}`)), /70008 bytes/);
});

Deno.test("judge: takes characters beyond ASCII when they are escaped", () => {
  const identity = { ...sandboxMember, applicationId: "é" };
  const payload = bytes(JSON.stringify(identity).replace("é", "\\u00e9"));
  const judgement = judge(
    { topic: "instance/status/InstanceStartedEvent", payload, qos: 1 },
    () => ({ identity, state: "Initialized" }),
  );
  assert.equal(judgement.kind, "accepted");
});

Deno.test("judge: calls it a fault when a status event may get lost at QoS 0", () => {
  const judgement = judgeStatus("InstanceStartedEvent", { ...sandboxMember }, "Initialized", 0);
  assert.match(reasonOf(judgement), /QoS 0/);
});

Deno.test("judge: calls it a fault when the topic is not that of an event", () => {
  const of = (topic: string, payload = "{}") =>
    reasonOf(judge({ topic, payload: bytes(payload), qos: 1 }, () => undefined));
  const started = JSON.stringify(sandboxMember);
  assert.match(of("instance/status/InstanceStarted", started), /no such status event/);
  assert.match(of("instance/status/toString", started), /no such status event/);
  assert.match(of("instance/status/InstanceStartedEvent/x", started), /topic/);
  assert.match(of("instance/status", started), /topic/);
  assert.match(of("initializer/Complete"), /no such request/);
  assert.match(of("other/InstanceStartedEvent", started), /topic/);
});

Deno.test("judge: takes a request only when its payload is an empty object", () => {
  const of = (payload: string) =>
    judge({
      topic: "initializer/CompleteTopologyRequestEvent",
      payload: bytes(payload),
      qos: 0,
    }, () => undefined);
  assert.deepEqual(of("{}"), { kind: "request", event: "CompleteTopologyRequestEvent" });
  assert.equal(of(" { } ").kind, "request");
  assert.match(reasonOf(of("")), /empty/);
  assert.match(reasonOf(of('{"a":1}')), /but has a/);
  assert.match(reasonOf(of("null")), /not a JSON object/);
});

Deno.test("judge: accepts what the platform's own classes write when it is complete", () => {
  const kinds = readVectors("instance-status").map(({ topic, payload, note }) => {
    const sent = JSON.parse(payload);
    const identity = { ...sandboxMember, ...sent };
    const state = topic.endsWith("StartedEvent")
      ? "Initialized"
      : topic.endsWith("ShutdownEvent")
      ? "In_Maintenance"
      : "Active";
    const judgement = judge(
      { topic, payload: bytes(payload), qos: 2 },
      () => ({ identity, state }),
    );
    return `${note}: ${judgement.kind}`;
  });
  assert.deepEqual(kinds.map((line) => line.replace(/^Java form.*:/, "Java form:")), [
    "Java form: accepted",
    "with groupId: accepted",
    "all null -> {}: fault",
    "full (has instanceId): accepted",
    "with groupId: accepted",
    "minimal: fault",
    "full: accepted",
    "full: accepted",
    "unicode+escapes: fault",
  ]);
});

Deno.test("judge: never throws when anything at all arrives", () => {
  const topic = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "instance/status/InstanceStartedEvent",
      "initializer/CompleteTenantRequestEvent",
    ),
  );
  const payload = fc.oneof(fc.uint8Array(), fc.json().map(bytes));
  fc.assert(fc.property(topic, payload, (topic, payload) => {
    const { kind } = judge(
      { topic, payload, qos: 1 },
      () => ({ identity: sandboxMember, state: "Active" }),
    );
    assert.ok(["fault", "request"].includes(kind));
  }));
});
