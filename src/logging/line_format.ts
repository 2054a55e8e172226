import type { LogLevel } from "../base/log.ts";
import { spelled } from "./levels.ts";
import type { Plain, PlainFacts } from "./plain_facts.ts";
import { asctime, timeText } from "./time_format.ts";
import { visible } from "./visible_text.ts";

/** A record without secrets, ready to become a line. */
export interface PlainRecord {
  readonly level: LogLevel;
  /** Dotted name of the part that wrote it. */
  readonly name: string;
  readonly message: string;
  readonly facts: PlainFacts;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

/** How lines of text look. */
export interface TextLayout {
  /** In the notation of Python's `logging.Formatter`, such as {@link templateFormat}. */
  readonly format: string;
  /** How `%(asctime)s` is written, in the notation of `strftime`; absent: as Python does by default. */
  readonly timeFormat?: string;
}

/** Makes the line of a record, with its line end. */
export type LineFormat = (record: PlainRecord) => string;

/** The format of the original's template. */
export const templateFormat =
  "[%(asctime)s] %(levelname)s {%(filename)s:%(funcName)s} - %(message)s";

const field = /%\((\w+)\)(-?)(\d{0,3})[sd]|%%/g;

/**
 * Lines in the notation of Python's `logging.Formatter`; fields that are not known stay as they are. Facts follow the message as `name=value`.
 *
 * The agent's parts have dotted names instead of files and functions: `broker.outbox` reads as file
 * `broker`, function `outbox`. Line numbers and threads are 0.
 *
 * @param pid What `%(process)d` shows.
 */
export function textLines({ format, timeFormat }: TextLayout, pid: number): LineFormat {
  return (record) => {
    const fields = fieldsOf(record, timeFormat, pid);
    const line = format.replaceAll(field, (all, name, left, width) => {
      if (all === "%%") return "%";
      const read = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (read === undefined) return all;
      return left ? read().padEnd(Number(width)) : read().padStart(Number(width));
    });
    return `${line}\n`;
  };
}

function fieldsOf(
  record: PlainRecord,
  timeFormat: string | undefined,
  pid: number,
): Readonly<Record<string, () => string>> {
  const name = visible(record.name);
  const dot = name.lastIndexOf(".");
  return {
    asctime: () =>
      timeFormat === undefined ? asctime(record.timeMs) : timeText(timeFormat, record.timeMs),
    levelname: () => spelled(record.level),
    name: () => name,
    filename: () => dot < 0 ? name : name.slice(0, dot),
    funcName: () => dot < 0 ? "-" : name.slice(dot + 1),
    lineno: () => "0",
    message: () => visible(record.message) + factsAsText(record.facts),
    process: () => String(pid),
    thread: () => "0",
  };
}

/** One JSON object a line: time (ISO 8601, UTC), level, logger, message, and facts when there are any. */
export const jsonLines: LineFormat = ({ timeMs, level, name, message, facts }) => {
  const object = {
    time: new Date(timeMs).toISOString(),
    level: spelled(level),
    logger: name,
    message,
    ...Object.keys(facts).length > 0 ? { facts } : {},
  };
  return `${escapedJson(object)}\n`;
};

function factsAsText(facts: PlainFacts): string {
  return Object.entries(facts).map(([name, value]) => ` ${bare(name)}=${bare(value)}`).join("");
}

/** Plain words as they are, everything else as JSON. */
function bare(value: Plain): string {
  return typeof value === "string" && /^[^\s"=\\]+$/.test(value) && visible(value) === value
    ? value
    : escapedJson(value);
}

/** JSON that a terminal shows as it is: JSON itself leaves some control characters alone. */
function escapedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
