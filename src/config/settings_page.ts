import { environmentOf, type Field, type FieldSection } from "./field.ts";
import { homeVariable, sections } from "./fields.ts";

const introduction = `# Settings

<!-- Generated from src/config/fields.ts by scripts/settings_page.ts. -->

A setting is looked for on the command line (\`--set key=value\`), in the environment, in
\`agent.conf\`, in \`payload/launch-params\`, and then has its default; the first place where it is set
counts. It is known by its key and by its environment names everywhere but in the environment, where
only the latter exist. Empty values and \`null\` count as not set; so does, in \`agent.conf\`, the key's
own placeholder of the original's template. All problems are reported at once, and the agent then
does not start (exit status 78). \`cartridge-agent check\` shows every value and where it is from.

Files are looked for below the home: \`--home\`, else \`${homeVariable}\`, else the current directory.

| File          | Places, in order                                 |
| ------------- | ------------------------------------------------ |
| agent.conf    | \`agent.conf\`, \`conf/agent.conf\`                  |
| launch-params | \`payload/launch-params\`, \`payload/launch.params\` |
| logging.ini   | \`logging.ini\`, \`conf/logging.ini\`                |

Three rules are special: \`mb.urls\` from any place wins over \`mb.ip\` and \`mb.port\` from any;
\`COMMIT_ENABLED\` in launch-params wins over \`auto.commit\` in \`agent.conf\`; \`tcp://…\` where a port
belongs is what Kubernetes sets for a service of that name, and is ignored.

A secret can also come from a file that the variable named with it holds the path of; the line end
at the file's end is not part of it. The file wins over the plain variable. On the command line a
secret is refused: every user of the machine can read arguments.

Every pair of launch-params reaches the extensions, known here or not.
`;

/** The reference of all settings, in Markdown as \`deno fmt\` leaves it. */
export function settingsPage(): string {
  return [alignTables(introduction), ...sections.map(sectionText)].join("\n");
}

function sectionText({ title, fields }: FieldSection): string {
  const families = new Set<string>();
  const rows = fields.filter(({ family }) => {
    if (family === undefined) return true;
    const isFirst = !families.has(family);
    families.add(family);
    return isFirst;
  }).map(rowOf);
  const header = ["Setting", "Environment", "Default", "Accepted", "Meaning", "Placeholder"];
  return `## ${title}\n\n${table([header, ...rows])}\n`;
}

function rowOf(field: Field): readonly string[] {
  const variables = field.family === undefined
    ? [...environmentOf(field), ...field.fileVariable === undefined ? [] : [field.fileVariable]]
    : ["EXTENSION_TIMEOUT_<EVENT>"];
  const accepted = field.unit === undefined
    ? field.type.accepted
    : `${field.type.accepted}, in ${field.unit}`;
  return [
    code(field.family ?? field.key) + (field.required ? " (required)" : ""),
    variables.map(code).join(", "),
    field.default === undefined ? escaped(field.computedDefault ?? "–") : code(field.default),
    escaped(accepted),
    escaped(field.meaning),
    (field.tokens ?? []).map(code).join(", "),
  ];
}

function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

/** Text in a cell: nothing in it is markup. */
function escaped(text: string): string {
  return text.replaceAll(/[\\|*_<>[\]]/g, "\\$&");
}

/** Lines a table up. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => [...row[column] ?? ""].length))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - [...cell].length)).join(" | ")
    } |`;
  const [header = [], ...body] = rows;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(header), rule, ...body.map(line)].join("\n");
}

function alignTables(markdown: string): string {
  return markdown.replaceAll(/(?:^\|.*\n)+/gm, (found) => {
    const rows = found.trim().split("\n").map((row) => row.split("|").slice(1, -1));
    const cells = rows.map((row) => row.map((cell) => cell.trim()));
    return `${table(cells.filter((_, index) => index !== 1))}\n`;
  });
}
