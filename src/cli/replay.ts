import { AgentError, reasonOf } from "../base/errors.ts";
import type { IdentityConfig, LifecycleConfig } from "../config/agent_config.ts";
import { decodeEvent } from "../events/decode.ts";
import { describeEffect } from "../lifecycle/describe_effect.ts";
import { Replay } from "../lifecycle/replay.ts";
import type { Settings } from "../lifecycle/state.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom } from "./load.ts";

/** A message of the file. */
interface Message {
  readonly topic: string;
  readonly payload: string;
}

/**
 * Prints what the core decides for each message of a file, as if every extension and checkout
 * succeeded at once: no network, nothing is run.
 *
 * The file holds one JSON object a line, with `topic` and `payload` (text). The own member is that of
 * the home, else the first member that the file tells of.
 *
 * @returns 1 when a message was malformed or unknown.
 */
export async function replayCommand(args: string[]): Promise<number> {
  const options = parseOptions("replay", args, configurationOptions, 1);
  const [file] = options.positionals;
  if (file === undefined) throw usage("replay: name a file of messages, or - for standard input");
  const messages = parseMessages(file, await readText(file));
  const isConfigured = options.values.home !== undefined || options.values.set !== undefined;
  const settings = isConfigured ? (await loadFrom(options)).config : settingsFrom(messages);
  console.log(`# as member ${settings.identity.memberId || "(none)"}`);
  const replay = new Replay(settings);
  print("boot", replay.input({ kind: "boot" }).map(describeEffect));
  let faults = 0;
  messages.forEach(({ topic, payload }, index) => {
    const before = replay.state.phase.kind;
    const { decoded, effects } = replay.message(topic, new TextEncoder().encode(payload));
    const after = replay.state.phase.kind;
    const phase = before === after ? [] : [`phase ${before} → ${after}`];
    if (decoded.kind === "event" || decoded.kind === "ignored") {
      return print(`${index + 1} ${topic}`, [...effects.map(describeEffect), ...phase]);
    }
    faults++;
    print(`${index + 1} ${topic}`, [
      decoded.kind === "unknown" ? "UNKNOWN topic" : `MALFORMED: ${decoded.reason}`,
    ]);
  });
  return faults > 0 ? 1 : 0;
}

function print(what: string, outcomes: readonly string[]): void {
  console.log(`${what}: ${outcomes.length === 0 ? "nothing" : outcomes.join("; ")}`);
}

async function readText(file: string): Promise<string> {
  try {
    return file === "-"
      ? await new Response(Deno.stdin.readable).text()
      : await Deno.readTextFile(file);
  } catch (error) {
    throw usage(`replay: cannot read "${file}": ${reasonOf(error)}`);
  }
}

function parseMessages(file: string, text: string): readonly Message[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const fault = `replay: "${file}", line ${index + 1}`;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch (error) {
      throw usage(`${fault}: ${reasonOf(error)}`);
    }
    const { topic, payload } = (message ?? {}) as Partial<Record<string, unknown>>;
    if (typeof topic !== "string" || typeof payload !== "string") {
      throw usage(`${fault}: needs an object with the texts "topic" and "payload"`);
    }
    return [{ topic, payload }];
  });
}

/** The first member that the messages tell of, with a repository when they announce one. */
function settingsFrom(messages: readonly Message[]): Settings {
  const events = messages.flatMap(({ topic, payload }) => {
    const decoded = decodeEvent(topic, new TextEncoder().encode(payload));
    return decoded.kind === "event" ? [decoded.event] : [];
  });
  const member = events.find((event) => "details" in event);
  const ids = member && "details" in member ? member : undefined;
  const identity: IdentityConfig = {
    applicationId: "",
    serviceName: ids?.serviceName ?? "",
    clusterId: ids?.clusterId ?? "",
    clusterInstanceId: ids?.clusterInstanceId ?? "",
    memberId: ids?.memberId ?? "",
    networkPartitionId: ids?.networkPartitionId ?? "",
    partitionId: ids?.partitionId ?? "",
    tenantId: -1234,
    multiTenant: false,
  };
  const lifecycle: LifecycleConfig = {
    ports: [],
    listenAddress: "localhost",
    portCheckTimeoutMs: 0,
    awaitsArtifacts: events.some(({ kind }) => kind === "artifactUpdated"),
    activateOnFailedCheckout: false,
    requiredExtensions: [],
    shutdownTimeoutMs: 0,
  };
  return { identity, lifecycle };
}

function usage(message: string): AgentError {
  return new AgentError(message, { kind: "usage" });
}
