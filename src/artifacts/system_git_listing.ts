import { parseLsRefs, type RemoteRefs } from "../git/remote_refs.ts";

/**
 * Reads what `git ls-remote --symref` prints: lines of an object id, or `ref: ` and a name, then a tab
 * and a name. Lines about anything but HEAD and branches are left out.
 *
 * @throws AgentError of kind `unavailable` for ids that are no SHA-1.
 */
export function parseListing(output: Uint8Array): RemoteRefs {
  const lines = new TextDecoder().decode(output).split("\n");
  const rows = lines.map((line) => line.split("\t"))
    .map(([value = "", name = ""]) => ({ value, name }));
  const head = rows.find(({ value, name }) => name === "HEAD" && value.startsWith("ref: "))
    ?.value.slice("ref: ".length);
  const refs = rows.filter(({ value, name }) => name !== "" && !value.startsWith("ref: "));
  const known = new Set(refs.map(({ name }) => name));
  const packets = refs.flatMap(({ value, name }) => {
    if (name !== "HEAD") return [`${value} ${name}`];
    if (head === undefined) return [`${value} HEAD`];
    // The branch that HEAD names is at HEAD's commit, also where only HEAD was asked for.
    return [`${value} HEAD symref-target:${head}`, ...known.has(head) ? [] : [`${value} ${head}`]];
  });
  return parseLsRefs(packets.map((packet) => new TextEncoder().encode(packet)));
}
