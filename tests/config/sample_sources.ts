import assert from "node:assert/strict";
import type { AgentConfig } from "../../src/config/agent_config.ts";
import { parseIni } from "../../src/config/ini.ts";
import { parseLaunchParams } from "../../src/config/launch_params.ts";
import { problemText } from "../../src/config/reader.ts";
import { type Resolution, resolve } from "../../src/config/resolve.ts";
import type { FileValue, Sources } from "../../src/config/sources.ts";

/** Sources as text, without any file. */
export interface SampleSources {
  readonly set?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, FileValue>>;
  /** Lines of the section `[agent]`. */
  readonly conf?: string;
  readonly launch?: Readonly<Record<string, string | undefined>>;
}

/** Launch parameters that every agent needs. */
export const identity: Readonly<Record<string, string>> = {
  APPLICATION_ID: "app",
  SERVICE_NAME: "php",
  CLUSTER_ID: "app.php.domain",
  CLUSTER_INSTANCE_ID: "app-1",
  MEMBER_ID: "app.php.domain-1",
  NETWORK_PARTITION_ID: "np-1",
  PARTITION_ID: "p-1",
  MULTITENANT: "false",
  TENANT_ID: "-1234",
};

/** The sources that {@link SampleSources} describe, with a complete identity and no broker. */
export function sampleSources(sample: SampleSources): Sources {
  const launch = Object.entries({ ...identity, ...sample.launch })
    .flatMap(([key, value]) => value === undefined ? [] : [`${key}=${value}`]).join(",");
  return {
    home: "/home/agent",
    commandLine: new Map(Object.entries(sample.set ?? {})),
    environment: new Map(Object.entries(sample.env ?? {})),
    fileValues: new Map(Object.entries(sample.files ?? {})),
    agentConf: {
      path: "/home/agent/agent.conf",
      content: parseIni(`[agent]\n${sample.conf ?? ""}`),
    },
    launchParams: {
      path: "/home/agent/payload/launch-params",
      content: parseLaunchParams(launch),
    },
    problems: [],
    warnings: [],
    filesLookedFor: [],
  };
}

/** What a sample comes to; a broker is given unless it is asked for without. */
export function resolved(sample: SampleSources, broker = true): Resolution {
  const launch = broker ? { "mb.urls": "mb:1883", ...sample.launch } : sample.launch ?? {};
  return resolve(sampleSources({ ...sample, launch }), "/home/agent/logs");
}

/** The configuration that a sample comes to; fails when it has problems. */
export function configOf(sample: SampleSources, broker = true): AgentConfig {
  const { config, problems, fileProblems } = resolved(sample, broker);
  assert.deepEqual([...fileProblems, ...problems.map(problemText)], []);
  assert.ok(config);
  return config;
}

/** The problems of a sample, as text. */
export function problemsOf(sample: SampleSources, broker = true): readonly string[] {
  const { config, problems, fileProblems } = resolved(sample, broker);
  assert.equal(config, undefined);
  return [...fileProblems, ...problems.map(problemText)];
}
