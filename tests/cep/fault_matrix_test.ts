import assert from "node:assert/strict";
import { type CepReceiver, type CepRecord, startCepReceiver } from "../cep_receiver.ts";
import { peerTest } from "../system_peers.ts";
import { Inbox } from "./inbox.ts";
import { faultsOfLines, logSender } from "./matrix_log_sender.ts";
import { healthSender, hurry, intervalMs, plainSender, type SenderKind } from "./matrix_sender.ts";

/** Everything that sends; each is a row of cells. */
const senders: readonly SenderKind[] = [healthSender, plainSender, logSender];

/** A fault of the receiver: what it is started with, how it begins and how it ends. */
interface Fault {
  readonly args?: readonly string[];
  readonly begin: (receiver: CepReceiver) => Promise<void>;
  /** Absent: it is over as soon as it has happened. */
  readonly end?: (receiver: CepReceiver) => Promise<void>;
  /** It outlives what is tried again at once: a sender must say in its log what is wrong. */
  readonly isLasting?: true;
  /** How many intervals it is left alone. Default 1.4. */
  readonly intervals?: number;
}

function setting(name: string, on: unknown, off: unknown, isLasting = true): Fault {
  return {
    begin: (receiver) => receiver.post("faults", { [name]: on }),
    end: (receiver) => receiver.post("faults", { [name]: off }),
    ...(isLasting ? { isLasting: true } : {}),
  };
}

const slowMs = 2 * 10_000 / hurry;

/** Every fault that the receiver of `tests/peers` offers. */
const faults: Readonly<Record<string, Fault>> = {
  "refuse": {
    begin: async (receiver) => {
      await receiver.post("faults", { refuse: true });
      await receiver.post("drop");
    },
    end: (receiver) => receiver.post("faults", { refuse: false }),
    isLasting: true,
  },
  // The usual back-off would be at its longest when this ends.
  "refuse, long": {
    begin: async (receiver) => {
      await receiver.post("faults", { refuse: true });
      await receiver.post("drop");
    },
    end: (receiver) => receiver.post("faults", { refuse: false }),
    isLasting: true,
    intervals: 3.2,
  },
  "blackhole": {
    begin: async (receiver) => {
      await receiver.post("faults", { blackhole: true });
      await receiver.post("drop");
    },
    end: (receiver) => receiver.post("faults", { blackhole: false }),
    isLasting: true,
  },
  "drop_after 1, before": setting("drop_after", 1, 0, false),
  "drop_after 1, after": {
    args: ["--drop-when", "after"],
    ...setting("drop_after", 1, 0, false),
  },
  "drop_after 2, before": setting("drop_after", 2, 0, false),
  "slow_ms": setting("slow_ms", slowMs, 0),
  "slow_method publish": {
    args: ["--slow-method", "publish"],
    ...setting("slow_ms", slowMs, 0),
  },
  "expire_every 1": setting("expire_every", 1, 0),
  "expire_every 2": setting("expire_every", 2, 0, false),
  "internal_error_every 1": setting("internal_error_every", 1, 0),
  "internal_error_every 1, close": {
    args: ["--internal-error", "close"],
    ...setting("internal_error_every", 1, 0, false),
  },
  "reject_auth": {
    begin: async (receiver) => {
      await receiver.post("faults", { reject_auth: true });
      await receiver.post("expire");
    },
    end: (receiver) => receiver.post("faults", { reject_auth: false }),
    isLasting: true,
  },
  "restart, down 1 s": { begin: (receiver) => receiver.post("restart", { down: 1 }) },
  "expire": { begin: (receiver) => receiver.post("expire") },
  "drop": { begin: (receiver) => receiver.post("drop") },
  "idle connections closed": {
    args: ["--ssl-idle-timeout", "0.2"],
    begin: () => Promise.resolve(),
  },
  "short sessions": { args: ["--session-ttl", "1"], begin: () => Promise.resolve() },
};

/** One cell: what came of a fault. */
interface Cell {
  readonly fault: string;
  readonly sender: SenderKind;
  /** With which value it went on after the fault's end, or how many lines came again. */
  readonly outcome: string;
  readonly problems: readonly string[];
}

async function play(fault: string, sender: SenderKind): Promise<Cell> {
  const { args = [], begin, end, isLasting, intervals = 1.4 } = faults[fault]!;
  const arrived = new Inbox<number>();
  const records: CepRecord[] = [];
  await using receiver = await startCepReceiver({ args });
  receiver.onRecord = (record) => {
    if (record.kind === "event") records.push(record);
    const number = record.kind === "event" ? sender.numberIn(record) : undefined;
    if (number !== undefined) arrived.push(number);
  };
  await using running = await sender.open(receiver);
  await arrived.next();
  await begin(receiver);
  if (end) {
    await new Promise((resolve) => setTimeout(resolve, intervals * intervalMs / hurry));
    await end(receiver);
  }
  const made = running.newest();
  const first = await arrived.find((number) => number >= made);
  const next = await arrived.find((number) => number > first);
  const problems = [
    ...next > made + 2 ? [`value ${next} was the second, ${made} were made before`] : [],
    ...running.disturbed(),
  ];
  const complaints = running.complaints();
  if (sender !== plainSender) {
    // One line for each change of state: away, or saying no.
    if (complaints.length > 2) problems.push(`${complaints.length} warnings: ${complaints.at(-1)}`);
    if (isLasting && complaints.length === 0) problems.push("nothing was logged");
  }
  if (sender === logSender) {
    const lines = faultsOfLines(records);
    problems.push(...lines.problems);
    const outcome = `every line to ${next}, ${lines.repeated} again`;
    return { fault, sender, outcome, problems };
  }
  if (sender === healthSender) {
    if (first > made + 1) problems.push(`value ${first} was the first, ${made} were made before`);
  }
  const values = first - made;
  const outcome = values === 0 ? "the value in hand" : `value +${values}`;
  return { fault, sender, outcome, problems };
}

/** One line for each cell. */
function table(cells: readonly Cell[]): string {
  const header = ["fault", "sender", "transport", "resumed with", "result"];
  const rows = cells.map(({ fault, sender, outcome, problems }) => [
    fault,
    sender.name,
    sender.transport,
    outcome,
    problems.length === 0 ? "ok" : problems.join("; "),
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => `${row[column]}`.length))
  );
  return [header, ...rows]
    .map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ").trimEnd())
    .join("\n");
}

/** So many at a time: each has two receivers and mostly waits. */
const atATime = 6;

peerTest("fault matrix: every sender resumes within one interval after every fault", [
  "cep-receiver",
], async () => {
  const waiting = senders.flatMap((sender) =>
    Object.keys(faults).map((fault) => ({ fault, sender }))
  );
  const cells: Cell[] = [];
  const work = async () => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
      const { fault, sender } = cell;
      try {
        cells.push(await play(fault, sender));
      } catch (error) {
        cells.push({ fault, sender, outcome: "failed", problems: [String(error)] });
      }
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  console.log(table(cells));
  assert.equal(cells.length, senders.length * Object.keys(faults).length);
  assert.deepEqual(
    cells.filter(({ problems }) => problems.length > 0)
      .map(({ fault, sender, problems }) => `${sender.name} × ${fault}: ${problems.join("; ")}`),
    [],
  );
});
