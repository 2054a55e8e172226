import assert from "node:assert/strict";
import { join } from "node:path";
import { extensionListing } from "../../src/cli/extension_listing.ts";
import { openExtensionHome } from "../extensions/extension_home.ts";

Deno.test("extension listing: names the closest event and says where a Python plugin belongs", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "true");
  await home.script("bash/StartServer.sh", "true");
  await home.script("artifact-updated.sh", "true");
  await Deno.mkdir(join(home.dir, "plugins"));
  await Deno.writeTextFile(join(home.dir, "plugins", "P.yapsy-plugin"), "Description = clean");
  const lines = await extensionListing({ home: home.dir, extensionsDir: home.extensionsDir });
  assert.equal(lines[1], "  clean  clean.sh");
  assert.match(lines.join("\n"), /artifact-updated\.sh .* closest name is artifacts-updated$/m);
  assert.match(lines.join("\n"), /StartServer\.sh .* closest name is StartServers$/m);
  assert.match(lines.at(-1) ?? "", /Python plugin P .* wants clean\. .*extensions\/clean\.d\/P$/);
});
