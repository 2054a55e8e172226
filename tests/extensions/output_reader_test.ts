import assert from "node:assert/strict";
import fc from "fast-check";
import { lineText } from "../../src/extensions/line_text.ts";
import { OutputReader } from "../../src/extensions/output_reader.ts";

const wide = { lineBytes: 1_000, bytes: 100_000, lines: 1_000 };
const encode = (text: string) => new TextEncoder().encode(text);

async function linesOf(
  chunks: readonly Uint8Array[],
  limits = wide,
): Promise<{ lines: string[]; leftOut: number }> {
  const lines: string[] = [];
  await using reader = new OutputReader(
    ReadableStream.from(chunks),
    limits,
    (line) => lines.push(line),
  );
  await reader.ended;
  return { lines, leftOut: reader.bytesLeftOut };
}

Deno.test("output reader: passes on lines, however they come in", () =>
  fc.assert(fc.asyncProperty(
    fc.array(fc.stringMatching(/^[a-zäü ]{0,20}$/)),
    fc.integer({ min: 1, max: 7 }),
    async (texts, size) => {
      const bytes = encode(texts.map((text) => `${text}\n`).join(""));
      const chunks = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, n) => bytes.slice(n * size, (n + 1) * size),
      );
      assert.deepEqual(await linesOf(chunks), { lines: texts, leftOut: 0 });
    },
  )));

Deno.test("output reader: passes on a last line without an end", async () => {
  assert.deepEqual((await linesOf([encode("a\nb")])).lines, ["a", "b"]);
});

Deno.test("output reader: cuts a long line and goes on with the next", async () => {
  const limits = { ...wide, lineBytes: 4 };
  assert.deepEqual((await linesOf([encode("abc"), encode("def\ngh\n")], limits)).lines, [
    "abcd … (2 more bytes)",
    "gh",
  ]);
});

Deno.test("output reader: reads on and counts when a limit is passed", async () => {
  const chunks = Array.from({ length: 100 }, () => encode("0123456789\n"));
  const byBytes = await linesOf(chunks, { ...wide, bytes: 22 });
  assert.deepEqual(byBytes, { lines: ["0123456789", "0123456789"], leftOut: 98 * 11 });
  const byLines = await linesOf(chunks, { ...wide, lines: 1 });
  assert.deepEqual(byLines, { lines: ["0123456789"], leftOut: 99 * 11 });
});

Deno.test("output reader: stops reading at a limit when it is told to", async () => {
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encode("0123456789\n")),
    cancel: () => void (cancelled = true),
  });
  await using reader = new OutputReader(endless, { ...wide, bytes: 22 }, () => {});
  reader.closeWhenFull();
  await reader.ended;
  assert(cancelled);
});

Deno.test("output reader: ends when it is closed, twice is once", async () => {
  const reader = new OutputReader(new ReadableStream({}), wide, () => {});
  await reader[Symbol.asyncDispose]();
  await reader[Symbol.asyncDispose]();
  await reader.ended;
});

Deno.test("output reader: ends when the pipe breaks", async () => {
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error("broken")),
  });
  await using reader = new OutputReader(broken, wide, () => {});
  await reader.ended;
});

Deno.test("line text: spells out what acts on a terminal or a log", () => {
  assert.equal(lineText(encode("a\tb\x1b[0m\x07\x7f\x9b\r\r")), "a\tb\\x1b[0m\\x07\\x7f\\x9b");
  assert.equal(lineText(encode("a\rb\u2028c\u202ed")), "a\\x0db\\u2028c\\u202ed");
  assert.equal(lineText(new Uint8Array([0x61, 0xff, 0x62])), "a\ufffdb");
});

Deno.test("line text: is one line without controls, whatever the bytes are", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(lineText(bytes), /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/);
  }));
});

Deno.test("output reader: shows no part of a secret that lies where a line is cut", () =>
  fc.assert(fc.asyncProperty(fc.nat(60), fc.nat(8_000), async (before, after) => {
    const text = `${"x".repeat(before)}canary-secret${"y".repeat(after)}\n`;
    const limits = { ...wide, lineBytes: 40 };
    const redact = (line: string) => line.replaceAll("canary-secret", "***");
    const lines: string[] = [];
    const output = ReadableStream.from([encode(text)]);
    await using reader = new OutputReader(output, limits, (line) => lines.push(line), redact);
    await reader.ended;
    assert.equal(lines.length, 1);
    // A line that is not cut is for the log to redact.
    if (text.length > 41) assert.doesNotMatch(lines[0]!, /can/);
  })));
