import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { wholeLife } from "../e2e/scene.ts";
import { namespaces, peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { openCompiledProgram, runProgram } from "./compiled_program.ts";
import { layOutMinimalRoot } from "./minimal_root.ts";
import type { MinimalRootLife } from "./minimal_root_life.ts";

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

peerTest(
  "compiled program: works in a minimal, read-only image as an ordinary user with loopback alone",
  ["denort", "namespaces", "busybox", "mosquitto", "git"],
  async (t) => {
    await using place = await temporaryDirectory();
    const root = join(place.path, "root");
    {
      await using binary = await openCompiledProgram();
      await layOutMinimalRoot(root, binary.path);
    }

    await t.step("plays the sandbox, and says what it leaves out for want of git", async () => {
      const inside = `busybox ip link set lo up && exec unshare --mount "$@"`;
      const { code, out, err } = await runProgram("unshare", [
        ...namespaces,
        ...["sh", "-c", inside, "sh", beside("in_minimal_root.sh"), root, "-", "tmpfs"],
        ...["--", "/usr/bin/cartridge-agent", "sandbox", "--once"],
      ], { env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" } });
      assert.equal(code, 0, out + err);
      assert.match(out, /Git is not there: the steps about artifacts are skipped/);
      assert.match(out, /all \d+ steps happened/);
    });

    await t.step("lives a whole life with a real broker", async () => {
      const { code, out, err } = await runProgram("unshare", [
        ...namespaces,
        Deno.execPath(),
        ...["run", "--quiet", "--allow-all", beside("minimal_root_life.ts"), root],
      ]);
      assert.equal(code, 0, out + err);
      const life: MinimalRootLife = JSON.parse(out);
      assert.deepEqual(life.sequence, wholeLife);
      assert.equal(life.status, 0, life.output);
      assert.equal(life.index, "second");
      assert.match(life.log, /Sealed: gave up further permissions/);
      assert.match(life.extensionLog, /user 1000\b/);
      assert.equal(life.extensionLog.match(/cannot write/g)?.length, 3, life.extensionLog);
      assert.doesNotMatch(life.extensionLog, /can write/);
      assert.match(life.extensionLog, /interfaces lo\b/);
    });
  },
);
