import assert from "node:assert/strict";
import { openExtensionHome, untilExists, untilGone } from "./extension_home.ts";
import { narrowAgent } from "./narrow_process.ts";

async function runNarrow(...args: Parameters<typeof narrowAgent>): Promise<string[]> {
  const { stdout, stderr } = await narrowAgent(...args).output();
  const text = new TextDecoder().decode(stdout);
  assert.match(text, /outcome /, new TextDecoder().decode(stderr));
  return text.trimEnd().split("\n");
}

Deno.test("extension runner: needs no other permission than launcher, its folders and state", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "bash/StartServers.sh",
    'echo "$STRATOS_MEMBER_ID"; cat "$STRATOS_TOPOLOGY_JSON_FILE"',
  );
  const lines = await runNarrow(home, "StartServers");
  assert(lines.includes("info output m-1"), lines.join("\n"));
  assert(lines.includes('info output {"serviceMap":{}}'), lines.join("\n"));
  assert.equal(lines.at(-1), 'outcome {"kind":"succeeded"}');
});

Deno.test("extension runner: stops a process group with the launcher's permission alone", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "trap '' TERM; sleep 1000 & echo pid $!; wait; sleep 1000");
  const lines = await runNarrow(home, "clean");
  assert.equal(lines.at(-1), 'outcome {"kind":"cancelled"}', lines.join("\n"));
  const pid = lines.map((line) => /pid (\d+)$/.exec(line)?.[1]).find((found) => found);
  assert(pid, lines.join("\n"));
  await untilGone(Number(pid));
});

Deno.test("extension runner: keeps secrets and foreign STRATOS_ names out of the environment", async () => {
  await using home = await openExtensionHome();
  await home.script("StartServers.sh", "env | sort");
  const lines = await runNarrow(home, "StartServers", {
    JAVA_HOME: "/opt/java",
    MB_PASSWORD: "hidden-1",
    CEP_PASSWORD: "hidden-2",
    MONITORING_SERVER_ADMIN_PASSWORD: "hidden-3",
    MB_PASSWORD_FILE: "/hidden-4",
    CARTRIDGE_KEY_FILE: "/hidden-5",
    STRATOS_STALE: "hidden-6",
    STRATOS_MEMBER_ID: "hidden-7",
  });
  const text = lines.join("\n");
  assert(!text.includes("hidden"), text);
  assert(!text.includes("CARTRIDGE_AGENT_"), text);
  assert(text.includes("JAVA_HOME=/opt/java"), text);
  assert(text.includes("STRATOS_MEMBER_ID=m-1"), text);
  assert(text.includes("STRATOS_CARTRIDGE_KEY=tvnw63ufg9gh5111"), text);
});

Deno.test("extension runner: passes only what the setting lists when it lists names", async () => {
  await using home = await openExtensionHome();
  await home.script("StartServers.sh", "/usr/bin/env");
  const env = { JAVA_HOME: "/opt/java", OTHER: "not-listed", MB_PASSWORD: "hidden" };
  const lines = await runNarrow(home, "StartServers", env, "JAVA_HOME,MB_PASSWORD");
  const names = lines.map((line) => /^info output (\w+)=/.exec(line)?.[1])
    .filter((name) => name !== undefined && !name.startsWith("STRATOS_"));
  // The shells themselves add PWD, and some of them "_" and SHLVL.
  assert.deepEqual(names.filter((name) => !["PWD", "_", "SHLVL"].includes(name ?? "")), [
    "JAVA_HOME",
  ]);
});

Deno.test("extension runner: starts scripts though the agent inherited LD_ variables", async () => {
  await using home = await openExtensionHome();
  await home.script("StartServers.sh", 'echo "path ${LD_LIBRARY_PATH-absent}"');
  const lines = await runNarrow(home, "StartServers", { LD_LIBRARY_PATH: "/nowhere" });
  assert(lines.includes("info output path absent"), lines.join("\n"));
  assert(lines.some((line) => /^warning .*LD_LIBRARY_PATH/.test(line)), lines.join("\n"));
});

Deno.test("extension runner: scripts and what they started outlive an agent that is killed", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "StartServers.sh",
    `echo ready; until [ -e ../go ]; do sleep 0.02; done
     i=0; while [ $i -lt 3000 ]; do echo "more than a pipe can hold, by far, by far"; i=$((i+1)); done
     : >../done`,
  );
  const agent = narrowAgent(home, "StartServers");
  const reader = agent.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("ready")) text += (await reader.read()).value ?? "";
  agent.kill("SIGKILL");
  await agent.status;
  await reader.cancel();
  await agent.stderr.cancel();
  await Deno.writeTextFile(`${home.dir}/go`, "");
  await untilExists(`${home.dir}/done`);
});
