import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import type { StatusSnapshot } from "../../src/status/snapshot.ts";
import { peerTest } from "../system_peers.ts";
import { openBrowser, openPage, StubAgent } from "./page_scene.ts";
import {
  activeSnapshot,
  before,
  bootingSnapshot,
  cleaningSnapshot,
  waitingSnapshot,
} from "./sample_snapshot.ts";

const states: Readonly<Record<string, readonly [StatusSnapshot, string, string, RegExp]>> = {
  booting: [bootingSnapshot(), "Boot", "Booting", /Waits for the subscription to the topology/],
  waiting: [
    waitingSnapshot(),
    "Ports",
    "Waiting for the application's ports",
    /Waits for ports 8080, 8443\. Since 10:28:45, 1 min 15 s/,
  ],
  active: [activeSnapshot(), "Active", "Active", /Since 07:19:28, 3 h 10 min/],
  cleaning: [cleaningSnapshot(), "Clean-up", "Cleaning up", /Waits for the extension clean/],
};

const screenshots = fileURLToPath(new URL("../../dist/screenshots/", import.meta.url));

/** The text of what is shown, spaces as one. */
async function shown(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).innerText()).replaceAll(/\s+/g, " ");
}

async function isLive(page: Page): Promise<void> {
  await page.waitForSelector("main[data-state=live]");
}

for (const [name, [snapshot, step, words, waits]] of Object.entries(states)) {
  peerTest(
    `page: shows an agent that is ${name}, on a wide and a narrow screen`,
    ["chromium"],
    async () => {
      await using agent = new StubAgent(snapshot);
      await using opened = await openBrowser();
      for (const width of [1280, 360]) {
        const { page, complaints } = await openPage(opened.browser, agent.url, {
          viewport: { width, height: 800 },
        });
        await isLive(page);
        assert.equal(await shown(page, ".now"), words);
        assert.match(await shown(page, "#phase"), waits);
        assert.equal(await page.locator("#strip [aria-current=step] .name").textContent(), step);
        assert.equal(await shown(page, "#link"), "Live");
        const overflow =
          "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert.equal(await page.evaluate(overflow), 0, `the page is wider than ${width} px`);
        assert.deepEqual(complaints, { violations: [], errors: [] });
        await page.screenshot({ path: `${screenshots}${name}-${width}.png`, fullPage: true });
      }
    },
  );
}

peerTest("page: says in each empty part what it waits for", ["chromium"], async () => {
  await using agent = new StubAgent(bootingSnapshot());
  await using opened = await openBrowser();
  const { page } = await openPage(opened.browser, agent.url);
  await isLive(page);
  const texts = await page.locator(".empty:visible").allInnerTexts();
  assert.deepEqual(texts, [
    "Nothing was published of the own life yet.",
    "Nothing has happened yet. Waiting for the first event of the platform.",
    "No extension has run yet. The first runs when the instance is started.",
    "Waiting for the first measurement.",
    "None yet. Waiting for an artifact event.",
    "No work runs or waits.",
    "No receiver is configured.",
    "Log files are not followed: it is not configured.",
  ]);
});

peerTest(
  "page: shows artifacts with progress, receivers, lanes and log followers",
  ["chromium"],
  async () => {
    await using agent = new StubAgent(activeSnapshot());
    await using opened = await openBrowser();
    const { page } = await openPage(opened.browser, agent.url);
    await isLive(page);
    const progress = page.locator("#artifacts progress");
    assert.equal(await progress.getAttribute("value"), "3120");
    assert.equal(await progress.getAttribute("max"), "9876");
    assert.match(await shown(page, "#artifacts"), /receiving · 3 120 of 9 876 objects · 4.8 MB/);
    assert.match(await shown(page, "#artifacts"), /Tenant 7 failed .*the server refuses \(403\)/);
    assert.match(await shown(page, "#receivers"), /cep-2.example:7711 unreachable .* refused/);
    assert.match(await shown(page, "#lanes"), /artifacts 1 running 2 jobs, checkOut for 14 s/);
    assert.match(await shown(page, "#logs"), /access.log 250 kB behind/);
    assert.match(await shown(page, "#facts"), /Outbox 2 events waiting/);
    const label = await page.locator(".plot").first().getAttribute("aria-label");
    assert.match(label ?? "", /^Memory: 49.3 % now, between 35.0 % and 55.0 % since 09:33:20$/);
    assert.equal(await page.locator(".plot .line").count(), 4, "two charts with a gap each");
  },
);

peerTest("page: follows the agent while it is looked at", ["chromium"], async () => {
  await using agent = new StubAgent(waitingSnapshot());
  await using opened = await openBrowser();
  const { page, complaints } = await openPage(opened.browser, agent.url);
  await isLive(page);
  const rows = await page.locator("#timeline > li").count();
  const begun = {
    id: 20,
    at: before(0),
    kind: "event",
    title: "MemberStartedEvent",
    effects: ["extension MemberStartedEvent [topology]"],
  } as const;
  agent.tell(begun);
  const first = page.locator("#timeline > li").first();
  await first.getByText("under way").waitFor();
  await first.locator("summary").click();
  agent.tell({ ...begun, outcome: "failed", ms: 45, detail: "exit status 3\nno such host" });
  await first.getByText("failed").waitFor();
  assert.equal(await page.locator("#timeline > li").count(), rows + 1, "the row was changed");
  assert.match(await first.locator("pre").innerText(), /exit status 3\nno such host/, "still open");
  agent.say(activeSnapshot({ activity: [{ ...begun, outcome: "succeeded", ms: 45 }] }));
  await page.locator("#strip [aria-current=step]").getByText("Active").waitFor();
  assert.match(await page.title(), /^Active – php$/);
  assert.deepEqual(complaints, { violations: [], errors: [] });
});

peerTest("page: says since when the agent is gone and when it is back", ["chromium"], async () => {
  await using agent = new StubAgent(waitingSnapshot());
  await using opened = await openBrowser();
  const { page } = await openPage(opened.browser, agent.url);
  await isLive(page);
  await agent.stop();
  await page.waitForSelector("main[data-state=gone]");
  const notice = /^The agent is gone since \d\d:\d\d:\d\d \(\d+ s\): nothing listens there\. Below/;
  assert.match(await shown(page, "#notice"), notice);
  assert.equal(await shown(page, "#link"), "Gone");
  assert.equal(await page.title(), "Gone – php");
  assert.match(await shown(page, "#phase"), /ports 8080/, "what it said last is still there");
  await page.screenshot({ path: `${screenshots}gone-1280.png` });
  const booting = bootingSnapshot();
  agent.say({ ...booting, agent: { ...booting.agent, pid: 977, startedAt: before(1) } });
  agent.start();
  await isLive(page);
  assert.match(
    await shown(page, "#notice"),
    /^The agent is back since .*; it was gone for \d+ s\. It was started anew \(process 977\)\.$/,
  );
  assert.equal(await page.locator("#timeline > li").count(), 0, "the life before is over");
  assert.match(agent.lastIds.at(-1) ?? "", /^stub-\d+$/, "it asks for what it missed");
});

peerTest("page: takes silence on an open connection for an end", ["chromium"], async () => {
  await using agent = new StubAgent(waitingSnapshot());
  await using opened = await openBrowser();
  const { page } = await openPage(opened.browser, agent.url);
  await page.clock.install();
  await page.reload();
  await isLive(page);
  await page.clock.fastForward(10_000);
  assert.equal(await shown(page, "#link"), "Live", "it may be quiet for a while");
  await page.clock.fastForward(6_000);
  await page.locator("#notice").getByText(/is gone since .*: it has fallen silent/).waitFor();
  await page.clock.fastForward(3_000);
  await page.locator("#notice").getByText(/is back since .*; it was gone for \d+ s\.$/).waitFor();
  await page.clock.fastForward(31_000);
  assert.equal(agent.lastIds.length >= 3, true, "it connects anew");
});

peerTest("page: asks now and then when all streams are taken", ["chromium"], async () => {
  await using agent = new StubAgent(waitingSnapshot());
  agent.streamStatus = 503;
  await using opened = await openBrowser();
  const { page } = await openPage(opened.browser, agent.url);
  await isLive(page);
  agent.say(cleaningSnapshot());
  await page.locator("#strip [aria-current=step]").getByText("Clean-up").waitFor();
  assert.equal(await page.locator("#notice").isHidden(), true);
});

peerTest("page: says why the agent gives no answer", ["chromium"], async () => {
  await using agent = new StubAgent(waitingSnapshot());
  agent.streamStatus = 401;
  await using opened = await openBrowser();
  const { page } = await openPage(opened.browser, agent.url);
  await page.locator("#notice").getByText(/does not answer .*it asks for a token/).waitFor();
  assert.equal(await shown(page, "#link"), "No answer");
});

peerTest("page: is used by keyboard alone", ["chromium"], async () => {
  await using agent = new StubAgent(activeSnapshot());
  await using opened = await openBrowser();
  const { page } = await openPage(opened.browser, agent.url);
  await isLive(page);
  const focused = () => page.evaluate("document.activeElement.textContent") as Promise<string>;
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the status");
  for (let i = 0; i < 5; i++) await page.keyboard.press("Tab");
  assert.equal(await focused(), "Failed");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#timeline > li:visible").count(), 2);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.match(await page.locator("#timeline pre:visible").innerText(), /no backend for cluster/);
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /Connection to the broker lost/);
  const plot = page.locator(".plot").first();
  await plot.focus();
  await page.keyboard.press("ArrowLeft");
  assert.match(await page.locator(".reading").first().innerText(), /^10:29:\d\d: 49\.\d %$/);
  await page.getByText("Configuration", { exact: true }).locator("..").focus();
  await page.keyboard.press("Enter");
  assert.match(await shown(page, "#settings"), /mb.password \*\*\*\*\* agent.conf/);
});

peerTest("page: moves nothing for who wants no motion", ["chromium"], async () => {
  await using opened = await openBrowser();
  for (const reducedMotion of ["reduce", "no-preference"] as const) {
    await using agent = new StubAgent(waitingSnapshot());
    const { page } = await openPage(opened.browser, agent.url, { reducedMotion });
    await isLive(page);
    agent.tell({ id: 30, at: before(0), kind: "phase", title: "Something new", effects: [] });
    const row = page.locator("#timeline > li").first();
    await row.getByText("Something new").waitFor();
    const style = "getComputedStyle(document.querySelector('#timeline > li'))";
    const name = await page.evaluate(`${style}.animationName`);
    assert.equal(name, reducedMotion === "reduce" ? "none" : "arrive");
  }
});
