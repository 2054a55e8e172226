import { systemClock } from "../base/clock.ts";
import { AgentError, cannot, exitStatus } from "../base/errors.ts";
import { MetadataClient } from "../metadata/metadata_client.ts";
import type { Properties } from "../metadata/property_list.ts";
import { flag } from "../scope/render_scope.ts";
import { urlGrant } from "../scope/net_grant.ts";
import { parseOptions } from "./arguments.ts";
import { metadataSettings } from "./metadata_settings.ts";

const options = {
  home: { type: "string" },
  cluster: { type: "boolean" },
  json: { type: "boolean" },
  stdin: { type: "boolean" },
} as const;

/** What scripts can tell from a failure: there is no such value. */
const statusNone = 1;
const argumentLimit = 10_000;
const inputLimitBytes = 1 << 20;

/**
 * Reads and writes properties of the application, or of the own cluster, at the metadata service:
 * `get [KEY]`, `put KEY VALUE…`, `delete KEY VALUE`; `permissions` prints the flags that these need.
 *
 * @returns 1 when there is no such key or value.
 */
export async function metadataCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions("metadata", args, options, argumentLimit);
  const [verb, ...rest] = positionals;
  const given = {
    home: typeof values.home === "string" ? values.home : undefined,
    scope: values.cluster === true ? "cluster" : "application",
    json: values.json === true,
    stdin: values.stdin === true,
  } as const;
  const refuse = (when: boolean, reason: string) => {
    if (when) throw usage(reason);
  };
  // Never resolved: a signal ends the process.
  const { signal } = new AbortController();
  refuse(given.json && verb !== "get", "--json is for get");
  refuse(given.stdin && verb !== "put", "--stdin is for put");
  switch (verb) {
    case "get": {
      const [key] = rest;
      refuse(rest.length > 1, "get takes one key, or none for all");
      const properties = await (await client(given.home)).get(given.scope, signal);
      return key === undefined
        ? printAll(properties, given.json)
        : printOne(key, properties.get(key) ?? [], given.json);
    }
    case "put": {
      const [key, ...texts] = rest;
      if (key === undefined) throw usage("put needs a key");
      refuse(given.stdin && texts.length > 0, "put takes values or --stdin, not both");
      refuse(!given.stdin && texts.length === 0, "put needs a value");
      const all = given.stdin ? await valuesOfInput() : texts;
      await (await client(given.home)).put(given.scope, key, all, signal);
      return exitStatus.ok;
    }
    case "delete": {
      const [key, value] = rest;
      if (key === undefined || value === undefined || rest.length > 2) {
        throw usage("delete needs a key and a value");
      }
      refuse(given.scope === "cluster", "the service deletes values of the application only");
      return await (await client(given.home)).delete(key, value, signal)
        ? exitStatus.ok
        : statusNone;
    }
    case "permissions": {
      refuse(rest.length > 0, "permissions takes no argument");
      const { url, tls } = await metadataSettings(given.home);
      const read = tls.caFile === undefined ? [] : [tls.caFile];
      const flags = [...flag("--allow-net", [urlGrant(url)]), ...flag("--allow-read", read)];
      console.log(flags.join("\n"));
      return exitStatus.ok;
    }
    default:
      throw usage("say get, put, delete or permissions");
  }
}

async function client(home: string | undefined): Promise<MetadataClient> {
  const settings = await metadataSettings(home);
  return new MetadataClient({ ...settings, clock: systemClock, random: Math.random });
}

function printOne(key: string, values: readonly string[], json: boolean): number {
  if (json) console.log(JSON.stringify(values));
  else for (const line of values.map((value) => onOneLine(key, value))) console.log(line);
  return values.length > 0 ? exitStatus.ok : statusNone;
}

function printAll(properties: Properties, json: boolean): number {
  const all = [...properties];
  if (json) {
    console.log(JSON.stringify(Object.fromEntries(all)));
    return exitStatus.ok;
  }
  const lines = all.flatMap(([key, values]) =>
    values.map((value) => `${onOneLine(key, key, /[\t\r\n\0]/)}\t${onOneLine(key, value)}`)
  );
  for (const line of lines) console.log(line);
  return exitStatus.ok;
}

/** A script reads lines: what would look like more than one must not get there. */
function onOneLine(key: string, text: string, refused = /[\r\n\0]/): string {
  if (!refused.test(text)) return text;
  throw cannot(
    "print the values of",
    JSON.stringify(key).slice(1, -1),
    "one has more than one line; use --json",
    {
      kind: "input",
    },
  );
}

/** One value a line: arguments can be read by every user of the machine. */
async function valuesOfInput(): Promise<readonly string[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const refuse = (reason: string) => usage(`standard input ${reason}`);
  let text = "";
  let received = 0;
  try {
    for await (const chunk of Deno.stdin.readable) {
      received += chunk.length;
      if (received > inputLimitBytes) throw refuse(`is larger than ${inputLimitBytes} bytes`);
      text += decoder.decode(chunk, { stream: true });
    }
    text += decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw refuse("is not UTF-8");
    throw error;
  }
  const values = text.split(/\r?\n/).filter((line) => line !== "");
  if (values.length === 0) throw refuse("holds no value");
  return values;
}

function usage(reason: string): AgentError {
  return new AgentError(`metadata: ${reason}. See: help`, { kind: "usage" });
}
