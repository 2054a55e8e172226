import { type Log, type LogRecord, makeLog } from "../src/base/log.ts";

/** A log that keeps its records for assertions. */
export interface MemoryLog extends Log {
  readonly records: readonly LogRecord[];
  /** `level name message` of every record, for messages of failed assertions. */
  text(): string;
}

/** Makes an empty {@link MemoryLog}. */
export function memoryLog(name = "test"): MemoryLog {
  const records: LogRecord[] = [];
  return {
    ...makeLog((record) => void records.push(record), name),
    records,
    text: () => records.map((r) => `${r.level} ${r.name} ${r.message}`).join("\n"),
  };
}
