import assert from "node:assert/strict";
import * as fc from "fast-check";
import { messageFrom, moduleLimits } from "../../src/extensions/module_messages.ts";

const metadata = (request: unknown) =>
  messageFrom({ kind: "ask", id: 1, question: { what: "metadata", request } });

Deno.test("messages: whatever a module posts is a message within bounds or none", () => {
  const text = fc.oneof(
    fc.string(),
    fc.constant("x".repeat(moduleLimits.metadataText + 1)),
    fc.constantFrom("application", "cluster", "get", "put", "delete"),
  );
  const anything = fc.oneof(fc.anything(), text, fc.array(text, { maxLength: 200 }));
  const request = fc.record(
    {
      kind: fc.constantFrom("get", "put", "delete", "drop"),
      scope: anything,
      key: anything,
      value: anything,
      values: anything,
    },
    { requiredKeys: [] },
  );
  const isText = (value: unknown) =>
    typeof value === "string" && value.length <= moduleLimits.metadataText;
  fc.assert(fc.property(request, (given) => {
    const message = metadata(given);
    if (message === undefined) return;
    assert(message.kind === "ask" && message.question.what === "metadata");
    const asked = message.question.request;
    if (asked.kind !== "delete") assert(["application", "cluster"].includes(asked.scope));
    if (asked.kind !== "get") assert(isText(asked.key));
    if (asked.kind === "delete") assert(isText(asked.value));
    if (asked.kind === "put") {
      assert(asked.values.length <= moduleLimits.metadataValues && asked.values.every(isText));
    }
  }));
  fc.assert(fc.property(fc.anything(), (given) => {
    messageFrom(given);
    metadata(given);
  }));
});

Deno.test("messages: requests for the metadata service that are right come through", () => {
  for (
    const request of [
      { kind: "get", scope: "cluster" },
      { kind: "put", scope: "application", key: "k", values: ["a", ""] },
      { kind: "delete", key: "k", value: "v" },
    ]
  ) {
    assert.deepEqual(metadata(request), {
      kind: "ask",
      id: 1,
      question: { what: "metadata", request },
    });
  }
});
