import assert from "node:assert/strict";
import { chartShape } from "../../src/status/page/chart_shape.ts";
import { EventReader } from "../../src/status/page/follow.ts";
import { phaseWords, placeOf } from "../../src/status/page/lifecycle_strip.ts";
import {
  ageText,
  bytesText,
  clockText,
  countText,
  dayText,
  durationText,
  manyText,
  percentText,
} from "../../src/status/page/words.ts";

const words: readonly [string, string][] = [
  [countText(0), "0"],
  [countText(1_234_567), "1\u202f234\u202f567"],
  [bytesText(0), "0 B"],
  [bytesText(999), "999 B"],
  [bytesText(4_812_345), "4.8 MB"],
  [bytesText(61_400_000), "61 MB"],
  [bytesText(NaN), "–"],
  [durationText(0), "0 ms"],
  [durationText(999.4), "999 ms"],
  [durationText(3_420), "3.4 s"],
  [durationText(9_960), "9 s"],
  [durationText(252_000), "4 min 12 s"],
  [ageText(-5), "0 s"],
  [ageText(59_999), "59 s"],
  [ageText(11_520_000), "3 h 12 min"],
  [ageText(183_600_000), "2 d 3 h"],
  [ageText(NaN), "–"],
  [percentText(41.25), "41.3 %"],
  [percentText(NaN), "–"],
  [clockText("never"), "–"],
  [dayText("never"), "–"],
  [manyText(1, "file"), "1 file"],
  [manyText(2_000, "file"), "2\u202f000 files"],
];

Deno.test("page words: are short and the same in every language", () => {
  for (const [text, expected] of words) assert.equal(text, expected);
});

const frame = { left: 40, top: 10, right: 340, bottom: 110 };
const nowMs = 1_800_000_000_000;
const at = (secondsAgo: number, percent: number) => ({
  timeMs: nowMs - secondsAgo * 1000,
  percent,
});

Deno.test("chart shape: spans ten, thirty or sixty minutes, as much as there is", () => {
  const span = (seconds: number) => chartShape([at(seconds, 1)], nowMs, frame).along[0]!.text;
  assert.deepEqual([10, 599, 601, 1_801, 9_999].map(span), [
    "−10 min",
    "−10 min",
    "−30 min",
    "−60 min",
    "−60 min",
  ]);
});

Deno.test("chart shape: has the axis end at a round number above the highest value", () => {
  const axis = (percent: number) => chartShape([at(0, percent)], nowMs, frame).down.at(-1)!.text;
  assert.deepEqual([0, 10, 11, 21, 51, 100, 101, 350].map(axis), [
    "10 %",
    "10 %",
    "20 %",
    "50 %",
    "100 %",
    "100 %",
    "200 %",
    "400 %",
  ]);
});

Deno.test("chart shape: puts values where the axes say", () => {
  const { points, lines } = chartShape([at(300, 25), at(290, 50), at(0, 100)], nowMs, frame);
  assert.deepEqual(points.map(({ x, y }) => [x, y]), [[190, 85], [195, 60], [340, 10]]);
  // Five minutes without a value are a gap in the line, not a line across.
  assert.deepEqual(chartShape([at(30, 0), at(15, 50), at(0, 100)], nowMs, frame).lines.length, 1);
  assert.equal(lines.length > 0 && lines[0]!.startsWith("M190 85h0L195 60"), true);
});

Deno.test("chart shape: breaks the line where measurements are missing", () => {
  const samples = [at(500, 1), at(490, 1), at(480, 1), at(100, 1), at(90, 1), at(80, 1)];
  assert.equal(chartShape(samples, nowMs, frame).lines.length, 2);
});

Deno.test("chart shape: leaves out what is too old and takes nothing for nothing", () => {
  assert.equal(chartShape([at(4_000, 1), at(10, 1)], nowMs, frame).points.length, 1);
  assert.deepEqual(chartShape([], nowMs, frame).lines, []);
});

Deno.test("event reader: puts events together from pieces cut anywhere", () => {
  const text =
    'retry: 2000\n\n: still here\n\nevent: activity\nid: a-7\ndata: {"id":\ndata: 1}\n\n' +
    "event: snapshot\r\nid: a-8\r\ndata: {}\r\n\r\n";
  const expected = [
    { type: "activity", id: "a-7", data: '{"id":\n1}' },
    { type: "snapshot", id: "a-8", data: "{}" },
  ];
  for (let cut = 0; cut <= text.length; cut++) {
    const reader = new EventReader();
    const events = [...reader.take(text.slice(0, cut)), ...reader.take(text.slice(cut))];
    assert.deepEqual(events, expected, `cut at ${cut}`);
  }
});

Deno.test("event reader: does not gather an event without an end for ever", () => {
  const reader = new EventReader();
  const megabyte = "x".repeat(1_000_000);
  assert.throws(() => {
    for (let i = 0; i < 17; i++) reader.take(megabyte);
  }, /without an end/);
});

Deno.test("lifecycle strip: knows every phase of the lifecycle in its order", () => {
  const phases = [
    "booting",
    "awaitingTopology",
    "awaitingInitialized",
    "starting",
    "awaitingArtifacts",
    "awaitingPorts",
    "active",
    "cleaning",
    "readyToShutdown",
  ];
  assert.deepEqual(phases.map(placeOf), phases.map((_, i) => i));
  assert.equal(placeOf("halted"), -1);
  assert.match(phaseWords("halted"), /required extension failed/);
  assert.equal(phaseWords("starting StartServers"), "Starting the instance: StartServers");
  assert.equal(phaseWords("somethingNew"), "somethingNew");
});
