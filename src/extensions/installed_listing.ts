import type { Installed } from "./catalogue.ts";
import type { InstalledSurvey } from "./installed_survey.ts";

/**
 * What is installed as lines for people: which extension runs for which event and in which order,
 * what is hidden by what, what cannot run, and what is of no event.
 *
 * @param closestEvent The event or script name that a name resembles most.
 */
export function installedListing(
  { byEvent, ofNoEvent }: InstalledSurvey,
  closestEvent: (name: string) => string | undefined,
): readonly string[] {
  const width = Math.max(0, ...[...byEvent.keys()].map((event) => event.length));
  const lines = [...byEvent].flatMap(([event, installed]) =>
    installed.flatMap(linesOf).map((line, index) =>
      `  ${(index === 0 ? event : "").padEnd(width)}  ${line}`
    )
  );
  if (lines.length === 0) lines.push("  none");
  for (const path of ofNoEvent) {
    const name = path.replace(/^.*\//, "").replace(/\.(sh|d)$/, "");
    const closest = closestEvent(name);
    const hint = closest === undefined ? "" : `; the closest name is ${closest}`;
    lines.push(`  ${path} is of no event and does not run by itself${hint}`);
  }
  return ["extensions", ...lines.map((line) => visible(line.trimEnd()))];
}

function linesOf(installed: Installed): readonly string[] {
  switch (installed.kind) {
    case "script":
      return [
        installed.script,
        ...installed.hides.map((hidden) => `${hidden} does not run: hidden by ${installed.script}`),
      ];
    case "unusable":
      return [`${installed.script} CANNOT RUN: ${installed.reason}`];
    case "passedOver":
      return [`${installed.script} does not run: ${installed.reason}`];
  }
}

/** File names may hold anything; a terminal must not act on them. */
function visible(line: string): string {
  // deno-lint-ignore no-control-regex
  return line.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "?");
}
