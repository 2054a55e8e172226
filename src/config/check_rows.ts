import { Redactor } from "../base/redactor.ts";
import type { AgentConfig } from "./agent_config.ts";
import type { Field } from "./field.ts";
import { sections } from "./fields.ts";
import { lookUp } from "./lookup.ts";
import type { ComputedValue } from "./reader.ts";
import { secretsOf } from "./secrets_of.ts";
import { shownParameter, shownText, shownValue } from "./shown_value.ts";
import type { Sources } from "./sources.ts";

/** One line of what `check` prints. */
export interface CheckRow {
  readonly section: string;
  readonly key: string;
  /** Secrets masked; `-` when the setting has no value. */
  readonly value: string;
  /** Where the value is from. */
  readonly source: string;
}

/** Every setting and every launch parameter as people may see them. */
export function checkRows(
  config: AgentConfig,
  sources: Sources,
  computed: ReadonlyMap<Field, ComputedValue>,
): readonly CheckRow[] {
  const redactor = new Redactor();
  for (const secret of secretsOf(config)) redactor.add(secret);
  const rows = [homeRow(sources), ...settingRows(sources, computed), ...parameterRows(sources)];
  // Besides the masks: a secret may have been put under a name that does not tell.
  return rows.map((row) => ({ ...row, value: redactor.redact(row.value) }));
}

function homeRow({ home, agentConf, launchParams, loggingIni }: Sources): CheckRow {
  const files = [agentConf?.path, launchParams?.path, loggingIni]
    .filter((path) => path !== undefined);
  const source = files.length === 0 ? "no files there" : `read: ${files.join(", ")}`;
  return { section: "Home", key: "home", value: shownText(home), source };
}

function settingRows(
  sources: Sources,
  computed: ReadonlyMap<Field, ComputedValue>,
): readonly CheckRow[] {
  return sections.flatMap(({ title, fields }) =>
    fields.flatMap((field): CheckRow[] => {
      const row = { section: title, key: field.key };
      const [strongest] = lookUp(field, sources).candidates;
      if (strongest && typeof strongest.text === "string") {
        const value = shownValue(field, strongest.text);
        return [{ ...row, value, source: strongest.place }];
      }
      const other = computed.get(field);
      if (other) return [{ ...row, value: shownText(other.shown), source: other.source }];
      if (field.default !== undefined) {
        return [{ ...row, value: shownValue(field, field.default), source: "default" }];
      }
      if (field.family !== undefined) return [];
      return [{ ...row, value: "-", source: field.computedDefault ?? "not set" }];
    })
  );
}

function parameterRows({ launchParams }: Sources): readonly CheckRow[] {
  return [...launchParams?.content.parameters ?? []].map(([key, value]) => ({
    section: "Launch parameters as read",
    key,
    value: shownParameter(key, value),
    source: launchParams?.path ?? "",
  }));
}
