import assert from "node:assert/strict";
import { Secret } from "../../src/base/secret.ts";
import { type HintFacts, hints } from "../../src/sandbox/hints.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";

/** Facts with only what hints look at. */
function facts(changes: Partial<HintFacts> = {}): HintFacts {
  const peers = {
    broker: { host: "127.0.0.1", port: 1883, username: "u", password: new Secret("p") },
    artifacts: {
      url: "http://127.0.0.1:8000/a.git",
      username: "gu",
      password: new Secret("g/p"),
    },
  } as unknown as HintFacts["peers"];
  const home = { path: "/h", logDir: "/h/logs" } as HintFacts["home"];
  return { peers, home, webPort: 80, statusPort: 90, showsStatus: true, ...changes };
}

Deno.test("hints: can be copied into a shell when all peers are there", () => {
  const lines = hints(facts()).map((line) => line.trim());
  for (
    const line of [
      "http://127.0.0.1:80/",
      "http://127.0.0.1:90/",
      "git clone http://gu:g%2Fp@127.0.0.1:8000/a.git",
      "mosquitto_sub -h 127.0.0.1 -p 1883 -u u -P 'p' -v -t '#'",
      "mosquitto_pub -h 127.0.0.1 -p 1883 -u u -P 'p' -t " +
      "instance/notifier/InstanceCleanupMemberEvent " +
      `-m '{"memberId":"${sandboxMember.memberId}"}'`,
      "/h/logs/agent.log",
      "/h/extensions",
    ]
  ) assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
});

Deno.test("hints: leave out what is not there", () => {
  const { broker: { host, port } } = facts().peers;
  const peers = { broker: { host, port } } as HintFacts["peers"];
  const text = hints(facts({ peers, showsStatus: false })).join("\n");
  assert.doesNotMatch(text, /git clone|:90\/| -u | -P /);
  assert.match(text, /mosquitto_sub -h 127.0.0.1 -p 1883 -v -t '#'/);
});
