/** Which branch the first commit of an empty repository begins. */
import type { GitHttp } from "./git_http.ts";
import {
  concatBytes,
  delimiterPacket,
  flushPacket,
  packetLine,
  parsePackets,
} from "./packet_line.ts";
import { fullBranchName, parseLsRefs } from "./remote_refs.ts";

const usual = "refs/heads/main";

/**
 * The configured branch, else the one that the empty repository's HEAD names, where the server says so,
 * else `main`.
 *
 * @throws AgentError when the server cannot be asked.
 */
export async function firstBranch(http: GitHttp, configured: string | undefined): Promise<string> {
  if (configured !== undefined) return fullBranchName(configured);
  const offer = await http.read("info/refs?service=git-upload-pack", undefined, true);
  const saysUnborn = parsePackets(offer).some((packet) =>
    packet instanceof Uint8Array && /^ls-refs=.*\bunborn\b/.test(new TextDecoder().decode(packet))
  );
  if (!saysUnborn) return usual;
  const utf8 = new TextEncoder();
  const answer = await http.read(
    "git-upload-pack",
    concatBytes([
      packetLine("command=ls-refs\n"),
      packetLine("object-format=sha1\n"),
      utf8.encode(delimiterPacket),
      packetLine("symrefs\n"),
      packetLine("unborn\n"),
      packetLine("ref-prefix HEAD\n"),
      utf8.encode(flushPacket),
    ]),
    true,
  );
  const head = parseLsRefs(parsePackets(answer)).head ?? usual;
  return /^refs\/heads\/[\w.-]+(?:\/[\w.-]+)*$/.test(head) && !head.includes("..") ? head : usual;
}
