import assert from "node:assert/strict";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import { concatBytes, packetLine, PacketReader, parsePackets } from "../../src/git/packet_line.ts";
import { chooseBranch, parseAdvertisement, parseLsRefs, shown } from "../../src/git/remote_refs.ts";
import { UploadPackAnswer } from "../../src/git/upload_pack_answer.ts";
import { bytesOf } from "./pack_builder.ts";

const [a, b] = ["a".repeat(40), "b".repeat(40)];
const answer = (...texts: string[]) => concatBytes([...texts.map(packetLine), bytesOf("0000")]);
const lines = (...texts: string[]) => parsePackets(answer(...texts));
const advertised = (...texts: string[]) => {
  const advertisement = parseAdvertisement(answer("# service=git-upload-pack\n", ...texts));
  if (advertisement.version !== 1) throw new Error("version 2");
  return advertisement;
};

Deno.test("PacketReader: finds the same packets however the bytes are cut", () => {
  const payloads = fc.array(fc.string({ minLength: 1, maxLength: 300 }), { maxLength: 10 });
  fc.assert(fc.property(payloads, fc.integer({ min: 1, max: 50 }), (texts, size) => {
    const bytes = bytesOf(...texts.map(packetLine), "000000010002");
    const found: string[] = [];
    const reader = new PacketReader((packet) =>
      found.push(packet instanceof Uint8Array ? new TextDecoder().decode(packet) : `<${packet}>`)
    );
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    reader.end();
    assert.deepEqual(found, [...texts, "<flush>", "<delimiter>", "<end>"]);
  }));
});

Deno.test("PacketReader: refuses what are no packets", () => {
  for (const text of ["<html>", "0003", "zzzz", "0010short", "00"]) {
    assert.throws(() => parsePackets(bytesOf(text)), AgentError, text);
  }
});

Deno.test("parseAdvertisement: reads branches, HEAD and capabilities, and passes over the rest", () => {
  const { refs, capabilities } = advertised(
    `${a} HEAD\0shallow side-band-64k symref=HEAD:refs/heads/main agent=x\n`,
    `${a} refs/heads/main\n`,
    `${b} refs/heads/x/y\n`,
    `${b} refs/pull/1/head\n`,
    `${b} refs/tags/v1\n`,
    `${b} refs/tags/v1^{}\n`,
  );
  assert.deepEqual([...refs.ids], [["HEAD", a], ["refs/heads/main", a], ["refs/heads/x/y", b]]);
  assert.equal(refs.head, "refs/heads/main");
  assert(capabilities.has("side-band-64k"));
});

Deno.test("parseAdvertisement: copes with any number of refs that nobody asks for", () => {
  const pull = packetLine(`${b} refs/pull/123456/head\n`);
  const bytes = concatBytes([
    packetLine(`${a} refs/changes/1\0shallow\n`),
    ...new Array<Uint8Array>(250_000).fill(pull),
    packetLine(`${a} refs/heads/x\n`),
  ]);
  const advertisement = parseAdvertisement(bytes);
  assert(advertisement.version === 1);
  const { refs } = advertisement;
  assert.deepEqual([...refs.ids], [["refs/heads/x", a]]);
  const many = bytesOf("0004".repeat(200_001));
  assert.throws(
    () => parsePackets(many),
    (error) => error instanceof AgentError && error.kind === "limit",
  );
});

Deno.test("parseAdvertisement: takes an empty repository for one", () => {
  const { refs } = advertised(`${"0".repeat(40)} capabilities^{}\0shallow\n`);
  assert.equal(chooseBranch(refs, undefined), undefined);
  assert.equal(chooseBranch(advertised().refs, "main"), undefined);
});

Deno.test("parseAdvertisement: knows version 2 and the server's refusals", () => {
  assert.equal(parseAdvertisement(answer("version 2\n", "ls-refs\n")).version, 2);
  const service = "# service=git-upload-pack\n";
  assert.equal(parseAdvertisement(answer(service, "version 2\n")).version, 2);
  assert.throws(() => parseAdvertisement(answer("ERR go\x1b[31m away\n")), /: go \[31m away$/);
  assert.throws(() => parseAdvertisement(new Uint8Array(0)), AgentError);
});

Deno.test("parseAdvertisement: lets no ref name lead out of the Git directory", () => {
  const names = ["../x", "a/../b", "a//b", ".a", "a.lock", "a\x07", "a\\b", "a/", ""];
  const { refs } = advertised(...names.map((name) => `${a} refs/heads/${name}\n`));
  assert.equal(refs.ids.size, 0);
  assert.throws(() => advertised("nonsense refs/heads/x\n"), AgentError);
});

Deno.test("parseLsRefs: reads ids, HEAD's target and an unborn HEAD", () => {
  const refs = parseLsRefs(lines(
    `${a} HEAD symref-target:refs/heads/main\n`,
    `${a} refs/heads/main\n`,
  ));
  assert.equal(refs.head, "refs/heads/main");
  assert.equal(refs.ids.get("HEAD"), a);
  assert.equal(parseLsRefs(lines("unborn HEAD symref-target:refs/heads/main\n")).ids.size, 0);
});

Deno.test("chooseBranch: takes the configured one, else HEAD's, else the only one", () => {
  const refs = (ids: Record<string, string>, head?: string) => ({
    ids: new Map(Object.entries(ids)),
    ...(head ? { head } : {}),
  });
  const two = { "refs/heads/x": a, "refs/heads/y": b };
  assert.deepEqual(chooseBranch(refs(two), "y"), { ref: "refs/heads/y", commit: b });
  assert.deepEqual(chooseBranch(refs(two), "refs/heads/y")?.commit, b);
  assert.throws(() => chooseBranch(refs(two), "z"), /no branch "z"/);
  assert.throws(() => chooseBranch(refs(two), undefined), /artifact.branch/);
  assert.equal(chooseBranch(refs({ "refs/heads/x": a }), undefined)?.ref, "refs/heads/x");
  const withHead = { HEAD: b, ...two };
  assert.equal(chooseBranch(refs(withHead, "refs/heads/y"), undefined)?.ref, "refs/heads/y");
  assert.equal(chooseBranch(refs(withHead), undefined)?.ref, "refs/heads/y");
  assert.equal(chooseBranch(refs({ HEAD: b }, "refs/heads/q"), undefined)?.ref, "HEAD");
});

Deno.test("UploadPackAnswer: parts the pack from the rest", () => {
  const pieces: string[] = [];
  const taken = new UploadPackAnswer((bytes) => pieces.push(new TextDecoder().decode(bytes)));
  for (const packet of lines(`shallow ${a}`, "NAK\n", "\x02Counting", "\x01PACK", "\x01more")) {
    taken.take(packet);
  }
  assert.deepEqual(pieces, ["PACK", "more"]);
  const rest = new TextDecoder().decode(concatBytes(taken.others));
  assert.equal(rest, `0034shallow ${a}0008NAK\n0000`);
});

Deno.test("UploadPackAnswer: ends with the server's error or when the rest is endless", () => {
  const take = (...texts: string[]) => {
    const taken = new UploadPackAnswer(() => {});
    for (const packet of lines(...texts)) taken.take(packet);
  };
  assert.throws(() => take("\x03no such object\n"), /it says: no such object/);
  assert.throws(() => take("ERR not our ref"), /it says: not our ref/);
  assert.throws(() => take("PACK…"), /side-band-64k/);
  const line = "x".repeat(60_000);
  assert.throws(() => take(...Array(100).fill(line)), /endless/);
});

Deno.test("shown: makes text of a server short, printable and one line", () => {
  assert.equal(shown(" a\r\nb\x1b[2J\u0085c "), "a b [2J c");
  assert.equal(shown("x".repeat(1000)).length, 200);
});
