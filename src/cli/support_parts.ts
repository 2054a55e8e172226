import { join, relative } from "node:path";
import { lastKnown } from "../agent/last_known.ts";
import { readRecords } from "../broker/outbox_records.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import { renderCheck } from "../config/render_check.ts";
import { renderFlags } from "../scope/render_scope.ts";
import { extensionListing } from "./extension_listing.ts";
import { fetchSnapshot } from "./fetch_snapshot.ts";
import { scopeOf } from "./load.ts";
import { version } from "./version.ts";

/** A part of a support bundle: a name, and how its text is made. */
export interface SupportPart {
  readonly name: string;
  /** What it throws becomes a line of the manifest. */
  readonly text: () => Promise<string>;
}

/** Bytes of one log file, from its end. */
const logBytes = 2 * 1024 * 1024;
/** Newest first; together they stay below what a mail takes. */
const mostLogs = 8;
const mostListed = 5_000;
const logNames = /^(agent|error|cartridge-agent-extensions)\.log(\.[\w.-]+)?$/;

/** The parts that need no configuration. */
export function programParts(): readonly SupportPart[] {
  return [{ name: "versions.txt", text: () => Promise.resolve(versions()) }];
}

/** The parts of a home whose configuration can be read. */
export async function homeParts(loaded: LoadedConfig): Promise<readonly SupportPart[]> {
  const { config } = loaded;
  const { stateDir, logDir } = config.paths;
  return [
    { name: "configuration.txt", text: () => Promise.resolve(renderCheck(loaded)) },
    { name: "permissions.txt", text: async () => lines(renderFlags(await scopeOf(loaded))) },
    { name: "extensions.txt", text: async () => lines(await extensionListing(config.paths)) },
    {
      name: "status.json",
      text: async () => {
        if (config.status.listen === undefined) throw new Error("status.listen is off");
        return asJson(
          await fetchSnapshot(config.status.listen, config),
        );
      },
    },
    { name: "last-known.json", text: async () => asJson(await lastKnown(stateDir)) },
    { name: "outbox.txt", text: () => outboxTopics(stateDir) },
    { name: "state.txt", text: async () => lines(await listing(stateDir)) },
    ...await logParts(logDir),
  ];
}

function versions(): string {
  const { deno, v8, typescript } = Deno.version;
  return lines([
    `cartridge-agent ${version}`,
    `deno ${deno}`,
    `v8 ${v8}`,
    `typescript ${typescript}`,
  ]);
}

/** Topics alone: a payload names members and clusters, which the log does, too, but nobody needs it. */
async function outboxTopics(stateDir: string): Promise<string> {
  const { pending, damagedLines } = readRecords(
    await Deno.readFile(join(stateDir, "outbox.jsonl")),
  );
  const damaged = damagedLines === 0 ? [] : [`${damagedLines} damaged lines`];
  return lines([...pending.map(({ sequence, topic }) => `${sequence} ${topic}`), ...damaged]);
}

/** What lies in a directory, with modes and sizes: no content. */
async function listing(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (at: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(at)) {
      if (found.length >= mostListed) return;
      const path = join(at, name);
      const { mode, size, mtime } = await Deno.lstat(path);
      const facts = [
        (mode ?? 0).toString(8),
        size,
        mtime?.toISOString(),
        relative(directory, path),
      ];
      found.push(facts.join(" "));
      // Objects of repositories are many, and say nothing.
      if (isDirectory && name !== "objects") await visit(path);
    }
  };
  await visit(directory);
  return found.length < mostListed ? found : [...found, "and more"];
}

async function logParts(logDir: string): Promise<readonly SupportPart[]> {
  const logs: { readonly path: string; readonly timeMs: number }[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(logDir)) {
      if (!isFile || !logNames.test(name)) continue;
      const path = join(logDir, name);
      logs.push({ path, timeMs: (await Deno.stat(path)).mtime?.getTime() ?? 0 });
    }
  } catch (error) {
    const failed = () => Promise.reject(error);
    return [{ name: "logs", text: failed }];
  }
  return logs.sort((one, other) => other.timeMs - one.timeMs).slice(0, mostLogs)
    .map(({ path }) => ({ name: join("logs", relative(logDir, path)), text: () => tail(path) }));
}

/** The end of a file, from the first whole line on. */
async function tail(path: string): Promise<string> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const from = Math.max(0, size - logBytes);
  await file.seek(from, Deno.SeekMode.Start);
  // It may grow while it is read: never more than the bound.
  const bytes = new Uint8Array(Math.min(size, logBytes));
  let length = 0;
  while (length < bytes.length) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
