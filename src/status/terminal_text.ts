import type { StatusSnapshot } from "./snapshot.ts";
import { shownLine } from "./shown_line.ts";

/** How a status is written on a terminal. */
export interface TerminalStyle {
  readonly colour: boolean;
  /** Characters of a line. */
  readonly width: number;
}

type Tone = "good" | "bad" | "quiet";

const codes: Readonly<Record<Tone, string>> = { good: "32", bad: "31", quiet: "2" };
const labelWidth = 12;
const latest = 8;

/**
 * A status as lines for a terminal: aligned, cut at the width, control characters made harmless.
 *
 * Nothing is told by colour alone.
 */
export function terminalText(status: StatusSnapshot, style: TerminalStyle): string {
  const nowMs = Date.parse(status.at);
  const ago = (at: string | undefined) =>
    at === undefined ? "never" : `${duration(nowMs - Date.parse(at))} ago`;
  const lines = new Lines(style);
  const { agent, lifecycle, readiness, broker, outbox } = status;
  lines.add(
    "member",
    `${agent.memberId} · cartridge-agent ${agent.version}, up ${
      duration(nowMs - Date.parse(agent.startedAt))
    }`,
  );
  const waits = lifecycle.waitsFor === undefined ? "" : `, waits for ${lifecycle.waitsFor}`;
  lines.add("phase", `${lifecycle.phase} since ${ago(lifecycle.since)}${waits}`);
  if (readiness.ready) lines.add("ready", "yes", "good");
  else for (const reason of readiness.reasons) lines.add("ready", `no: ${reason}`, "bad");
  lines.add(
    "broker",
    broker.connected
      ? `connected to ${broker.url ?? "?"} since ${ago(broker.since)}, ${
        counted(broker.reconnects, "reconnect")
      }`
      : `not connected${broker.lastError === undefined ? "" : `: ${broker.lastError}`}`,
    broker.connected ? undefined : "bad",
  );
  if (outbox.waiting > 0) {
    lines.add("outbox", `${counted(outbox.waiting, "status event")} not acknowledged`, "bad");
  }
  for (const { name, depth, running, runningMs, stuck } of status.lanes) {
    const work = running === undefined ? "" : `: ${running} for ${duration(runningMs ?? 0)}`;
    lines.add(
      "lane",
      `${name}, ${depth} to do${work}${stuck ? " – STUCK" : ""}`,
      stuck ? "bad" : undefined,
    );
  }
  for (const artifacts of status.artifacts) {
    const { tenantId, state, branch, commit, files, lastSyncAt, lastError, progress } = artifacts;
    const facts = [
      state,
      branch,
      commit?.slice(0, 10),
      files === undefined ? undefined : counted(files, "file"),
      progress === undefined ? undefined : progress.phase,
      `in step ${ago(lastSyncAt)}`,
      lastError,
    ];
    const text = facts.filter((fact) => fact !== undefined).join(", ");
    lines.add("artifacts", `tenant ${tenantId}: ${text}`, state === "failed" ? "bad" : undefined);
    for (const ref of artifacts.conflictRefs) lines.add("", `kept: ${ref}`, "bad");
  }
  const sample = status.health.samples.at(-1);
  if (sample !== undefined) {
    const value = (name: string, percent: number | undefined) =>
      percent === undefined ? `${name} unknown` : `${name} ${percent.toFixed(1)} %`;
    const values = [value("memory", sample.memoryPercent), value("load", sample.loadPercent)];
    lines.add("health", `${values.join(", ")}, ${ago(sample.at)}`);
  }
  for (const { purpose, url, state, sent, failed, lastError } of status.receivers) {
    const error = lastError === undefined ? "" : `: ${lastError}`;
    lines.add("receiver", `${purpose} to ${url}, ${state}, ${sent} sent, ${failed} failed${error}`);
  }
  for (const { path, lagBytes, sizeBytes } of status.logs.followers) {
    lines.add("log", `${path}, ${lagBytes} of ${sizeBytes} bytes to read`);
  }
  for (const { event, script, status: ended, ms, at, failures } of status.extensions) {
    const failed = failures === 0 ? "" : `, ${failures} failed before`;
    const tone = ended === 0 ? undefined : "bad";
    lines.add("extension", `${event} ${script}: ${ended}, ${ms} ms, ${ago(at)}${failed}`, tone);
  }
  for (const { at, title, outcome, detail } of status.activity.slice(0, latest)) {
    const ended = outcome === undefined ? "" : ` – ${outcome}`;
    const text = `${at.slice(11, 19)} ${title}${ended}${detail === undefined ? "" : `: ${detail}`}`;
    lines.add("last", text, outcome === "failed" ? "bad" : "quiet");
  }
  return lines.text;
}

/** A length of time as people say it: `12 s`, `3 h 5 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

class Lines {
  readonly #style: TerminalStyle;
  readonly #lines: string[] = [];
  #lastLabel = "";

  constructor(style: TerminalStyle) {
    this.#style = style;
  }

  /** A label is written once for the lines that follow each other. */
  add(label: string, text: string, tone?: Tone): void {
    const shown = label === this.#lastLabel ? "" : label;
    this.#lastLabel = label;
    const room = Math.max(20, this.#style.width - labelWidth);
    const line = shownLine(text, (same) => same, room);
    const toned = tone === undefined || !this.#style.colour
      ? line
      : `\x1b[${codes[tone]}m${line}\x1b[0m`;
    this.#lines.push(`${shown.padEnd(labelWidth)}${toned}`);
  }

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}
