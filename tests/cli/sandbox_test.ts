import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peerTest } from "../system_peers.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../temporary_directory.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

async function sandbox(args: readonly string[], cwd: string) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-all", main, "sandbox", ...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** A folder of extensions, by path and content. */
async function extensions(files: Readonly<Record<string, string>>): Promise<TemporaryDirectory> {
  const place = await temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    await Deno.mkdir(join(place.path, name, ".."), { recursive: true });
    await Deno.writeTextFile(join(place.path, name), content, { mode: 0o755 });
  }
  return place;
}

peerTest(
  "sandbox --extensions: runs the scripts of the folder and shows what they print",
  ["git"],
  async () => {
    await using place = await extensions({
      "bash/StartServers.sh": '#!/bin/sh\n. "${0%/*}/words.txt"\necho "$word for $STRATOS_EVENT"\n',
      "bash/words.txt": "word=mine",
      "clean.sh": "#!/bin/sh\necho swept\n",
      "launcher": "#!/bin/sh\nexit 1\n",
    });
    const { code, out, err } = await sandbox(["--once", "--extensions", "."], place.path);
    assert.equal(code, 0, out + err);
    assert.match(out, / agent +StartServers: mine for StartServers$/m);
    assert.match(out, / agent +clean: swept$/m);
    assert.match(out, / agent +extension InstanceStartedEvent ran$/m);
    assert.doesNotMatch(out, /event InstanceStartedEvent/, "the shipped one ran");
    assert.match(out, /all 18 steps happened/);
    assert.equal(await Deno.readTextFile(join(place.path, "clean.sh")), "#!/bin/sh\necho swept\n");
  },
);

peerTest(
  "sandbox --extensions: says which script failed and how, and misses its step",
  ["git"],
  async () => {
    await using place = await extensions({
      "clean.sh": "#!/bin/sh\necho oh >&2\nexit 3\n",
    });
    const { code, out } = await sandbox(["--once", `--extensions=${place.path}`], "/");
    assert.equal(code, 1, out);
    assert.match(out, / agent +clean: oh$/m);
    assert.match(out, / agent +clean: extension clean .*status=3/m);
    assert.match(out, /! not seen: runs the extension clean$/m);
  },
);

for (
  const [name, files, given, message] of [
    ["is not there", {}, "none", /"none" cannot be read: No such file/],
    ["is a file", { "StartServers.sh": "" }, "StartServers.sh", /is not a directory/],
    ["holds nothing for any event", { "a.sh": "#!/bin/sh\n" }, ".", /"\." holds no extension/],
  ] as const
) {
  Deno.test(`sandbox --extensions: ends with 64 and says why when the folder ${name}`, async () => {
    await using place = await extensions(files);
    const { code, err } = await sandbox(["--once", "--extensions", given], place.path);
    assert.equal(code, 64, err);
    assert.match(err, message);
  });
}
