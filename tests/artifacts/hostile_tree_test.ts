import assert from "node:assert/strict";
import { runCheckout } from "../../src/artifacts/checkout_job.ts";
import { HostilePlace } from "./hostile_place.ts";
import { answersOf, repositoryOf, type TreeLine } from "./hostile_remote.ts";

const evil = (name: string | Uint8Array, mode = "100644"): TreeLine => ({
  mode,
  name,
  content: "evil",
});
const directory = (name: string | Uint8Array, content: readonly TreeLine[]): TreeLine => ({
  mode: "40000",
  name,
  content,
});

const names: readonly [string, string | Uint8Array][] = [
  ["leads up", ".."],
  ["is the directory itself", "."],
  ["leads out", "../outside/precious"],
  ["is absolute", "/tmp/absolute"],
  ["holds a slash", "sub/file"],
  ["is empty", ""],
  ["is .git", ".git"],
  ["is .git in capitals", ".GIT"],
  ["is .git in mixed case", ".GiT"],
  ["is the short name of .git", "git~1"],
  ["is another short name", "GIT~2"],
  ["has a blank behind it", ".git "],
  ["has a dot behind it", ".git."],
  ["has dots and blanks behind it", ".git . ."],
  ["hides a zero-width non-joiner", ".g\u200cit"],
  ["hides a zero-width space", ".gi\u200bt"],
  ["hides a byte-order mark", "\ufeff.git"],
  ["hides a variation selector", ".git\ufe0f"],
  ["has letters of full width", ".ｇｉｔ"],
  ["is a stream", ".git::$INDEX_ALLOCATION"],
  ["is another stream", ".git:x"],
  ["is a stream of the short name", "git~1::$DATA"],
  ["holds a backslash", "..\\outside\\precious"],
  ["is .git behind a backslash", "sub\\.git"],
  ["holds a line end", "a\nb"],
  ["holds an escape sequence", "a\x1b[2Jb"],
  ["holds a tabulator", "a\tb"],
  ["holds a control character of the second block", "a\u0085b"],
  ["is not UTF-8", new Uint8Array([0x61, 0xff])],
  ["is UTF-8 in too many bytes", new Uint8Array([0xc0, 0xae, 0xc0, 0xae])],
  ["is half a pair", new Uint8Array([0xed, 0xa0, 0x80])],
  ["is longer than file systems take", "n".repeat(256)],
  ["is the agent's own", ".cartridge-agent"],
];

const trees: [string, readonly TreeLine[]][] = names.flatMap(([what, name]) => [
  [`a file whose name ${what}`, [evil("good"), evil(name)]] as [string, TreeLine[]],
  [`a directory whose name ${what}`, [evil("good"), directory(name, [evil("precious")])]],
  [`a file deep below whose name ${what}`, [directory("d", [directory("e", [evil(name)])])]],
]);

const nested = (depth: number): readonly TreeLine[] =>
  depth === 0 ? [evil("deep")] : [directory("d", nested(depth - 1))];

trees.push(
  ["two files of one name", [evil("a"), { ...evil("a"), content: "other" }]],
  ["a link and a directory of one name", [
    { mode: "120000", name: "a", content: "../outside" },
    directory("a", [evil("precious")]),
  ]],
  ["a file and a directory of one name", [evil("a"), directory("a", [evil("precious")])]],
  ["a very deep tree", nested(200)],
  [
    "a very long path",
    Array.from({ length: 20 }).reduce<readonly TreeLine[]>(
      (inside) => [directory("d".repeat(250), inside)],
      [evil("deep")],
    ),
  ],
  ...["0", "7", "100000", "100600", "100777", "104755", "102755", "60000", "20000", "140000"].map(
    (mode): [string, readonly TreeLine[]] => [`mode ${mode}`, [evil("good"), evil("odd", mode)]],
  ),
);

/** As servers send it, trees before what is in them; or all the other way round. */
const inOrder = (lines: readonly TreeLine[]) => {
  const { commit, entries } = repositoryOf(lines);
  return { commit, entries: entries.toReversed() };
};

for (const round of ["first checkout", "first checkout, in order", "update"]) {
  const built = round.endsWith("in order") ? inOrder : repositoryOf;
  Deno.test(`hostile tree: is refused whole and by name when it comes with the ${round}`, async () => {
    await using place = await HostilePlace.open();
    if (round === "update") await place.checkOutGood();
    for (const [what, lines] of trees) {
      await place.assertRefused(what, answersOf(built(lines)), {
        kinds: ["input"],
        message: /^Cannot check out ".+": the repository is refused, /,
      });
    }
    // The refusal is over with the commit.
    await place.checkOutGood();
    assert.equal(place.everything()["app/before"], "1");
  });

  Deno.test(`hostile tree: a damaged one changes nothing when it comes with the ${round}`, async () => {
    await using place = await HostilePlace.open();
    if (round === "update") await place.checkOutGood();
    const odd = ["8", "abc", "-1", "1000000"].map((mode) => [evil("a", mode)]);
    for (const lines of odd) {
      await place.assertRefused(JSON.stringify(lines), answersOf(built(lines)), {
        kinds: ["input"],
        message: /a tree is damaged|no file mode/,
      });
    }
  });

  Deno.test(`hostile tree: names that one file system folds are reported with the ${round}`, async () => {
    await using place = await HostilePlace.open();
    if (round === "update") await place.checkOutGood();
    place.remote.answers = answersOf(built([evil("File"), evil("file")]));
    const { notes } = await runCheckout(place.job());
    assert.deepEqual(notes.collisions.first, ["file"]);
  });
}

Deno.test("hostile tree: an error names the path, escaped and cut, but no control characters", async () => {
  await using place = await HostilePlace.open();
  const cases: [TreeLine[], RegExp][] = [
    [[directory("d", [evil("a\x1b[2Jb")])], /^Cannot check out "d\/": /],
    [[directory("d", [evil("..")])], /^Cannot check out "d\/\.\.": /],
    [[evil(".g\u200cit")], /^Cannot check out "\.g\\u200cit": /],
    [[evil("n".repeat(5_000))], /^Cannot check out "n{200}…": /],
  ];
  for (const [lines, message] of cases) {
    const answers = answersOf(repositoryOf(lines));
    await place.assertRefused(String(message), answers, { kinds: ["input"], message });
  }
});
