import { type Clock, systemClock, withDeadline } from "../base/clock.ts";
import { cannot, reasonOf } from "../base/errors.ts";
import { openPorts } from "../base/tcp_probe.ts";
import { healthPace } from "./health_pace.ts";
import { hints } from "./hints.ts";
import { lifeSteps, stepNames } from "./life_steps.ts";
import { type Pace, playTheWayDown, playTheWayUp } from "./play.ts";
import type { Sighting } from "./sighting.ts";
import { openStage, type Stage } from "./stage.ts";
import { describe, formatLine } from "./timeline.ts";

/** How the sandbox runs. */
export interface SandboxOptions {
  /** Play the whole life and end; otherwise stay alive after activation until the signal fires. */
  readonly once: boolean;
  /** Prints one line. */
  readonly write: (line: string) => void;
  readonly colour: boolean;
  /**
   * Starts the agent in a home as the command `run` does.
   *
   * Nothing but the home may configure it: not the environment of the sandbox.
   *
   * @param signal Fires when the sandbox is to end.
   * @param onOutput Told of each line that an extension prints, and of failures; must not throw.
   */
  readonly startAgent: (
    home: string,
    signal: AbortSignal,
    onOutput: (event: string, line: string) => void,
  ) => Promise<SandboxAgent>;
  /**
   * Absolute path of extensions to run a copy of instead of the shipped ones; what they print is shown.
   */
  readonly extensionsFrom?: string;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  /** `false`: without artifacts, as where Git is not installed. Default `true`. */
  readonly git?: boolean;
  readonly clock?: Clock;
  /** Longest life, in milliseconds. Default 60,000. */
  readonly limitMs?: number;
  /** Longest wait for one step, in milliseconds. Default 20,000. */
  readonly stepLimitMs?: number;
  /** Between Started and the opening of the application's port, in milliseconds. Default 800. */
  readonly portDelayMs?: number;
}

/** The agent, as far as the sandbox holds it. */
export interface SandboxAgent {
  /** Settles when the agent is to end, or has ended, although nobody stopped it. */
  readonly terminated?: Promise<unknown>;
  /** Ends it in order and names what did not end with it. */
  stop(): Promise<readonly string[]>;
}

/** What came of it. */
export interface SandboxOutcome {
  /** Names of the steps that did not happen; without `once` only those of the way up. */
  readonly missing: readonly string[];
  /** Names of the steps that cannot happen here, because there is no Git. */
  readonly skipped: readonly string[];
}

const stopLimitMs = 15_000;
const probeLimitMs = 1_000;
/** Nearly 25 days, the longest that a timer can wait. */
const foreverMs = 2 ** 31 - 1;

/**
 * Shows the agent: opens all its peers and a home, runs it, and prints what happens, one line an event.
 *
 * Everything is closed and removed when this returns or throws.
 *
 * @throws AgentError when a peer cannot be opened; whatever `startAgent` throws.
 */
export async function runSandbox(options: SandboxOptions): Promise<SandboxOutcome> {
  const clock = options.clock ?? systemClock;
  const startMs = clock.monotonicMs();
  const isShown = healthPace(clock);
  // The first line tells where to look; its port is known when the peers are there.
  const early: string[] = [];
  let write: SandboxOptions["write"] = (line) => early.push(line);
  const show = (sighting: Sighting) => {
    const line = isShown(sighting) ? describe(sighting) : undefined;
    if (line) write(formatLine(line, clock.monotonicMs() - startMs, options.colour));
  };
  await using stage = await openStage(
    show,
    clock,
    options.git ?? true,
    options.extensionsFrom,
  );
  options.write(`Status page: http://127.0.0.1:${stage.statusPort}/`);
  for (const line of early.splice(0)) options.write(line);
  write = options.write;
  const { life, peers, see } = stage;
  if (!peers.artifacts) {
    const what = "Git is not there: the steps about artifacts are skipped";
    see({ kind: "note", who: "sandbox", what });
  }
  await runAgent(options, stage, clock, startMs + (options.limitMs ?? 60_000));
  const missing = life.missing(options.once ? undefined : "up");
  if (options.once) summarize(missing, life.skipped, see);
  return { missing, skipped: life.skipped };
}

async function runAgent(
  options: SandboxOptions,
  stage: Stage,
  clock: Clock,
  deadlineMs: number,
): Promise<void> {
  // The shipped scripts print what everybody knows by then.
  const isShown = options.extensionsFrom !== undefined;
  const onOutput = (event: string, line: string) => {
    if (isShown) stage.see({ kind: "output", event, line });
  };
  const agent = await options.startAgent(stage.home.path, options.signal, onOutput);
  const lost = new AbortController();
  let ending = false;
  const ended = (reason: string) => {
    if (ending) return;
    stage.see({ kind: "agentLost", reason });
    lost.abort(new Error(reason));
  };
  // Handled both ways, and of no interest once the agent is being ended.
  void agent.terminated?.then(() => ended("by itself"), (error) => ended(reasonOf(error)));
  const pace: Pace = {
    clock,
    portDelayMs: options.portDelayMs ?? 800,
    stepLimitMs: options.stepLimitMs ?? 20_000,
    deadlineMs,
    signal: AbortSignal.any([options.signal, lost.signal]),
  };
  try {
    await playTheWayUp(stage, pace);
    if (options.once) await playTheWayDown(stage, pace);
    else await stayAlive(options, stage, clock, pace.signal);
  } catch (error) {
    // Ctrl-C and the agent's own end are ends of the play, not failures of the sandbox.
    if (!pace.signal.aborted || error !== pace.signal.reason) throw error;
  } finally {
    ending = true;
    stage.see({ kind: "agentEnded", stragglers: await stopped(agent, clock) });
  }
}

/** Until Ctrl-C; whoever tries out the clean-up sees the member terminated at its end. */
async function stayAlive(
  { write }: SandboxOptions,
  stage: Stage,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { life, peers, see } = stage;
  for (const step of life.missing("up")) see({ kind: "missing", step });
  const open = await openPorts("127.0.0.1", [stage.statusPort], probeLimitMs, clock, signal);
  for (const line of hints({ ...stage, showsStatus: open.size > 0 })) write(line);
  await life.until(stepNames.readyToShutdown, { timeoutMs: foreverMs, signal });
  await peers.platform.terminateMember();
  const what = "an infrastructure would end the instance now; Ctrl-C ends the sandbox";
  see({ kind: "note", who: "sandbox", what });
  await clock.sleep(foreverMs, signal);
}

async function stopped(agent: SandboxAgent, clock: Clock): Promise<readonly string[]> {
  const over = () => cannot("stop", "agent", "it did not end", { kind: "limit" });
  try {
    return await withDeadline(agent.stop(), stopLimitMs, over, clock);
  } catch (error) {
    return [reasonOf(error)];
  }
}

function summarize(
  missing: readonly string[],
  skipped: readonly string[],
  see: Stage["see"],
): void {
  const note = (what: string) => see({ kind: "note", who: "sandbox", what });
  for (const step of skipped) note(`skipped: ${step}`);
  for (const step of missing) see({ kind: "missing", step });
  if (missing.length === 0) note(`all ${lifeSteps.length - skipped.length} steps happened`);
}
