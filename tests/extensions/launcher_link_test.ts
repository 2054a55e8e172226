import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { LinkLauncher } from "../../src/extensions/link_launcher.ts";
import { memoryLog } from "../memory_log.ts";
import { peerTest, type SystemPeer } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const launcher = new URL("../../extensions/launcher", import.meta.url).pathname;

/** Shells that are `/bin/sh` somewhere. */
const shells: readonly (readonly [SystemPeer, ...string[]])[] = [
  ["sh"],
  ["dash"],
  ["busybox", "sh"],
  ["bash", "--posix"],
];

type Run = (...args: string[]) => { code: number; lines: string[]; words: string };

/** A test of the verb in each shell, in a directory with `links`. */
function inEachShell(name: string, fn: (directory: string, run: Run) => Promise<void>): void {
  for (const [program, ...options] of shells) {
    peerTest(`launcher link in ${program}: ${name}`, [program], async () => {
      await using temporary = await temporaryDirectory();
      const directory = await Deno.realPath(temporary.path);
      await Deno.mkdir(join(directory, "links"));
      await fn(directory, (...args) => {
        const output = new Deno.Command(program, {
          args: [...options, launcher, "link", ...args],
        }).outputSync();
        const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
        const lines = decode(output.stdout).split("\n").filter(Boolean);
        return { code: output.code, lines, words: decode(output.stderr) };
      });
    });
  }
}

function writeList(directory: string, pairs: readonly (readonly [string, string])[]) {
  const text = pairs.map(([place, target]) => `${place}\n${target}\n`).join("");
  return Deno.writeTextFile(join(directory, "links.list"), text);
}

inEachShell("makes what stays inside, with any name", async (directory, run) => {
  const pairs = [
    ["a", "b"],
    ["sub/l", "../x"],
    ["sub/deep/l", "../../"],
    ["-n", "-t"],
    [" blank ", " ü * $(x) 'q' \\n "],
    ["sub/same", "./l"],
  ] as const;
  await Deno.mkdir(join(directory, "links/sub/deep"), { recursive: true });
  await writeList(directory, pairs);
  assert.deepEqual(run(directory), { code: 0, lines: [], words: "" });
  for (const [place, target] of pairs) {
    assert.equal(await Deno.readLink(join(directory, "links", place)), target);
  }
});

inEachShell("refuses whatever leads outside, and does the rest", async (directory, run) => {
  const links = join(directory, "links");
  await Deno.mkdir(join(links, "sub"));
  await Deno.mkdir(join(directory, "outside"));
  await Deno.symlink("../outside", join(links, "out"));
  await Deno.writeTextFile(join(links, "file"), "mine");
  const bad: [string, string, RegExp][] = [
    ["l", "..", /leads outside/],
    ["l", "/etc/passwd", /target is refused/],
    ["l", "", /target is refused/],
    ["sub/l", "../../x", /leads outside/],
    ["sub/l", "x/../../../y", /leads outside/],
    ["out/l", "x", /a link on the way/],
    ["../l", "x", /place is refused/],
    ["sub/../l", "x", /place is refused/],
    ["/tmp/l", "x", /place is refused/],
    ["", "x", /place is refused/],
    ["sub/", "x", /place is refused/],
    ["nosuch/l", "x", /no such directory/],
    ["file", "x", /there already/],
    ["out", "x", /there already/],
    ["sub", "x", /there already/],
  ];
  await writeList(directory, [...bad.map(([place, target]) => [place, target] as const), [
    "good",
    "x",
  ]]);
  const { code, lines } = run(directory);
  assert.equal(code, 1);
  assert.equal(lines.length, bad.length, lines.join("\n"));
  for (const [index, [, , reason]] of bad.entries()) {
    assert.match(lines[index] ?? "", new RegExp(`^${index + 1} `));
    assert.match(lines[index] ?? "", reason);
  }
  const names = [...Deno.readDirSync(links)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["file", "good", "out", "sub"]);
  assert.deepEqual([...Deno.readDirSync(join(directory, "outside"))], []);
  assert.deepEqual([...Deno.readDirSync(join(links, "sub"))], []);
});

inEachShell("refuses a directory that does not show it is the caller's", async (directory, run) => {
  assert.equal(run(directory).code, 126);
  await Deno.writeTextFile(join(directory, "real"), "l\nx\n");
  await Deno.symlink("real", join(directory, "links.list"));
  assert.equal(run(directory).code, 126);
  await Deno.remove(join(directory, "links.list"));
  await writeList(directory, [["l", "x"]]);
  for (const path of ["", "relative", `${directory}/../x`, `${directory}//`, "/nosuch"]) {
    assert.equal(run(path).code, 126, path);
  }
  assert.equal(run().code, 64);
  assert.equal(run(directory, "more").code, 64);
  await Deno.remove(join(directory, "links"));
  await Deno.symlink("/tmp", join(directory, "links"));
  assert.equal(run(directory).code, 126);
});

Deno.test("LinkLauncher: makes links, and says in one line why some are missing", async () => {
  await using temporary = await temporaryDirectory();
  const directory = await Deno.realPath(temporary.path);
  await Deno.mkdir(join(directory, "links"));
  await writeList(directory, [["a", "b"]]);
  const links = new LinkLauncher(launcher, memoryLog(), systemClock);
  const signal = new AbortController().signal;
  assert.equal(await links.makeLinks(directory, signal), undefined);
  assert.equal(await Deno.readLink(join(directory, "links/a")), "b");
  assert.match(await links.makeLinks(directory, signal) ?? "", /1 something is there already/);
  assert.match(await links.makeLinks("/nosuch", signal) ?? "", /no directory for links/);
});

Deno.test("LinkLauncher: is ended by its signal", async () => {
  await using temporary = await temporaryDirectory();
  const slow = join(temporary.path, "launcher");
  await Deno.writeTextFile(slow, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
  const abort = new AbortController();
  const made = new LinkLauncher(slow, memoryLog(), systemClock)
    .makeLinks("/nosuch", abort.signal);
  abort.abort();
  await assert.rejects(made, { name: "AbortError" });
});
