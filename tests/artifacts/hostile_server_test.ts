import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import type { CheckoutJob } from "../../src/artifacts/git_job.ts";
import { runGitWorker } from "../../src/artifacts/git_worker_run.ts";
import { RemotePoll } from "../../src/git/remote_poll.ts";
import { HostilePlace } from "./hostile_place.ts";
import {
  advertisement,
  answersOf,
  endless,
  type HostileAnswers,
  packAnswer,
  packet,
  repositoryOf,
  stuck,
} from "./hostile_remote.ts";
import {
  bytesOf,
  entry,
  entryHeader,
  idDelta,
  idOf,
  insertingDelta,
  offsetDelta,
  pack,
  typeNumbers,
  varint,
} from "../git/pack_builder.ts";

const evil = repositoryOf([{ mode: "100644", name: "evil", content: "evil" }]);
const lonely = repositoryOf([{ mode: "100644", name: "lonely", content: "lonely" }]);
const { commit, entries } = evil;
const refs = () => advertisement(commit);
const packOf = (bytes: Uint8Array): HostileAnswers => ({
  refs,
  pack: () => packAnswer(bytes, commit),
});
const withMore = (...more: Uint8Array[]) => packOf(pack([...entries, ...more]));
const zeros = new Uint8Array(1_000_000);
const base = bytesOf(new Uint8Array(65_536).fill(65));
const bomb = bytesOf(varint(base.length), varint(base.length * 60_000), Array(60_000).fill(0x80));
const blob = typeNumbers.blob;
/** Ids of objects that do not exist but in each other's deltas. */
const [ghost, otherGhost] = ["ab".repeat(20), "cd".repeat(20)] as const;
const small = insertingDelta(bytesOf("x"), bytesOf("y"));
const whole = pack(entries);
const flipped = (at: number) => {
  const bytes = whole.slice();
  bytes[at] = (bytes[at] ?? 0) ^ 0x41;
  return bytes;
};
const before = bytesOf(packet(`shallow ${commit}\n`), "0000", packet("NAK\n"));
const noise = crypto.getRandomValues(new Uint8Array(60_000));

const damage = { kinds: ["input"], message: /^Cannot read "the received objects": / };
const tooMuch = { kinds: ["limit"], message: /artifact\.limit\.bytes|more than \d+|one alone/ };
const nonsense = { kinds: ["input", "unavailable", "refused"], message: /^Cannot / };
const silence = { kinds: ["unavailable"], message: /silent for 0\.3 s/ };
const anEnd = { kinds: ["limit"], message: /artifact\.limit\.bytes|is endless/ };
const impatient = { idleTimeoutMs: 300 };

const cases: readonly [
  string,
  HostileAnswers,
  { readonly kinds: readonly string[]; readonly message: RegExp },
  Partial<CheckoutJob>?,
][] = [
  [
    "a blob of a million zeros, four times",
    withMore(...Array(4).fill(entry(blob, zeros))),
    tooMuch,
  ],
  ["an object that claims 4 GB", withMore(entry(blob, zeros, 2 ** 32)), tooMuch],
  ["an object that is more than it claims", withMore(entry(blob, zeros, 3)), damage],
  ["an object that is less than it claims", withMore(entry(blob, bytesOf("x"), 99)), damage],
  [
    "a delta that makes 4 GB",
    withMore(entry(blob, base), idDelta(idOf("blob", base), bomb)),
    tooMuch,
  ],
  ["a delta of itself", withMore(idDelta(ghost, small)), damage],
  ["deltas of each other", withMore(idDelta(ghost, small), idDelta(otherGhost, small)), damage],
  ["a delta of what is behind the start", withMore(offsetDelta(1_000_000, small)), damage],
  ["a delta of no object's start", withMore(offsetDelta(3, small)), damage],
  ["a delta of distance 0", withMore(bytesOf(entryHeader(6, small.length), [0], small)), damage],
  ["an object of type 0", withMore(bytesOf(entryHeader(0, 3), [1, 2, 3])), damage],
  ["an object of type 5", withMore(bytesOf(entryHeader(5, 3), [1, 2, 3])), damage],
  ["more objects than announced", packOf(pack(entries, entries.length - 1)), damage],
  ["fewer objects than announced", packOf(pack(entries, entries.length + 1)), damage],
  ["4 billion objects announced", packOf(pack(entries, 2 ** 32 - 1)), tooMuch],
  ["a wrong checksum", packOf(flipped(whole.length - 1)), damage],
  ["a wrong byte in an object", packOf(flipped(40)), damage],
  ["no pack", packOf(bytesOf("NOPE", whole.subarray(4))), damage],
  ["a pack of version 9", packOf(flipped(7)), damage],
  ["a pack without an end", packOf(whole.subarray(0, -30)), damage],
  ["a pack that goes on", packOf(bytesOf(whole, "more")), damage],
  ["an empty pack", packOf(pack([])), nonsense],
  ["a pack without the commit", packOf(pack(entries.slice(0, -1))), nonsense],
  ["a pack without the tree", {
    refs: () => advertisement(lonely.commit),
    pack: () => packAnswer(pack(lonely.entries.slice(-1)), lonely.commit),
  }, nonsense],
  ["an answer that ends inside a packet", {
    refs,
    pack: () => packAnswer(whole, commit).slice(0, -20),
  }, nonsense],
  ["no packets", { refs, pack: () => bytesOf("<html>nothing here</html>") }, nonsense],
  ["an error in its band", {
    refs,
    pack: () => bytesOf(before, packet([3], "no\x1b[2J way\n")),
  }, nonsense],
  ["a pack that never ends", {
    refs,
    pack: () =>
      endless(
        bytesOf(before, packet([1], pack([], 1).subarray(0, 12))),
        packet([1], noise),
      ),
  }, { kinds: ["limit", "input"], message: /^Cannot / }],
  ["progress that never ends", {
    refs,
    pack: () => endless(before, packet([2], "x".repeat(60_000))),
  }, anEnd],
  ["keep-alives that never end", {
    refs,
    pack: () => endless(before, bytesOf(...Array(5_000).fill(packet([1])))),
  }, anEnd],
  ["acknowledgements that never end", {
    refs,
    pack: () => endless(new Uint8Array(0), bytesOf(...Array(5_000).fill(packet("NAK\n")))),
  }, anEnd],
  ["branches that never end", {
    refs: () =>
      endless(
        advertisement(commit).slice(0, -4),
        bytesOf(...Array(500).fill(packet(`${commit} refs/heads/x\n`))),
      ),
    pack: () => packAnswer(whole, commit),
  }, anEnd],
  [
    "branches whose list stops in the middle",
    {
      refs: () => stuck(advertisement(commit).slice(0, -4)),
      pack: () => packAnswer(whole, commit),
    },
    silence,
    impatient,
  ],
  [
    "nothing where the pack should be",
    { refs, pack: () => stuck(new Uint8Array(0)) },
    silence,
    impatient,
  ],
  [
    "a pack that stops in the middle",
    {
      refs,
      pack: () => stuck(packAnswer(whole, commit).slice(0, -40)),
    },
    silence,
    impatient,
  ],
];

for (const round of ["first checkout", "update"]) {
  Deno.test(`hostile server: changes nothing and is ended within the limits at the ${round}`, async () => {
    await using place = await HostilePlace.open();
    if (round === "update") await place.checkOutGood();
    for (const [what, answers, expected, changes] of cases) {
      await place.assertRefused(what, answers, expected, changes);
    }
    await place.checkOutGood();
    assert.equal(place.everything()["app/before"], "1");
  });

  Deno.test(`hostile server: one that sends a byte now and then is ended at the ${round}`, async () => {
    await using place = await HostilePlace.open();
    if (round === "update") await place.checkOutGood();
    await Deno.mkdir(place.job().gitDirectory, { recursive: true });
    const before = place.everything();
    place.remote.answers = { refs, pack: () => endless(packet("NAK\n"), packet([2], "."), 20) };
    const options = { timeoutMs: 1_000, clock: systemClock, signal: new AbortController().signal };
    await assert.rejects(
      runGitWorker(place.job({ idleTimeoutMs: 500 }), options),
      (error) =>
        error instanceof AgentError && error.kind === "limit" &&
        /longer than 1 s \(artifact\.limit\.seconds\)/.test(error.message),
    );
    assert.deepEqual(place.everything(), before);
  });
}

Deno.test("hostile server: a poll of one that sends a byte now and then is ended", async () => {
  await using place = await HostilePlace.open();
  place.remote.answers = {
    ...answersOf(evil),
    refs: () => endless(packet("# service=git-upload-pack\n"), packet("x"), 20),
  };
  const poll = new RemotePoll(
    { url: place.remote.url, credentials: { username: "u", password: new Secret("p") } },
    { clock: systemClock, timeoutMs: 300 },
  );
  await assert.rejects(
    poll.ask(new AbortController().signal),
    (error) =>
      error instanceof AgentError && error.kind === "unavailable" && error.retryable &&
      /within 0\.3 s/.test(error.message),
  );
});
