import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { launcherProbe } from "../../src/cep/cgroup_probe.ts";
import { FakeClock } from "../fake_clock.ts";

const never = new AbortController().signal;

/** Runs a test with a launcher of the given shell text. */
async function withLauncher(
  body: string,
  test: (launcher: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const launcher = `${folder}/launcher`;
    await Deno.writeTextFile(launcher, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    await test(launcher);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("cgroup probe: gives what the launcher prints for its verb", async () => {
  await withLauncher('echo "verb $*"; echo "secret ${HOME-none}"', async (launcher) => {
    const text = await launcherProbe(launcher, systemClock)(never);
    assert.equal(text, "verb probe cgroup\nsecret none\n");
  });
});

Deno.test("cgroup probe: fails when the launcher is missing, fails or prints too much", async () => {
  await assert.rejects(
    launcherProbe("/nowhere/launcher", systemClock)(never),
    /Cannot read the cgroup with "\/nowhere\/launcher"/,
  );
  await withLauncher("echo memory.max 5; exit 3", async (launcher) => {
    await assert.rejects(launcherProbe(launcher, systemClock)(never), /exit status 3/);
  });
  await withLauncher("while :; do echo xxxxxxxxxxxxxxxx; done", async (launcher) => {
    await assert.rejects(
      launcherProbe(launcher, systemClock)(never),
      /more than 16384 bytes/,
    );
  });
});

for (const [what, body] of [["it hangs", "exec sleep 60"], ["a child hangs", "sleep 5 & wait"]]) {
  Deno.test(`cgroup probe: is killed after 2 s when ${what}`, async () => {
    await withLauncher(body!, async (launcher) => {
      const clock = new FakeClock();
      const startMs = performance.now();
      const failed = assert.rejects(launcherProbe(launcher, clock)(never), /longer than 2 s/);
      await clock.untilSleeping(1);
      await clock.advance(2_000);
      await failed;
      assert.ok(performance.now() - startMs < 3_000);
    });
  });
}

Deno.test("cgroup probe: is killed when it is aborted", async () => {
  await withLauncher("exec sleep 60", async (launcher) => {
    const abort = new AbortController();
    const probing = launcherProbe(launcher, systemClock)(abort.signal);
    abort.abort();
    await assert.rejects(probing, (error) => error === abort.signal.reason);
  });
});
