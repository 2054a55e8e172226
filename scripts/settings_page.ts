/** Writes docs/settings.md from the field table: `deno run --allow-write=docs scripts/settings_page.ts`. */
import { settingsPage } from "../src/config/settings_page.ts";

await Deno.writeTextFile(new URL("../docs/settings.md", import.meta.url), settingsPage());
