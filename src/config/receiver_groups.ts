import type { HostPort, ReceiverGroup } from "./agent_config.ts";
import { parseHostPort, showHostPort } from "./host_port.ts";
import type { Parsed, ValueType } from "./value_types.ts";

/**
 * Receivers in the syntax of the WSO2 data agent.
 *
 * `a:1,b:2`: two groups of one, each gets every event. `{a:1|b:2}`: one group, the second when the
 * first fails. `{a:1,b:2}`: one group, in turn. Groups are separated by commas.
 */
export const receiverGroups: ValueType<readonly ReceiverGroup[]> = {
  accepted: "host:port[,host:port…], groups as {host:port|host:port} or {host:port,host:port}",
  parse: (text) => {
    const groups: ReceiverGroup[] = [];
    for (const element of topLevel(text)) {
      const inner = /^\{([^{}]*)\}$/.exec(element)?.[1];
      const parsed = inner === undefined ? group([element], "failover") : braced(inner);
      if ("refused" in parsed) return parsed;
      groups.push(parsed.value);
    }
    return groups.length === 0 ? { refused: "has no receiver" } : { value: groups };
  },
};

/** One group in the notation of the setting. */
export function showGroup({ mode, receivers }: ReceiverGroup): string {
  const peers = receivers.map(showHostPort);
  if (peers.length === 1) return peers.join("");
  return `{${peers.join(mode === "failover" ? "|" : ",")}}`;
}

/** Splits at the commas outside braces. */
function topLevel(text: string): readonly string[] {
  const elements = text.match(/(?:\{[^}]*\}?|[^,{])+/g) ?? [];
  return elements.map((element) => element.trim()).filter((element) => element !== "");
}

function braced(inner: string): Parsed<ReceiverGroup> {
  if (!inner.includes("|")) return group(inner.split(","), "loadBalance");
  if (inner.includes(",")) return { refused: "mixes | and , in one group" };
  return group(inner.split("|"), "failover");
}

function group(texts: readonly string[], mode: ReceiverGroup["mode"]): Parsed<ReceiverGroup> {
  const receivers: HostPort[] = [];
  for (const text of texts) {
    const parsed = parseHostPort(text);
    if ("refused" in parsed) return { refused: `has an element that ${parsed.refused}` };
    receivers.push(parsed.value);
  }
  return { value: { mode: receivers.length === 1 ? "failover" : mode, receivers } };
}
