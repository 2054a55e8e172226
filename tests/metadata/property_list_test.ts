import assert from "node:assert/strict";
import fc from "fast-check";
import { parseProperties } from "../../src/metadata/property_list.ts";

function listOf(document: unknown): unknown {
  const parsed = parseProperties(JSON.stringify(document));
  return parsed instanceof Map ? [...parsed] : parsed;
}

const cases: readonly (readonly [string, unknown, unknown])[] = [
  ["several properties", {
    properties: [{ key: "a", values: ["1", "2"] }, { key: "b", values: [] }],
  }, [["a", ["1", "2"]], ["b", []]]],
  ["a value that is a text", { properties: [{ key: "a", values: "1" }] }, [["a", ["1"]]]],
  ["one property instead of a list", { properties: { key: "a", values: "1" } }, [["a", ["1"]]]],
  ["one property with a list", { properties: { key: "a", values: ["1"] } }, [["a", ["1"]]]],
  ["no properties", {}, []],
  ["null properties", { properties: null }, []],
  ["an empty list", { properties: [] }, []],
  ["a key without values", { properties: [{ key: "a" }, { key: "b", values: null }] }, [
    ["a", []],
    ["b", []],
  ]],
  ["values that look like numbers", { properties: [{ key: "a", values: [1, true, "x"] }] }, [
    ["a", ["1", "true", "x"]],
  ]],
  ["a key that is there twice", {
    properties: [{ key: "a", values: "1" }, { key: "a", values: ["2"] }],
  }, [["a", ["1", "2"]]]],
  ["names of an object's members", { properties: [{ key: "__proto__", values: "1" }] }, [
    ["__proto__", ["1"]],
  ]],
];

for (const [what, document, expected] of cases) {
  Deno.test(`property list: reads ${what}`, () => assert.deepEqual(listOf(document), expected));
}

Deno.test("property list: reads nothing at all as none", () => {
  assert.deepEqual(parseProperties(" \n"), new Map());
});

Deno.test("property list: is texts by texts or a reason, whatever it is given", () => {
  const part = fc.oneof(fc.string(), fc.constantFrom("properties", "key", "values"));
  const document = fc.jsonValue().chain((value) =>
    fc.oneof(
      fc.constant(value),
      fc.dictionary(part, fc.jsonValue()),
      fc.constant({ properties: value }),
      fc.constant({ properties: [{ key: "k", values: value }] }),
    )
  );
  fc.assert(
    fc.property(fc.oneof(document.map((value) => JSON.stringify(value)), fc.string()), (text) => {
      const parsed = parseProperties(text);
      if ("refused" in parsed) return assert.equal(typeof parsed.refused, "string");
      for (const [key, values] of parsed) {
        assert.equal(typeof key, "string");
        assert.ok(values.every((value) => typeof value === "string"));
      }
    }),
  );
});
