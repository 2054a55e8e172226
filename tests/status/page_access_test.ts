import assert from "node:assert/strict";
import axe from "axe-core";
import { peerTest } from "../system_peers.ts";
import { openBrowser, openPage, StubAgent } from "./page_scene.ts";
import { activeSnapshot, bootingSnapshot } from "./sample_snapshot.ts";

for (const colorScheme of ["light", "dark"] as const) {
  peerTest(`page: has no fault that axe finds, ${colorScheme}`, ["chromium"], async () => {
    await using opened = await openBrowser();
    for (const [width, snapshot] of [[1280, bootingSnapshot()], [360, activeSnapshot()]] as const) {
      await using agent = new StubAgent(snapshot);
      const viewport = { width, height: 800 };
      const { page } = await openPage(opened.browser, agent.url, { colorScheme, viewport });
      await page.waitForSelector("main[data-state=live]");
      await page.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)");
      await page.evaluate(axe.source);
      assert.deepEqual(await faults(page), []);
      await agent.stop();
      await page.waitForSelector("main[data-state=gone]");
      assert.deepEqual(await faults(page), [], "the agent being gone");
    }
  });
}

async function faults(
  page: { evaluate(code: string): Promise<unknown> },
): Promise<readonly string[]> {
  return await page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then((result) =>
    result.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html.slice(0, 200))))`) as string[];
}
