import { dirname } from "node:path";
import type { AgentHome } from "../../src/sandbox/home.ts";

/** Extensions that ran to their end in this home, in order. */
export async function extensionRuns(home: AgentHome): Promise<readonly string[]> {
  return (await Deno.readTextFile(home.extensionRuns)).split("\n").filter((line) => line !== "");
}

/**
 * Resolves when a file has a content; looks whenever something changes in its directory.
 *
 * @throws Error when it does not come in 30 s, with what was there.
 */
export async function untilFile(
  path: string,
  matches: (content: string) => boolean,
  limitMs = 30_000,
): Promise<string> {
  using watcher = Deno.watchFs(dirname(path));
  const timer = setTimeout(() => watcher.close(), limitMs);
  try {
    let content = await readOrEmpty(path);
    if (matches(content)) return content;
    for await (const _event of watcher) {
      content = await readOrEmpty(path);
      if (matches(content)) return content;
    }
    throw new Error(
      `${path} did not come to hold what was awaited, but:\n${content.slice(-2_000)}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/**
 * A script that leaves a mark in `marks` of the home and does not end while there is a file `hold`:
 * what a test kills the agent in.
 */
export const holdingScript = `#!/bin/sh
home=$(dirname "$0")/../..
echo "$STRATOS_EVENT" >>"$home/marks"
while [ -e "$home/hold" ]; do sleep 0.05; done
`;

/**
 * A script that leaves a line in `said` of the home: its event and the values of these variables,
 * separated by blanks.
 */
export function sayingScript(names: readonly string[]): string {
  const values = ["STRATOS_EVENT", ...names].map((name) => `\${${name}-}`).join(" ");
  return `#!/bin/sh\necho "${values}" >>"$(dirname "$0")/../../said"\n`;
}

/** Resolves with the first line of `said` that begins so, now or later. */
export async function untilSaid(home: AgentHome, beginning: string): Promise<string> {
  const lineOf = (text: string) =>
    text.split("\n").slice(0, -1).find((line) => line.startsWith(beginning));
  return lineOf(await untilFile(`${home.path}/said`, (text) => lineOf(text) !== undefined))!;
}

/** Resolves when a line of the agent's own log has this in it. */
export async function untilLogged(home: AgentHome, text: string, times = 1): Promise<string> {
  const isThere = (log: string) => log.split(text).length > times;
  return await untilFile(`${home.logDir}/agent.log`, isThere);
}
