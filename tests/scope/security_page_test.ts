import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const project = new URL("../../", import.meta.url);

function* testFiles(directory: URL): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const url = new URL(isDirectory ? `${name}/` : name, directory);
    if (isDirectory) yield* testFiles(url);
    else if (name.endsWith(".ts")) yield url;
  }
}

Deno.test("security page: every test that it names exists", async () => {
  const page = await Deno.readTextFile(new URL("docs/security.md", project));
  // In italics; one underscore may stand inside a title.
  const named = [...page.replaceAll(/\s+/g, " ").matchAll(/ _(\w[^_]*?: (?:[^_]|_(?= names))*)_/g)]
    .map(([, title]) => title!);
  assert.ok(named.length > 35, `${named.length} tests are named`);
  let texts = "";
  for (const url of testFiles(new URL("tests/", project))) {
    if (url.href !== import.meta.url) texts += await Deno.readTextFile(fileURLToPath(url));
  }
  const missing = named.filter((title) =>
    !texts.includes(`"${title}"`) && !texts.includes(`\`${title}\``)
  );
  assert.deepEqual(missing, []);
});
