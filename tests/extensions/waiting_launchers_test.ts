import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { type EnvironmentChange, Launcher } from "../../src/extensions/launcher.ts";
import { type ScriptEnd, ScriptRunner } from "../../src/extensions/script_runner.ts";
import {
  type ExtensionHome,
  never,
  openExtensionHome,
  untilExists,
  untilGone,
} from "./extension_home.ts";
import { narrowAgent } from "./narrow_process.ts";
import { rewriteLauncher, waitingIn } from "./waiting_home.ts";

interface Runs extends AsyncDisposable {
  /** Runs a script of the home to its end. */
  run(
    script: string,
    options?: { set?: EnvironmentChange["set"]; args?: readonly string[]; signal?: AbortSignal },
  ): Promise<{ readonly end: ScriptEnd; readonly lines: readonly string[]; readonly pid: number }>;
}

function runsOn(home: ExtensionHome): Runs {
  const runner = new ScriptRunner(new Launcher(home.launcher, silentLog, systemClock), systemClock);
  return {
    run: async (script, { set = {}, args = [], signal = never } = {}) => {
      const lines: string[] = [];
      let pid = 0;
      const end = await runner.run({
        script,
        args,
        environment: { set, unset: [] },
        timeoutMs: 60_000,
        graceMs: 300,
        onLine: (line, of) => {
          lines.push(line);
          pid = of;
        },
      }, signal);
      return { end, lines, pid };
    },
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}

Deno.test("waiting launchers: the second run is one that waited since the first", async () => {
  await using home = await openExtensionHome();
  await home.script("x.sh", 'echo "$*|$STRATOS_A"');
  await using runs = runsOn(home);
  assert.deepEqual(await waitingIn(home), []);
  const first = await runs.run("x.sh", { args: ["1"], set: { STRATOS_A: "a" } });
  const waiting = await waitingIn(home);
  assert.equal(waiting.length, 1);
  assert(!waiting.includes(first.pid));
  const second = await runs.run("x.sh", { args: ["it's", "2"], set: { STRATOS_A: "b\nc" } });
  assert.deepEqual(second.pid, waiting[0]);
  assert.deepEqual([...first.lines, ...second.lines], ["1|a", "it's 2|b", "c"]);
});

Deno.test("waiting launchers: no more than one waits, however many runs there are at once", async () => {
  await using home = await openExtensionHome();
  await home.script("x.sh", 'echo "$1 $STRATOS_NAME"; sleep 0.05');
  await using runs = runsOn(home);
  for (let round = 0; round < 3; round++) {
    const lanes = Array.from({ length: 8 }, (_, lane) => `lane ${lane}`);
    const ended = await Promise.all(
      lanes.map((lane) => runs.run("x.sh", { args: [lane], set: { STRATOS_NAME: lane } })),
    );
    assert.deepEqual(ended.map(({ lines }) => lines), lanes.map((lane) => [`${lane} ${lane}`]));
    assert.equal(new Set(ended.map(({ pid }) => pid)).size, lanes.length);
    assert.equal((await waitingIn(home)).length, 1);
  }
});

Deno.test("waiting launchers: what their shell could not hand on takes the usual way", async () => {
  await using home = await openExtensionHome();
  await home.script("x.sh", 'printf "%s" "$APP_HOME$STRATOS_LONG" | wc -c; echo "${APP_HOME-}"');
  await using runs = runsOn(home);
  await runs.run("x.sh");
  const waiting = await waitingIn(home);
  const named = await runs.run("x.sh", { set: { APP_HOME: "/opt/app" } });
  assert.deepEqual(named.lines, ["8", "/opt/app"]);
  const long = await runs.run("x.sh", { set: { STRATOS_LONG: "'".repeat(128 * 1024 - 20) } });
  assert.deepEqual(long.lines[0], `${128 * 1024 - 20}`);
  assert.deepEqual(await waitingIn(home), waiting);
});

Deno.test("waiting launchers: one that was killed is no failure of a run", async () => {
  await using home = await openExtensionHome();
  await home.script("x.sh", "echo ran; exit 3");
  await using runs = runsOn(home);
  for (let round = 0; round < 6; round++) {
    for (const pid of await waitingIn(home)) {
      Deno.kill(pid, "SIGKILL");
      // Every other time the agent has not heard of it yet.
      if (round % 2 === 0) await untilGone(pid);
    }
    const { end, lines } = await runs.run("x.sh");
    assert.deepEqual([end, lines], [{ kind: "exited", status: 3, bytesLeftOut: 0 }, ["ran"]]);
  }
});

Deno.test("waiting launchers: are done without when they do not wait", async () => {
  await using home = await openExtensionHome();
  await home.script("x.sh", "echo ran");
  await rewriteLauncher(home, (text) => {
    return text.replace(
      '[ "$*" = await ]',
      '[ "$*" = await ] && echo try >>"${0%/*}/tries"; [ -z "$*" ]',
    );
  });
  await using runs = runsOn(home);
  for (let round = 0; round < 6; round++) {
    assert.deepEqual((await runs.run("x.sh")).lines, ["ran"]);
  }
  const tries = await Deno.readTextFile(`${home.extensionsDir}/tries`);
  assert.match(tries, /^(try\n){3,4}$/);
});

Deno.test("waiting launchers: a run by one of them is stopped with its whole group", async () => {
  await using home = await openExtensionHome();
  await home.script("warm.sh", "");
  await home.script("x.sh", "sleep 1000 & echo $!; : >../started; wait");
  await using runs = runsOn(home);
  await runs.run("warm.sh");
  const [waiting] = await waitingIn(home);
  const stop = new AbortController();
  const running = runs.run("x.sh", { signal: stop.signal });
  await untilExists(`${home.dir}/started`);
  stop.abort();
  const { end, lines, pid } = await running;
  assert.deepEqual([end, pid], [{ kind: "cancelled", groupGone: true, bytesLeftOut: 0 }, waiting]);
  await untilGone(Number(lines[0]));
});

Deno.test("waiting launchers: end with their owner", async () => {
  await using home = await openExtensionHome();
  await home.script("x.sh", "");
  const runs = runsOn(home);
  await runs.run("x.sh");
  assert.equal((await waitingIn(home)).length, 1);
  await runs[Symbol.asyncDispose]();
  assert.deepEqual(await waitingIn(home), []);
});

Deno.test("waiting launchers: are gone when the agent is killed", async () => {
  await using home = await openExtensionHome();
  await home.script("StartServers.sh", ": >../started; until [ -e ../go ]; do sleep 0.02; done");
  const agent = narrowAgent(home, "StartServers");
  await untilExists(`${home.dir}/started`);
  const [waiting] = await waitingIn(home);
  assert(waiting);
  agent.kill("SIGKILL");
  await agent.status;
  await untilGone(waiting);
  await Promise.all([agent.stdout.cancel(), agent.stderr.cancel()]);
  await Deno.writeTextFile(`${home.dir}/go`, "");
});
