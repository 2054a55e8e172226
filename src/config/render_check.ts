import type { LoadedConfig } from "./load_config.ts";

const widestKey = 44;
const widestValue = 48;

/**
 * The configuration as a table for people: value and source of every setting, then the warnings.
 * Secrets are masked. Ends with a line feed.
 */
export function renderCheck(loaded: Pick<LoadedConfig, "describe" | "warnings">): string {
  const rows = loaded.describe();
  const keyWidth = Math.min(widestKey, Math.max(...rows.map(({ key }) => key.length)));
  const valueWidth = Math.min(widestValue, Math.max(...rows.map(({ value }) => value.length)));
  const lines: string[] = [];
  let section = "";
  for (const row of rows) {
    if (row.section !== section) {
      if (section !== "") lines.push("");
      section = row.section;
      lines.push(section);
    }
    lines.push(`  ${row.key.padEnd(keyWidth)}  ${row.value.padEnd(valueWidth)}  ${row.source}`);
  }
  lines.push("", ...warningLines(loaded.warnings));
  return `${lines.join("\n")}\n`;
}

function warningLines(warnings: readonly string[]): readonly string[] {
  if (warnings.length === 0) return ["No warnings."];
  return ["Warnings", ...warnings.map((warning) => `  ${warning}`)];
}
