import { systemClock } from "../base/clock.ts";
import { AgentError, cannot, exitStatus, reasonOf } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import type { BrokerConfig } from "../config/agent_config.ts";
import { parseHostPort, showHostPort } from "../config/host_port.ts";
import { loadConfig } from "../config/load_config.ts";
import { gatherSources, readProcessEnvironment, type SourceOptions } from "../config/sources.ts";
import { type KnownIds, listEvents, makeEvent } from "../sandbox/event_payload.ts";
import { gsonText } from "../sandbox/gson.ts";
import { publishOnce } from "../sandbox/platform_client.ts";
import { parseOptions, parseSettings } from "./arguments.ts";

/** How a broker is reached. */
type Brokers = Pick<BrokerConfig, "urls" | "username" | "password" | "tls">;

const options = {
  home: { type: "string" },
  set: { type: "string", multiple: true },
  broker: { type: "string" },
  username: { type: "string" },
  "password-file": { type: "string" },
  list: { type: "boolean" },
} as const;

/** For each broker that is tried. */
const publishLimitMs = 10_000;
const passwordLimitBytes = 64 << 10;

/** Publishes one event of the platform and prints its topic and payload; `--list` prints all events. */
export async function emitCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions("emit", args, options, 1);
  if (values.list === true) {
    for (const line of listEvents()) console.log(line);
    return exitStatus.ok;
  }
  const [name] = positionals;
  if (name === undefined) throw usage("names no event; see: emit --list");
  const text = (option: keyof typeof options) => {
    const value = values[option];
    return typeof value === "string" ? value : undefined;
  };
  const source: SourceOptions = {
    home: text("home"),
    cwd: Deno.cwd(),
    readEnv: readProcessEnvironment,
  };
  const event = makeEvent(name, parseSettings(values.set), await knownIds(source));
  const brokers = await findBrokers(source, text("broker"));
  const [username, passwordFile] = [text("username"), text("password-file")];
  if (passwordFile !== undefined && (username ?? brokers.username) === undefined) {
    throw usage("--password-file needs --username: MQTT knows no password alone");
  }
  const given = {
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { password: await readPassword(passwordFile) }),
  };
  const payload = gsonText(event.payload);
  await publishToFirst({ ...brokers, ...given }, event.topic, payload);
  console.log(`${event.topic}\n${payload}`);
  return exitStatus.ok;
}

const parameters = {
  applicationId: "APPLICATION_ID",
  serviceName: "SERVICE_NAME",
  clusterId: "CLUSTER_ID",
  clusterInstanceId: "CLUSTER_INSTANCE_ID",
  memberId: "MEMBER_ID",
  networkPartitionId: "NETWORK_PARTITION_ID",
  partitionId: "PARTITION_ID",
  tenantId: "TENANT_ID",
} as const satisfies Readonly<Record<keyof KnownIds, string>>;

/** Ids of the home's member, as far as there are any: from the environment, then launch parameters. */
async function knownIds(source: SourceOptions): Promise<KnownIds> {
  const { environment, launchParams } = await gatherSources(source);
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([id, parameter]) => {
      const value = environment.get(parameter) ?? launchParams?.content.parameters.get(parameter);
      return value === undefined ? [] : [[id, value]];
    }),
  );
}

/**
 * The broker of the command line, else those of the home.
 *
 * The home's credentials are for the home's brokers alone.
 */
async function findBrokers(source: SourceOptions, given: string | undefined): Promise<Brokers> {
  if (given === undefined) return (await loadConfig(source)).config.broker;
  const parsed = parseHostPort(given);
  if (!("value" in parsed)) throw usage(`--broker ${parsed.refused}`);
  return { urls: [parsed.value] };
}

/** One line of a file: arguments can be read by every user of the machine. */
async function readPassword(path: string): Promise<Secret> {
  const wrong = (reason: string) =>
    cannot("read the password in", path, reason, { kind: "configuration" });
  let text: string;
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile || size > passwordLimitBytes) throw new Error("it is no small regular file");
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw wrong(reasonOf(error));
  }
  const password = text.replace(/\r?\n$/, "");
  if (password === "") throw wrong("it is empty");
  return new Secret(password);
}

/** Tries the brokers in order; one that refuses the credentials ends it. */
async function publishToFirst(brokers: Brokers, topic: string, payload: string): Promise<void> {
  const { urls, username, password, tls } = brokers;
  const failures: string[] = [];
  for (const url of urls) {
    const broker = {
      ...url,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    };
    try {
      return await publishOnce(topic, payload, {
        broker,
        ...(tls ? { tls } : {}),
        clientId: `emit-${crypto.randomUUID()}`,
        limitMs: publishLimitMs,
        clock: systemClock,
      });
    } catch (error) {
      const isNext = error instanceof AgentError && error.kind === "unavailable";
      if (!isNext || urls.length === 1) throw error;
      failures.push(error.message);
    }
  }
  const tried = urls.map(showHostPort).join(", ");
  throw cannot("publish to", tried, failures.join("; "), { kind: "unavailable" });
}

function usage(reason: string): AgentError {
  return new AgentError(`emit: ${reason}`, { kind: "usage" });
}
