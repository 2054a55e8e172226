import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import { TaskGroup } from "../../src/base/tasks.ts";
import { LogPublisher } from "../../src/cep/log_publisher.ts";
import { cepCaFile, type CepRecord } from "../cep_receiver.ts";
import { memoryLog } from "../memory_log.ts";
import { exampleConfig } from "../scope/example_config.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { hurriedClock } from "./hurried_clock.ts";
import { hurry, type SenderKind } from "./matrix_sender.ts";

/** Real time between two lines. */
const lineEveryMs = 20;

/** The number of a log line that arrived. */
function lineNumber({ payload }: CepRecord): number | undefined {
  const { message } = (payload ?? {}) as Record<string, unknown>;
  const digits = /^line (\d+)$/.exec(String(message))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Log lines: all of them must arrive, whatever happens. */
export const logSender: SenderKind = {
  name: "logs",
  transport: "TLS",
  numberIn: lineNumber,
  async open(receiver) {
    await using parts = new AsyncDisposableStack();
    const directory = parts.use(await temporaryDirectory());
    const path = join(directory.path, "a.log");
    await Deno.writeTextFile(path, "");
    const log = memoryLog();
    const { logPublisher, identity } = exampleConfig();
    const publisher = parts.use(
      new LogPublisher({
        config: {
          ...logPublisher,
          enabled: true,
          receiver: { host: "localhost", port: receiver.port },
          username: "admin",
          password: new Secret("admin"),
          tls: { caFile: cepCaFile("leaf"), verify: true, verifyName: true },
          paths: [path],
        },
        identity,
        checkpoint: join(directory.path, "positions.jsonl"),
        log,
        clock: hurriedClock(hurry),
        random: () => 0.99,
      }),
    );
    publisher.start();
    while (publisher.status.files.length === 0) await systemClock.sleep(5);
    let written = 0;
    const writing = new TaskGroup(log, systemClock);
    void writing.start("write lines", async (signal) => {
      while (true) {
        await Deno.writeTextFile(path, `line ${written + 1}\n`, { append: true });
        written++;
        await systemClock.sleep(lineEveryMs, signal);
      }
    }); // never rejects
    parts.defer(async () => void await writing.close(1_000));
    const owned = parts.move();
    return {
      newest: () => written,
      disturbed: () => {
        const { missedFiles, missedBytes, linesCut } = publisher.status;
        return missedFiles + missedBytes + linesCut === 0 ? [] : ["lines were missed or cut"];
      },
      complaints: () =>
        log.records.filter(({ level, message }) =>
          level !== "debug" && level !== "info" && message.includes(`localhost:${receiver.port}`)
        ).map(({ message }) => message),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

/**
 * What is wrong with the lines that arrived: each bundle must begin after the last one, or be the last
 * one again, because its confirmation did not arrive.
 */
export function faultsOfLines(records: readonly CepRecord[]): {
  readonly problems: readonly string[];
  /** Lines that arrived again. */
  readonly repeated: number;
} {
  const problems: string[] = [];
  let repeated = 0;
  let bundle = { key: "", first: 1, last: 0 };
  for (const record of records) {
    const number = lineNumber(record);
    if (number === undefined) continue;
    const key = `${record.conn} ${record.publish}`;
    if (key === bundle.key) {
      if (number !== bundle.last + 1) problems.push(`line ${number} after ${bundle.last}`);
      bundle.last = number;
      continue;
    }
    if (number === bundle.first && bundle.key !== "") repeated += bundle.last - bundle.first + 1;
    else if (number !== bundle.last + 1) problems.push(`line ${number} after ${bundle.last}`);
    bundle = { key, first: number, last: number };
  }
  return { problems, repeated };
}
