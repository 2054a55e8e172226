/**
 * Writes src/status/page_text.ts, the status page as one text, from src/status/page/:
 *
 *     deno run --allow-read=src/status --allow-write=src/status scripts/status_page.ts
 *
 * The text is kept as a module because a sealed agent, and a binary, have no files of the program to
 * read.
 */
import { createHash } from "node:crypto";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";

const directory = new URL("../src/status/page/", import.meta.url);

/** In the order of their imports: they become one script. */
const modules = [
  "words.ts",
  "browser.ts",
  "chart_shape.ts",
  "chart.ts",
  "follow.ts",
  "lifecycle_strip.ts",
  "timeline.ts",
  "panels.ts",
  "folds.ts",
  "show.ts",
] as const;

/** The module as it has to be. */
export async function pageModule(): Promise<string> {
  const [html, css, ...sources] = await Promise.all(
    ["page.html", "page.css", ...modules].map((name) =>
      Deno.readTextFile(new URL(name, directory))
    ),
  );
  const script = `${sources.map(scriptOf).join("\n")}\nshow();\n`;
  const style = withoutNotes(css!);
  const page = html!
    .replace(/<style>[\s\S]*<\/style>/, () => `<style>${style}</style>`)
    .replace(/(<script type="module">)[\s\S]*<\/script>/, (_, tag) => `${tag}${script}</script>`);
  return `// deno-fmt-ignore-file
/** Written by scripts/status_page.ts from the files in page/. */

/** The page. */
export const pageText: string =
  ${JSON.stringify(page)};

/** Of the page's script and style, for its security policy. */
export const pageHashes = {
  script: "${hashOf(script)}",
  style: "${hashOf(style)}",
} as const;
`;
}

/** A module as a part of the script: without types, imports and exports. */
function scriptOf(source: string): string {
  const plain = stripTypeScriptTypes(source)
    .replaceAll(/^import\b[^;]*;$/gm, "")
    .replaceAll(/^export (?=\S)/gm, "");
  return withoutNotes(plain);
}

/** Comments that have lines of their own, and empty lines. */
function withoutNotes(text: string): string {
  return text.replaceAll(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, "").replaceAll(/^\s*\/\/.*$/gm, "")
    .replaceAll(/[ \t]+$/gm, "").replaceAll(/\n{2,}/g, "\n").trim() + "\n";
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

if (import.meta.main) {
  const path = fileURLToPath(new URL("../page_text.ts", directory));
  await Deno.writeTextFile(path, await pageModule());
}
