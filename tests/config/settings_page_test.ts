import assert from "node:assert/strict";
import { allFields, environmentNames } from "../../src/config/fields.ts";
import { settingsPage } from "../../src/config/settings_page.ts";

Deno.test("settings page: docs/settings.md is what the field table says", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/settings.md", import.meta.url));
  assert.equal(page, settingsPage(), "run scripts/settings_page.ts");
});

Deno.test("settings page: names every setting and every variable", () => {
  const page = settingsPage();
  for (const field of allFields) assert.ok(page.includes(`\`${field.family ?? field.key}\``));
  for (const name of environmentNames) {
    assert.ok(page.includes(`\`${name}\``) || name.startsWith("EXTENSION_TIMEOUT_"), name);
  }
});
