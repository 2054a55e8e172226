import assert from "node:assert/strict";
import { join } from "node:path";
import { openBrowser, openPage } from "../status/page_scene.ts";
import { peerTest } from "../system_peers.ts";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience } from "./scene.ts";

const address = /The status is at (http:\/\/\S+)/;

peerTest(
  "status page: shows the life of a real agent to its end",
  ["git", "chromium"],
  async () => {
    await using scene = await openScene(embeddedPeers, {
      files: { "index.html": "first" },
      home: {
        settings: { "status.listen": "127.0.0.1:0" },
        extensions: {
          "bash/StartServers.sh": "#!/bin/sh\necho '<b>bold</b>'\n",
          "bash/MemberActivatedEvent.sh": "#!/bin/sh\necho 'no such host'\nexit 3\n",
        },
      },
    });
    const agent = await scene.start();
    const log = await untilFile(join(scene.home.logDir, "agent.log"), (text) => address.test(text));
    await using opened = await openBrowser();
    const { page, complaints } = await openPage(opened.browser, address.exec(log)![1]!);
    const step = page.locator("#strip [aria-current=step]");
    await step.getByText("Topology").or(step.getByText("Initialized")).waitFor();
    await scene.platform.until("CompleteTopologyRequestEvent", patience);
    await scene.platform.initializeMember();
    await step.getByText("Active").waitFor();
    const failed = page.locator("#timeline > li[data-outcome=failed]");
    await failed.getByText("MemberActivatedEvent", { exact: true }).waitFor();
    await failed.locator("summary").click();
    assert.match(await failed.innerText(), /extension MemberActivatedEvent \[topology\]/);
    const servers = page.locator("#scripts > li").filter({ hasText: "StartServers" });
    await servers.locator("summary").click();
    assert.equal(await servers.locator("pre").innerText(), "<b>bold</b>");
    await page.locator("#artifacts").getByText("in step").waitFor();
    assert.deepEqual(complaints, { violations: [], errors: [] });
    await agent.end();
    await page.locator("#notice").getByText("The agent is gone since").waitFor();
  },
);
