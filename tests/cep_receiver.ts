/**
 * Starts the reference receiver of `tests/peers` (Python); see its README for flags and faults.
 */
import { fileURLToPath } from "node:url";
import { Inbox } from "./cep/inbox.ts";

const folder = fileURLToPath(new URL("peers/", import.meta.url));

/** Certificates of `tests/peers/certs`. */
export type CepCertificate = "leaf" | "self" | "selfleaf" | "cnonly" | "weak";

/** One line of its log. */
export interface CepRecord {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** A running receiver. */
export interface CepReceiver extends AsyncDisposable {
  /** TLS port on 127.0.0.1. */
  readonly port: number;
  /** Plain port. */
  readonly plainPort: number;
  /** Told of what it sees; `event` is one kind among others. */
  onRecord: (record: CepRecord) => void;
  /** Sends to the control port, e.g. `post("faults", { blackhole: true })`. */
  post(what: "faults" | "expire" | "drop" | "restart" | "reset", body?: unknown): Promise<void>;
  /** Counters of the control port. */
  stats(): Promise<Readonly<Record<string, unknown>>>;
}

/** PEM file of what verifies a certificate: the CA of `leaf`, itself for the others. */
export function cepCaFile(certificate: CepCertificate): string {
  return `${folder}certs/${certificate === "leaf" ? "ca" : certificate}.pem`;
}

/** Starts one on free ports; certificate `leaf` unless told otherwise. */
export async function startCepReceiver(
  options: { readonly certificate?: CepCertificate; readonly args?: readonly string[] } = {},
): Promise<CepReceiver> {
  const certificate = `${folder}certs/${options.certificate ?? "leaf"}`;
  const child = new Deno.Command("/usr/bin/python3", {
    args: [
      "-W",
      "ignore",
      `${folder}receiver.py`,
      ...["--port", "0", "--ssl-port", "0", "--control", "0", "--quiet", "--out", "/dev/stdout"],
      ...["--cert", `${certificate}.pem`, "--key", `${certificate}.key`],
      ...(options.certificate === "weak" ? ["--weak-key"] : []),
      ...(options.args ?? []),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const first = new Inbox<string>();
  let onLine: (line: string) => void = first.push;
  const reading = readLines(child.stdout, (line) => onLine(line));
  const ready: { port: number; sslPort: number; control: number } = JSON.parse(await first.next());
  const control = `http://127.0.0.1:${ready.control}`;
  const receiver: CepReceiver = {
    port: ready.sslPort,
    plainPort: ready.port,
    onRecord: () => {},
    post: async (what, body = {}) => {
      const response = await fetch(`${control}/${what}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${what}: ${text}`);
    },
    stats: async () => await (await fetch(`${control}/stats`)).json(),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await child.status;
      await reading;
    },
  };
  onLine = (line) => receiver.onRecord(JSON.parse(line));
  return receiver;
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
}
