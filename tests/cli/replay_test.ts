import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../temporary_directory.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const vectors = join(project, "tests/fixtures/vectors");

async function replay(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // No network, no environment, no program: reading the files is all it needs.
    args: ["run", "--no-prompt", "--allow-read", join(project, "main.ts"), "replay", ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("replay: prints one line for each message of a life, with what the core decides", async () => {
  const { code, out, err } = await replay(join(vectors, "sequence-single-member.jsonl"));
  assert.equal(code, 0, err);
  const lines = out.trimEnd().split("\n");
  assert.equal(lines.length, 2 + 13);
  assert.match(lines[0]!, /^# as member single-cartridge-app/);
  assert.match(lines[4]!, /^3 topology\/MemberInitializedEvent: .*publish started/);
  assert.match(
    lines[11]!,
    /InstanceCleanupMemberEvent: cancelWork; .*phase active → readyToShutdown$/,
  );
});

Deno.test("replay: ends with 1 and says which messages were malformed or unknown", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "messages.jsonl");
  const lines = [
    { topic: "topology/MemberStartedEvent", payload: '{"memberId":7}' },
    { topic: "topology/NoSuchEvent", payload: "{}" },
    { topic: "topology/MemberStartedEvent", payload: '{"memberId":"m"}' },
  ];
  await Deno.writeTextFile(file, lines.map((line) => JSON.stringify(line)).join("\n"));
  const { code, out } = await replay(file);
  assert.equal(code, 1);
  const [, , first, second, third] = out.split("\n");
  assert.match(first!, /^1 .*: MALFORMED: memberId must be a string/);
  assert.match(second!, /^2 .*: UNKNOWN topic$/);
  assert.match(third!, /^3 .*: nothing$/);
});

for (
  const [name, content, message] of [
    ["is not there", undefined, /cannot read/],
    ["holds no JSON", "{", /line 1: /],
    ["holds no messages", '{"topic":"t"}', /line 1: needs an object with the texts/],
  ] as const
) {
  Deno.test(`replay: ends with 64 when the file ${name}`, async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "messages.jsonl");
    if (content !== undefined) await Deno.writeTextFile(file, content);
    const { code, err } = await replay(file);
    assert.equal(code, 64);
    assert.match(err, message);
  });
}
