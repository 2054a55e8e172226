import { agentFields, extensionFields, extensionTimeoutFields } from "./agent_fields.ts";
import { artifactFields } from "./artifact_fields.ts";
import { brokerFields } from "./broker_fields.ts";
import { cepFields, healthFields, logPublisherFields } from "./cep_fields.ts";
import { environmentOf, type Field, type FieldSection } from "./field.ts";
import { payloadFields } from "./payload_fields.ts";

/**
 * The field table: one row for each setting, in the order of the reference.
 *
 * Resolution, warnings about unknown keys, `check` and the reference are made from it alone.
 */
export const sections: readonly FieldSection[] = [
  { title: "Launch parameters", fields: Object.values(payloadFields) },
  { title: "Message broker", fields: Object.values(brokerFields) },
  { title: "Event receivers", fields: Object.values(cepFields) },
  { title: "Health statistics", fields: Object.values(healthFields) },
  { title: "Log publishing", fields: Object.values(logPublisherFields) },
  { title: "Artifacts", fields: Object.values(artifactFields) },
  {
    title: "Extensions",
    fields: [
      ...Object.values(extensionFields),
      ...extensionTimeoutFields.map(([, field]) => field),
    ],
  },
  { title: "Agent", fields: Object.values(agentFields) },
];

/** Every setting. */
export const allFields: readonly Field[] = sections.flatMap(({ fields }) => fields);

/** The variable that names the home when the command line does not. */
export const homeVariable = "AGENT_HOME";

/**
 * Every name of the environment that configuration ever reads: what `--allow-env` has to grant.
 * Sorted, each once.
 */
export const environmentNames: readonly string[] = [
  ...new Set([
    homeVariable,
    ...allFields.flatMap((field) => [
      ...environmentOf(field),
      ...field.fileVariable === undefined ? [] : [field.fileVariable],
    ]),
  ]),
].sort();

/** All names that a setting has in files and on the command line. */
export function namesOf(field: Field): readonly string[] {
  return [...new Set([field.key, ...environmentOf(field)])];
}

/** Every name of every setting in lower case, with its setting. */
export const fieldsByName: ReadonlyMap<string, Field> = new Map(
  allFields.flatMap((field) => namesOf(field).map((name) => [name.toLowerCase(), field] as const)),
);
