import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/base/clock.ts";
import { type Log, type LogRecord, makeLog } from "../../src/base/log.ts";
import type { ExtensionsConfig } from "../../src/config/agent_config.ts";
import {
  ExtensionRunner,
  type ExtensionRunnerOptions,
} from "../../src/extensions/extension_runner.ts";
import type { ExtensionFacts, ExtensionRequest } from "../../src/extensions/request.ts";

/** The project's own `extensions` folder. */
export const shippedExtensions = fileURLToPath(new URL("../../extensions", import.meta.url));

/** An agent's home in a temporary folder, with the real launcher. */
export interface ExtensionHome extends AsyncDisposable {
  readonly dir: string;
  readonly extensionsDir: string;
  readonly launcher: string;
  readonly stateDir: string;
  /** Writes an extension; a body without `#!` gets `#!/bin/sh`. */
  script(path: string, body: string, mode?: number): Promise<string>;
}

export async function openExtensionHome(): Promise<ExtensionHome> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "extension home " }));
  const extensionsDir = join(dir, "extensions");
  const launcher = join(extensionsDir, "launcher");
  await Deno.mkdir(join(extensionsDir, "bash"), { recursive: true });
  await Deno.mkdir(join(dir, "state"), { mode: 0o700 });
  await Deno.copyFile(join(shippedExtensions, "launcher"), launcher);
  await Deno.chmod(launcher, 0o755);
  return {
    dir,
    extensionsDir,
    launcher,
    stateDir: join(dir, "state"),
    script: async (path, body, mode = 0o755) => {
      const file = join(extensionsDir, path);
      await Deno.mkdir(dirname(file), { recursive: true });
      await Deno.writeTextFile(file, body.startsWith("#!") ? body : `#!/bin/sh\n${body}\n`);
      await Deno.chmod(file, mode);
      return file;
    },
    [Symbol.asyncDispose]: async () => {
      // Nothing that was started here is left, neither launchers and guards nor scripts.
      await until(`nobody runs in ${dir}`, async () => !(await isAtWorkIn(dir)));
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** A log whose records can be waited for. */
export interface WatchedLog extends Log {
  readonly records: readonly LogRecord[];
  /** Messages of output lines. */
  readonly output: readonly string[];
  /** Resolves when a record's message contains the text. */
  until(text: string): Promise<LogRecord>;
}

export function watchedLog(): WatchedLog {
  const records: LogRecord[] = [];
  const output: string[] = [];
  const waiting = new Set<(record: LogRecord) => void>();
  const log = makeLog((record) => {
    records.push(record);
    if (record.name === "extensions.output") output.push(record.message);
    for (const tell of waiting) tell(record);
  }, "extensions");
  return {
    ...log,
    records,
    output,
    until: (text) =>
      new Promise((resolve) => {
        const tell = (record: LogRecord) => {
          if (!record.message.includes(text)) return;
          waiting.delete(tell);
          resolve(record);
        };
        waiting.add(tell);
        for (const record of records) tell(record);
      }),
  };
}

/** A runner on a home, with short limits. */
export function runnerOn(
  home: ExtensionHome,
  log: Log,
  config: Partial<ExtensionsConfig> = {},
  options: Partial<ExtensionRunnerOptions> = {},
): ExtensionRunner {
  return new ExtensionRunner({
    config: {
      timeoutMs: 60_000,
      timeoutMsByEvent: {},
      graceMs: 400,
      allowedModules: [],
      ...config,
    },
    paths: home,
    launchParameters: {},
    broker: () => ({ host: "mb.example.org", port: 1883 }),
    log,
    clock: systemClock,
    ...options,
  });
}

export const noFacts: ExtensionFacts = {
  serviceProperties: {},
  clusterProperties: {},
  memberProperties: {},
};

export function requestOf(
  event: string,
  values: Readonly<Record<string, string>> = {},
  facts: ExtensionFacts = noFacts,
): ExtensionRequest {
  return { event, values, facts: () => facts };
}

export const never = new AbortController().signal;

/** Resolves when a file is there; fails after ten seconds. */
export async function untilExists(path: string): Promise<void> {
  await until(`${path} exists`, async () => await Deno.lstat(path).then(() => true, () => false));
}

/** Resolves when a process has ended, reaped or not; fails after ten seconds. */
export async function untilGone(pid: number): Promise<void> {
  await until(`process ${pid} is gone`, async () => !(await isAlive(pid)));
}

/** Whether a process runs. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

/** Whether a process has the folder in its command line or works in it. */
async function isAtWorkIn(dir: string): Promise<boolean> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const commandLine = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    const cwd = await Deno.readLink(`/proc/${name}/cwd`).catch(() => "");
    if (commandLine.includes(dir) || cwd.startsWith(dir)) return true;
  }
  return false;
}

/** Resolves when something holds that nobody tells, as what /proc shows; fails after ten seconds. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const last = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > last) throw new Error(`not within ten seconds: ${what}`);
    await systemClock.sleep(20);
  }
}

/** The process that a line of output names. */
export function pidIn(output: readonly string[]): number {
  const pid = output.map((line) => /^pid (\d+)$/.exec(line)?.[1]).find((found) => found);
  assert(pid, `no pid in ${output.join(" | ")}`);
  return Number(pid);
}
