/** A strict reader of Prometheus' text format 0.0.4, after its description. */

/** One metric family. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly { readonly labels: Record<string, string>; readonly value: number }[];
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Reads a whole text.
 *
 * @throws Error for whatever the format does not allow: a family twice, samples without or before
 *   their TYPE, the same series twice, an unknown escape, a missing last line feed.
 */
export function parseMetrics(text: string): readonly Family[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no line feed");
  const families = new Map<string, Family & { samples: Family["samples"][number][] }>();
  const help = new Map<string, string>();
  const series = new Set<string>();
  let current = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/s.exec(line);
    if (comment) {
      const [, kind, name = "", rest = ""] = comment;
      if (!metricName.test(name)) fail("no name");
      if (kind === "HELP") {
        if (help.has(name)) fail("HELP twice");
        help.set(name, unescaped(rest, false));
      } else {
        if (families.has(name)) fail("TYPE twice");
        if (!["counter", "gauge", "histogram", "summary", "untyped"].includes(rest)) fail("type");
        families.set(name, { name, type: rest, help: help.get(name) ?? "", samples: [] });
        current = name;
      }
      continue;
    }
    if (line.startsWith("#") || line === "") fail("a line that is nothing");
    const sample = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/s.exec(line) ?? fail("no sample");
    const [, name = "", labelText, valueText = ""] = sample;
    if (name !== current) fail("a sample apart from its TYPE");
    const labels = labelsOf(labelText, fail);
    const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
    if (series.has(key)) fail("the same series twice");
    series.add(key);
    if (!/^(?:NaN|[+-]?(?:Inf|[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?))$/.test(valueText)) {
      fail("no value");
    }
    families.get(name)!.samples.push({ labels, value: Number(valueText) });
  }
  return [...families.values()];
}

function labelsOf(text: string | undefined, fail: (why: string) => never): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text ?? "";
  while (rest !== "") {
    const [all = "", name = "", value = ""] =
      /^([^=,{}"]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?=.)|$)/.exec(rest) ?? fail("no labels");
    if (!labelName.test(name) || Object.hasOwn(labels, name)) fail("label name");
    labels[name] = unescaped(value, true);
    rest = rest.slice(all.length);
  }
  return labels;
}

function unescaped(text: string, isLabel: boolean): string {
  return text.replaceAll(/\\(.?)/gs, (all, letter) => {
    if (letter === "n") return "\n";
    if (letter === "\\" || (isLabel && letter === '"')) return letter;
    throw new Error(`unknown escape ${all}`);
  });
}
