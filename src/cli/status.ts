import { type LastKnown, lastKnown } from "../agent/last_known.ts";
import { AgentError, exitStatus, reasonOf } from "../base/errors.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import { flag } from "../scope/render_scope.ts";
import { listenGrant } from "../scope/net_grant.ts";
import { shownLine } from "../status/shown_line.ts";
import type { StatusSnapshot } from "../status/snapshot.ts";
import { terminalText } from "../status/terminal_text.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { fetchSnapshot } from "./fetch_snapshot.ts";
import { loadFrom } from "./load.ts";

const watchIntervalMs = 1_000;
/** Running, but not ready for work. */
const statusNotReady = 1;

/**
 * Shows what an agent is doing: `--watch` again and again, `--json` as the endpoint says it. `--ready`
 * and `--live` print nothing unless the answer is no; they are for probes.
 *
 * @returns 0 when it runs and is ready (with `--live`: when it runs), 1 when it is not ready, 69 when it
 *   does not run.
 */
export async function statusCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions("status", args, {
    ...configurationOptions,
    watch: { type: "boolean" },
    json: { type: "boolean" },
    ready: { type: "boolean" },
    live: { type: "boolean" },
  }, 1);
  const { config } = await loadFrom({ values, positionals });
  if (positionals[0] === "permissions") return printPermissions(config);
  if (positionals.length > 0) throw new AgentError("status: takes no argument", { kind: "usage" });
  if (values.watch === true) return await watch(config);
  const answer = await ask(config);
  if (values.ready === true || values.live === true) {
    return probe(answer, values.live === true);
  }
  if (values.json === true) {
    console.log(JSON.stringify(answer.snapshot ?? answer.known, undefined, 2));
  } else await write(textOf(answer));
  return exitOf(answer);
}

/** What was found out: from the agent itself, or from what it left. */
type Answer =
  | { readonly snapshot: StatusSnapshot; readonly known?: undefined }
  | { readonly snapshot?: undefined; readonly known: LastKnown; readonly why: string };

async function ask(config: AgentConfig): Promise<Answer> {
  const { status, paths } = config;
  const known = async (why: string) => ({ known: await lastKnown(paths.stateDir), why });
  if (status.listen === undefined) return await known("status.listen is off");
  try {
    return { snapshot: await fetchSnapshot(status.listen, config) };
  } catch (error) {
    return await known(reasonOf(error));
  }
}

function textOf(answer: Answer): string {
  if (answer.snapshot !== undefined) {
    return terminalText(answer.snapshot, { colour: isColoured(), width: columns() });
  }
  const { isRunning, memberId, published, cleanUp, waiting } = answer.known;
  return [
    `${isRunning ? "An agent runs here, and does not answer" : "No agent runs here"}: ${
      shownLine(answer.why, (same) => same)
    }`,
    `What the state directory tells of ${memberId ?? "nobody yet"}:`,
    `last status event ${published ?? "none"}${cleanUp ? ", a clean-up was asked for" : ""}`,
    `status events that no broker has acknowledged: ${waiting}`,
    "",
  ].join("\n");
}

function exitOf({ snapshot, known }: Answer): number {
  if (snapshot !== undefined) return snapshot.readiness.ready ? exitStatus.ok : statusNotReady;
  return known.isRunning ? statusNotReady : exitStatus.unavailable;
}

/** An agent without an endpoint is alive as long as it holds its lock. */
function probe(answer: Answer, isLive: boolean): number {
  const { snapshot, known } = answer;
  if (isLive) {
    const stuck = snapshot?.lanes.find((lane) => lane.stuck);
    if (stuck !== undefined) console.log(`lane ${stuck.name} is stuck`);
    else if (snapshot === undefined && !known.isRunning) console.log("no agent runs here");
    const isAlive = stuck === undefined && (snapshot !== undefined || known.isRunning);
    return isAlive ? exitStatus.ok : stuck === undefined ? exitStatus.unavailable : statusNotReady;
  }
  const status = exitOf(answer);
  if (status !== exitStatus.ok) {
    const reasons = answer.snapshot?.readiness.reasons ?? ["nobody answers"];
    console.log(reasons.join("; "));
  }
  return status;
}

/** Draws the status anew until somebody interrupts it; a terminal keeps its last picture. */
async function watch(config: AgentConfig): Promise<number> {
  while (true) {
    const answer = await ask(config);
    try {
      // From the top left corner, and nothing of the former picture below.
      await write(`\x1b[H\x1b[2J${textOf(answer)}`);
    } catch (error) {
      // Nobody looks any more.
      if (error instanceof Deno.errors.BrokenPipe) return exitStatus.ok;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, watchIntervalMs));
  }
}

function printPermissions({ status, paths }: AgentConfig): number {
  const flags = [
    ...flag("--allow-net", status.listen === undefined ? [] : [listenGrant(status.listen)]),
    ...flag("--allow-read", [paths.stateDir, ...status.tokenFile ? [status.tokenFile] : []]),
  ];
  console.log(flags.join("\n"));
  return exitStatus.ok;
}

async function write(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}

function isColoured(): boolean {
  return Deno.stdout.isTerminal() && !Deno.noColor;
}

function columns(): number {
  return Deno.stdout.isTerminal() ? Deno.consoleSize().columns : 160;
}
