import { dirname } from "node:path";
import { cannot } from "../base/errors.ts";
import { agentFields } from "../config/agent_fields.ts";
import type { MetadataConfig } from "../config/agent_config.ts";
import { homeVariable } from "../config/fields.ts";
import { payloadFields } from "../config/payload_fields.ts";
import { problemText, SettingReader } from "../config/reader.ts";
import { metadataConfig } from "../config/resolve_metadata.ts";
import {
  gatherSources,
  isUnset,
  type ReadEnvironment,
  readProcessEnvironment,
  type Sources,
} from "../config/sources.ts";

/** What talking to the metadata service takes. */
export interface MetadataSettings extends MetadataConfig {
  readonly url: string;
  readonly applicationId: string;
  readonly cartridgeAlias?: string;
}

/** How extensions are told launch parameters. */
const prefix = "STRATOS_";
const aliasParameter = "CARTRIDGE_ALIAS";
/** Read from what an extension is told where there are no launch parameters. */
const parameters = ["APPLICATION_ID", aliasParameter, "TOKEN", "METADATA_SERVICE_URL"] as const;
const parametersFile = `${prefix}PARAM_FILE_PATH`;

/**
 * The settings of the metadata service alone: a script of an extension does not have the secrets that
 * the agent's whole configuration may need.
 *
 * The home is the given one, else AGENT_HOME, else, inside an extension, the one of the launch
 * parameters that the extension is told of, else the current directory. Without launch parameters there,
 * the values that an extension is told count.
 *
 * @throws AgentError `configuration` that says what is missing and where it was looked for.
 */
export async function metadataSettings(given: string | undefined): Promise<MetadataSettings> {
  const sources = withToldParameters(
    await gatherSources({
      home: given ?? toldHome(),
      cwd: Deno.cwd(),
      readEnv: readProcessEnvironment,
    }),
    readProcessEnvironment,
  );
  const reader = new SettingReader(sources);
  const applicationId = reader.required(payloadFields.applicationId);
  if (!reader.strongest(agentFields.metadataUrl)) {
    reader.missing(agentFields.metadataUrl, "not set");
  }
  const { url, ...config } = metadataConfig(reader);
  if (url === undefined || applicationId === undefined || reader.problems.length > 0) {
    const lines = [...sources.problems, ...reader.problems.map(problemText)];
    throw cannot("use the metadata service of", sources.home, lines.join("\n"), {
      kind: "configuration",
    });
  }
  const cartridgeAlias = sources.launchParams?.content.parameters.get(aliasParameter);
  return {
    ...config,
    url,
    applicationId,
    ...(cartridgeAlias === undefined ? {} : { cartridgeAlias }),
  };
}

function toldHome(): string | undefined {
  const home = readProcessEnvironment(homeVariable);
  if (home !== undefined && !isUnset(home)) return home;
  const file = readProcessEnvironment(parametersFile);
  return file === undefined || isUnset(file) ? undefined : dirname(dirname(file));
}

function withToldParameters(sources: Sources, readEnv: ReadEnvironment): Sources {
  if (sources.launchParams) return sources;
  const told = new Map<string, string>();
  for (const name of parameters) {
    const value = readEnv(`${prefix}${name}`);
    if (value !== undefined && !isUnset(value)) told.set(name, value);
  }
  if (told.size === 0) return sources;
  const content = { parameters: told, ignoredCharacters: 0 };
  return { ...sources, launchParams: { path: `environment ${prefix}…`, content } };
}
