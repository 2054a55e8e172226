import { lastKnown } from "../agent/last_known.ts";
import { cannot } from "../base/errors.ts";
import type { AgentConfig, HostPort } from "../config/agent_config.ts";
import type { StatusSnapshot } from "../status/snapshot.ts";

const answerLimitMs = 5_000;
const answerLimitBytes = 8 * 1024 * 1024;

/**
 * Asks a running agent for its status.
 *
 * Two agents that are to have the same port are not taken for each other, and a token is shown only
 * while an agent holds the home: whoever listens otherwise is somebody else.
 *
 * @param listen Where it listens.
 * @throws AgentError when the answer is none of this home's agent; what `fetch` throws when nobody
 *   answers.
 */
export async function fetchSnapshot(
  { host, port }: HostPort,
  { status: { tokenFile }, paths, identity: { memberId } }: AgentConfig,
): Promise<StatusSnapshot> {
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}/status.json`;
  if (tokenFile !== undefined && !(await lastKnown(paths.stateDir)).isRunning) {
    throw cannot("ask", url, "no agent holds this home", { kind: "unavailable" });
  }
  const token = tokenFile === undefined ? undefined : (await Deno.readTextFile(tokenFile)).trim();
  const response = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(answerLimitMs),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const text = await boundedText(response);
  if (!response.ok) {
    throw cannot("ask", url, `status ${response.status}`, { kind: "unavailable" });
  }
  const value = parsed(text);
  const wrong = (reason: string) => cannot("read", url, reason, { kind: "input" });
  if (value?.format !== 1) throw wrong("this is not the status of an agent of this version");
  if (value.agent?.memberId !== memberId) throw wrong("this is the status of another agent");
  return value;
}

function parsed(text: string): StatusSnapshot | null {
  try {
    return JSON.parse(text);
  } catch {
    // The reason would quote whatever somebody else answers here.
    return null;
  }
}

async function boundedText(response: Response): Promise<string> {
  let text = "";
  for await (
    const part of (response.body ?? new Blob().stream()).pipeThrough(new TextDecoderStream())
  ) {
    text += part;
    if (text.length > answerLimitBytes) {
      throw cannot("read", response.url, "the answer is too long", { kind: "limit" });
    }
  }
  return text;
}
