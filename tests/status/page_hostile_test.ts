import assert from "node:assert/strict";
import type { StatusSnapshot } from "../../src/status/snapshot.ts";
import { peerTest } from "../system_peers.ts";
import { openBrowser, openPage, StubAgent } from "./page_scene.ts";
import { activeSnapshot } from "./sample_snapshot.ts";

const attack = `</script></style><script>globalThis.taken = true</script>` +
  `<img src=x onerror="globalThis.taken = true"><a href="javascript:taken=true">x</a>`;

/** The value with an attack in every text but times and those that the page compares. */
function attacked<T>(value: T, key = ""): T {
  if (typeof value === "string") {
    const isFixed = /^\d{4}-\d\d-\d\dT/.test(value) || ["kind", "outcome", "purpose"].includes(key);
    return (isFixed ? value : value + attack) as T;
  }
  if (Array.isArray(value)) return value.map((item) => attacked(item, key)) as T;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([name, item]) => [name, attacked(item, name)]);
    return Object.fromEntries(entries);
  }
  return value;
}

peerTest("page: shows markup in any text as text", ["chromium"], async () => {
  const snapshot = attacked<StatusSnapshot>(activeSnapshot());
  await using agent = new StubAgent(snapshot);
  await using opened = await openBrowser();
  const { page, complaints } = await openPage(opened.browser, agent.url);
  await page.waitForSelector("main[data-state=live]");
  const counts = { events: { [attack]: 1 }, checkouts: {}, acknowledged: 0, healthDropped: 0 };
  agent.say({ ...snapshot, counters: counts });
  await page.locator("#counters td").getByText("onerror").waitFor({ state: "attached" });
  for (const id of ["phase", "timeline", "scripts", "artifacts", "receivers", "logs", "settings"]) {
    assert.ok(
      (await page.locator(`#${id}`).textContent())?.includes(attack),
      `${id} shows the text`,
    );
  }
  assert.equal(await page.evaluate("globalThis.taken"), undefined);
  assert.equal(await page.locator("img, iframe, object, base").count(), 0);
  assert.equal(await page.locator("script").count(), 1);
  assert.deepEqual(complaints, { violations: [], errors: [] }, "nothing was even tried");
});

peerTest("page: is given nothing that its policy forbids", ["chromium"], async () => {
  await using agent = new StubAgent(activeSnapshot());
  await using opened = await openBrowser();
  const { page, complaints } = await openPage(opened.browser, agent.url);
  await page.waitForSelector("main[data-state=live]");
  const forbidden = [
    "document.body.innerHTML = '<b>x</b>'",
    "eval('1')",
    "document.body.append(Object.assign(document.createElement('script'), { text: 'taken = 1' }))",
  ];
  for (const code of forbidden) {
    // The tool's own way in is not bound by the policy; a listener of the page is.
    await assert.rejects(
      page.evaluate(`new Promise((resolve, reject) => {
        setTimeout(() => { try { ${code}; resolve() } catch (error) { reject(error) } });
      })`),
      code,
    );
  }
  await page.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})");
  await page.evaluate("new Image().src = 'http://127.0.0.1:9/x.png'");
  await page.waitForFunction("document.images.length === 0");
  assert.ok(complaints.violations.some((text) => text.includes("Content Security Policy")));
});

peerTest(
  "page: tells of an answer that it cannot show, and goes on when it can",
  ["chromium"],
  async () => {
    await using agent = new StubAgent({ at: "never" } as unknown as StatusSnapshot);
    await using opened = await openBrowser();
    const { page } = await openPage(opened.browser, agent.url);
    await page.locator("#notice").getByText(/the page cannot show what it says/).waitFor();
    agent.say(activeSnapshot());
    await page.locator("#strip [aria-current=step]").getByText("Active").waitFor();
  },
);
