import type { Playground, RawEntry } from "./playground.ts";

/** What a path of a tree holds: text, an executable or a link. */
export type Content =
  | string
  | { readonly executable: string }
  | { readonly link: string };

interface Directory {
  readonly entries: Map<string, Content | Directory>;
}

/** Commits exactly these files and links, whatever was there before. */
export async function commitTree(
  playground: Playground,
  files: Readonly<Record<string, Content>>,
): Promise<string> {
  const root: Directory = { entries: new Map() };
  for (const [path, content] of Object.entries(files)) {
    const parts = path.split("/");
    const name = parts.pop() ?? "";
    let directory = root;
    for (const part of parts) {
      const found = directory.entries.get(part);
      const next = found !== undefined && typeof found !== "string" && "entries" in found
        ? found
        : { entries: new Map() };
      directory.entries.set(part, next);
      directory = next;
    }
    directory.entries.set(name, content);
  }
  return await playground.commitRawTree(await entriesOf(playground, root));
}

/** What {@link Playground.files} shows of a commit. */
export function shownFiles(files: Readonly<Record<string, Content>>): Record<string, string> {
  const shown = Object.entries(files).map(([path, content]): [string, string] => {
    if (typeof content === "string") return [path, content];
    return [path, "link" in content ? `→ ${content.link}` : content.executable];
  });
  return Object.fromEntries(shown.sort(([a], [b]) => a < b ? -1 : 1));
}

async function entriesOf(playground: Playground, directory: Directory): Promise<RawEntry[]> {
  const entries: RawEntry[] = [];
  for (const [name, content] of directory.entries) {
    if (typeof content === "string") {
      entries.push({ mode: "100644", name, id: await playground.blob(content) });
    } else if ("link" in content) {
      entries.push({ mode: "120000", name, id: await playground.blob(content.link) });
    } else if ("executable" in content) {
      entries.push({ mode: "100755", name, id: await playground.blob(content.executable) });
    } else {
      const id = await playground.rawTree(await entriesOf(playground, content));
      entries.push({ mode: "40000", name, id });
    }
  }
  // As Git sorts: a directory's name as if it ended with a slash.
  const key = ({ mode, name }: RawEntry) => mode === "40000" ? `${name}/` : `${name}`;
  return entries.sort((a, b) => key(a) < key(b) ? -1 : 1);
}
