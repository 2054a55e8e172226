import assert from "node:assert/strict";
import {
  findFilterFault,
  findTopicFault,
  requireFilter,
  requireTopic,
} from "../../src/broker/topics.ts";

Deno.test("topics: accepts what MQTT accepts", () => {
  for (const filter of ["topology/#", "#", "+", "a/+/b", "/a//b", "instance/notifier/#"]) {
    assert.equal(findFilterFault(filter), undefined, filter);
  }
  for (const topic of ["initializer/CompleteTopologyRequestEvent", "/", "ä b"]) {
    assert.equal(findTopicFault(topic), undefined, topic);
  }
});

Deno.test("topics: refuses what a broker would end the connection for", () => {
  for (
    const filter of ["", "a#", "#/a", "a/#/b", "a+", "a/b+/c", "a\0", "\ud800", "x".repeat(65_536)]
  ) {
    assert.ok(findFilterFault(filter), filter);
    assert.throws(() => requireFilter(filter), { kind: "internal" });
  }
  for (const topic of ["", "a/#", "+", "a\0b", "é".repeat(32_768)]) {
    assert.ok(findTopicFault(topic), topic);
    assert.throws(() => requireTopic(topic), { kind: "internal" });
  }
});
