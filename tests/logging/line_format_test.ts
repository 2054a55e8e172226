import assert from "node:assert/strict";
import fc from "fast-check";
import { asctime } from "../../src/logging/time_format.ts";
import {
  jsonLines,
  type PlainRecord,
  templateFormat,
  textLines,
} from "../../src/logging/line_format.ts";
import { visible } from "../../src/logging/visible_text.ts";

const record: PlainRecord = {
  level: "warning",
  name: "broker.outbox",
  message: "Kept back",
  facts: {},
  timeMs: new Date(2026, 0, 2, 3, 4, 5, 6).getTime(),
};
const template = textLines({ format: templateFormat }, 42);

Deno.test("text line: is as the original's template writes it", () => {
  assert.equal(template(record), "[2026-01-02 03:04:05,006] WARNING {broker:outbox} - Kept back\n");
  assert.equal(
    template({ ...record, name: "agent" }),
    "[2026-01-02 03:04:05,006] WARNING {agent:-} - Kept back\n",
  );
});

Deno.test("text line: has milliseconds after a comma when the time has few", () => {
  assert.equal(asctime(new Date(2026, 11, 31, 23, 59, 59, 0).getTime()), "2026-12-31 23:59:59,000");
});

for (
  const [format, line] of [
    ["%(levelname)-9s|%(levelname)9s|", "WARNING  |  WARNING|\n"],
    ["%(name)s %(process)d %(thread)d %(lineno)d", "broker.outbox 42 0 0\n"],
    ["100%% %(nonsense)s %(constructor)s %d", "100% %(nonsense)s %(constructor)s %d\n"],
    ["", "\n"],
  ] as const
) {
  Deno.test(`text line: follows the format ${JSON.stringify(format)}`, () => {
    assert.equal(textLines({ format }, 42)(record), line);
  });
}

Deno.test("text line: has the facts behind the message, as JSON where a word would not do", () => {
  const facts = { host: "a.b:1", text: 'say "x"\n', n: 3, list: [1, "two"], none: null, empty: "" };
  assert.ok(
    template({ ...record, facts }).endsWith(
      'Kept back host=a.b:1 text="say \\"x\\"\\n" n=3 list=[1,"two"] none=null empty=""\n',
    ),
  );
});

Deno.test("json line: is one object with time, level, logger, message and facts", () => {
  const line = jsonLines({ ...record, timeMs: 0, level: "critical", facts: { a: [1] } });
  assert.deepEqual(JSON.parse(line), {
    time: "1970-01-01T00:00:00.000Z",
    level: "CRITICAL",
    logger: "broker.outbox",
    message: "Kept back",
    facts: { a: [1] },
  });
  assert.ok(!("facts" in JSON.parse(jsonLines(record))));
});

Deno.test("visible text: shows what would forge a record or turn a line around", () => {
  assert.equal(
    visible("a\nb\r\tc\x1b[2J\x00\x9b\u2028\u202e"),
    "a\\nb\\r\\tc\\x1b[2J\\x00\\x9b\\u2028\\u202e",
  );
  assert.equal(visible("größer \\n 東京 🙂"), "größer \\n 東京 🙂");
});

const anyText = fc.string({ unit: "binary", maxLength: 60 });
const anyRecord = fc.record({
  level: fc.constantFrom("debug", "info", "warning", "error", "critical"),
  name: anyText,
  message: anyText,
  facts: fc.dictionary(anyText, fc.oneof(anyText, fc.integer(), fc.array(anyText))),
  timeMs: fc.constant(0),
});

Deno.test("lines: are one line without control characters whatever is in the record", () => {
  fc.assert(fc.property(anyRecord, (any) => {
    for (const line of [template(any as PlainRecord), jsonLines(any as PlainRecord)]) {
      assert.ok(line.endsWith("\n"));
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(line.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
    }
  }));
});

Deno.test("json line: gives back what was written", () => {
  fc.assert(fc.property(anyRecord, (any) => {
    const { message, logger, facts } = JSON.parse(jsonLines(any as PlainRecord));
    assert.equal(message, any.message);
    assert.equal(logger, any.name);
    assert.deepEqual(facts ?? {}, JSON.parse(JSON.stringify(any.facts)));
  }));
});
