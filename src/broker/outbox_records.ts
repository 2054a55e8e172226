import { crc32 } from "node:zlib";
import { asciiJson } from "../base/ascii_json.ts";
import { findTopicFault } from "./topics.ts";

/** A message on its way; `sequence` grows with every message of an outbox. */
export interface OutboxMessage {
  readonly sequence: number;
  readonly topic: string;
  readonly payload: string;
}

/** What was found in an outbox file. */
export interface OutboxContent {
  /** Messages without an acknowledgement, in order. */
  readonly pending: readonly OutboxMessage[];
  /** Whole records. */
  readonly records: number;
  /** The file does not end with a whole record: the last write was cut off. */
  readonly torn: boolean;
  /** Lines before the end that are no records: the file was damaged. */
  readonly damagedLines: number;
  /** Larger than every sequence in use. */
  readonly nextSequence: number;
}

/** The line that adds a message. */
export function messageLine({ sequence, topic, payload }: OutboxMessage): string {
  return line([sequence, topic, payload]);
}

/** The line that says that a message was acknowledged. */
export function acknowledgementLine(sequence: number): string {
  return line([sequence]);
}

/** A record and its checksum: a damaged byte must not turn one message into another. */
function line(record: readonly unknown[]): string {
  return `${asciiJson([...record, crc32(asciiJson(record))])}\n`;
}

/** Reads an outbox file, whatever state it is in; never throws. */
export function readRecords(bytes: Uint8Array): OutboxContent {
  const lines = new TextDecoder().decode(bytes).split("\n");
  // After a whole record comes a line end, hence an empty last piece.
  const tail = lines.pop() ?? "";
  const pending = new Map<number, OutboxMessage>();
  let records = 0;
  let damagedLines = 0;
  let nextSequence = 1;
  for (const [at, text] of [...lines, tail].entries()) {
    const record = findRecord(text);
    if (!record) {
      if (at < lines.length) damagedLines++;
      continue;
    }
    records++;
    nextSequence = Math.max(nextSequence, record.sequence + 1);
    if (record.topic === undefined) pending.delete(record.sequence);
    else pending.set(record.sequence, { ...record, topic: record.topic });
  }
  return {
    pending: [...pending.values()],
    records,
    torn: tail !== "",
    damagedLines,
    nextSequence,
  };
}

interface AnyRecord {
  readonly sequence: number;
  /** Absent: an acknowledgement. */
  readonly topic?: string;
  readonly payload: string;
}

function findRecord(text: string): AnyRecord | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || (parsed.length !== 2 && parsed.length !== 4)) return undefined;
  const record: readonly unknown[] = parsed.slice(0, -1);
  // Written again it must be the same, checksum and all.
  if (line(record) !== `${text}\n`) return undefined;
  const [sequence, topic, payload = ""] = record;
  if (!Number.isSafeInteger(sequence) || typeof payload !== "string") return undefined;
  if (topic === undefined) return { sequence: sequence as number, payload };
  if (typeof topic !== "string" || findTopicFault(topic)) return undefined;
  return { sequence: sequence as number, topic, payload };
}
