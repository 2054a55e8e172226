import assert from "node:assert/strict";
import { join } from "node:path";
import { installedListing } from "../../src/extensions/installed_listing.ts";
import { surveyInstalled } from "../../src/extensions/installed_survey.ts";
import { openExtensionHome } from "./extension_home.ts";

Deno.test("installed listing: tells what runs, what is hidden, what cannot run and what is of no event", async () => {
  await using home = await openExtensionHome();
  await home.script("bash/StartServers.sh", "true");
  await home.script("start-servers.sh", "true");
  await home.script("StartServers.d/10-web", "true");
  await home.script("StartServers.d/20-\x1b[2Jdb", "true", 0o644);
  await home.script("StartServers.d/README", "true");
  await home.script("bash/StartServer.sh", "true");
  await home.script("Clean.d/x", "true");
  await home.script("bash/lib/told.sh", "true");
  const survey = surveyInstalled(home.extensionsDir, ["clean", "StartServers"]);
  const lines = installedListing(survey, (name) => `closest of ${name}`);
  assert.deepEqual(lines, [
    "extensions",
    "  StartServers  bash/StartServers.sh",
    "                start-servers.sh does not run: hidden by bash/StartServers.sh",
    "                StartServers.d/10-web",
    `                StartServers.d/20-?[2Jdb CANNOT RUN: ${home.extensionsDir}/StartServers.d/` +
    `20-?[2Jdb is not executable: chmod +x ${home.extensionsDir}/StartServers.d/20-?[2Jdb`,
    "                StartServers.d/README does not run: documentation",
    "  Clean.d is of no event and does not run by itself; the closest name is closest of Clean",
    "  bash/StartServer.sh is of no event and does not run by itself; the closest name is closest of StartServer",
  ]);
});

Deno.test("installed listing: says none when there is no extensions folder", () => {
  const survey = surveyInstalled(join("/nonexistent", "extensions"), ["clean"]);
  assert.deepEqual(installedListing(survey, () => undefined), ["extensions", "  none"]);
});
