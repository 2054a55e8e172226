/**
 * The place where Git LFS fetches contents: a Git directory with pointers and nothing else, written
 * here, so that no file of a repository ever tells it anything but hashes and sizes.
 */
import { join } from "node:path";
import { AgentError, cannot } from "../base/errors.ts";
import { isAllowedHost } from "./allowed_host.ts";
import { encodeCommit, writeTrees } from "../git/commit_tree.ts";
import { type GitDirectory, gitDirectoryAt, setPublishedCommit } from "../git/git_directory.ts";
import { type LargeFile, pointerText } from "../git/large_file_pointer.ts";
import type { LargeFileContents, NeededLargeFile } from "./large_files.ts";
import { ObjectStore } from "../git/object_store.ts";
import { type GitObject, objectIdOf } from "../git/pack_object.ts";
import { packOf } from "../git/push_objects.ts";
import { makeBareDirectory, transferName } from "./system_git_transfer.ts";
import { removeSync } from "../git/synchronous_file.ts";
import type { TreePlan, TreeSource } from "../git/tree_plan.ts";

/** What Git LFS is to fetch; plain data. */
export interface LargeFileOrder {
  /** One run each; files of like size, so that no server can send much more than was announced. */
  readonly runs: readonly { readonly ref: string; readonly largestBytes: number }[];
  /** Where the repository says that its LFS server is. */
  readonly url?: string;
}

const smallBytes = 4096;

function largeFilesDirectory(gitDirectory: string): string {
  return join(gitDirectory, "large-files");
}

/** The Git directory for the transfer of contents. */
export function largeFilesPath(gitDirectory: string): string {
  return join(largeFilesDirectory(gitDirectory), transferName);
}

/** Removes what was fetched. */
export function removeLargeFiles(gitDirectory: string): void {
  removeSync(largeFilesDirectory(gitDirectory));
}

/** What was fetched. */
export function fetchedLargeFiles({ path }: GitDirectory): LargeFileContents {
  const objects = join(largeFilesPath(path), "lfs", "objects");
  return {
    pathOf: ({ sha256 }) => join(objects, sha256.slice(0, 2), sha256.slice(2, 4), sha256),
  };
}

/**
 * Makes the place, and stops the job until the contents are there.
 *
 * @throws AgentError with the {@link LargeFileOrder} as `data.largeFiles`; of kind `limit` when they are
 *   too large together.
 */
export async function orderLargeFiles(
  needed: readonly NeededLargeFile[],
  { path }: GitDirectory,
  mostBytes: number,
  lfsUrl: string | undefined,
): Promise<never> {
  const bytes = needed.reduce((sum, { size }) => sum + size, 0);
  if (bytes > mostBytes) {
    const reason = `its files have more than ${mostBytes} bytes (artifact.limit.bytes)`;
    throw cannot("check out", "the repository", reason, { kind: "limit" });
  }
  const place = largeFilesPath(path);
  makeBareDirectory(place);
  const objects = new Map<string, GitObject>();
  const write = (object: GitObject) => {
    const id = objectIdOf(object);
    objects.set(id, object);
    return id;
  };
  const runs = [];
  const refs: (readonly [string, string])[] = [];
  for (const [sizeClass, files] of Map.groupBy(needed, ({ size }) => classOf(size))) {
    const ref = `refs/heads/large-${sizeClass}`;
    const blobs = files.map((file) =>
      [
        file.sha256,
        { id: write({ type: "blob", data: pointerText(file) }), mode: 0o100644 },
      ] as const
    );
    const tree = writeTrees(new Map(blobs), write);
    const author = "agent <agent@cartridge-agent.invalid> 0 +0000";
    refs.push([ref, write(encodeCommit({ tree, parents: [], author, message: "" }))]);
    runs.push({ ref, largestBytes: largest(files) });
  }
  const directory = gitDirectoryAt(place);
  using store = new ObjectStore(directory, {
    inflatedBytes: Number.MAX_SAFE_INTEGER,
    objects: objects.size,
  });
  const sent = [...objects].map(([id, { type }]) => ({ id, type }));
  const read = (id: string) => objects.get(id)?.data ?? new Uint8Array();
  await store.receive(false, (push) => {
    for (const piece of packOf({ read }, sent)) push(piece);
    return Promise.resolve();
  });
  for (const [ref, commit] of refs) setPublishedCommit(directory, ref, commit);
  const order: LargeFileOrder = { runs, ...(lfsUrl === undefined ? {} : { url: lfsUrl }) };
  throw new AgentError("The content of files in Git LFS is to be fetched first", {
    kind: "unavailable",
    data: { largeFiles: order },
    retryable: true,
  });
}

/** What is asked for, when that is why a job ended. */
export function orderedLargeFiles(error: unknown): LargeFileOrder | undefined {
  return error instanceof AgentError
    ? error.data.largeFiles as LargeFileOrder | undefined
    : undefined;
}

/** Sizes of one class differ by less than a factor of four. */
function classOf(size: number): number {
  return Math.max(0, Math.ceil(Math.log2(Math.max(1, size) / smallBytes) / 2));
}

function largest(files: readonly LargeFile[]): number {
  return files.reduce((most, { size }) => Math.max(most, size), 0);
}

/** `lfs.url` of the repository's `.lfsconfig`; nothing else of it is looked at. */
export function configuredLfsUrl(plan: TreePlan, source: TreeSource): string | undefined {
  const file = plan.files.find(({ path }) => path === ".lfsconfig");
  if (file === undefined) return undefined;
  let section = "";
  let url: string | undefined;
  for (const line of new TextDecoder().decode(source.read(file.id, "blob")).split("\n")) {
    const [, name] = /^\s*\[\s*([^\]]*?)\s*\]\s*(?:[#;].*)?$/.exec(line) ?? [];
    if (name !== undefined) section = name.toLowerCase();
    const [, quoted, plain] =
      /^\s*url\s*=\s*(?:"([^"\\]*)"|([^\s"\\#;]+))\s*(?:[#;].*)?$/i.exec(line) ??
        [];
    if (section === "lfs") url = quoted ?? plain ?? url;
  }
  return url;
}

/**
 * Checks where the repository says that its LFS server is.
 *
 * @returns The URL without user information.
 * @throws AgentError of kind `refused` when that is no http or https URL, or its host not allowed.
 */
export function allowedLfsUrl(
  text: string,
  allowedHosts: readonly string[],
  announced: string | undefined,
): string {
  const url = URL.parse(text);
  const isHttp = url?.protocol === "https:" || url?.protocol === "http:";
  if (
    url === null || !isHttp || url.search !== "" || !isAllowedHost(url, allowedHosts, announced)
  ) {
    const shown = url === null || !isHttp ? "no http or https URL" : `on ${url.host}, not allowed`;
    const reason = `its .lfsconfig names an LFS server that is ${shown} (artifact.allowed.hosts)`;
    throw cannot("check out", "the repository", reason, { kind: "refused" });
  }
  return `${url.origin}${url.pathname}`;
}

/** `scheme://host[:port]` of every server that contents may come from. */
export function largeFileOrigins(
  urls: readonly string[],
  allowedHosts: readonly string[],
  announced: string | undefined,
): readonly string[] {
  const ofHosts = allowedHosts.filter((entry) => !entry.includes("*"))
    .flatMap((entry) => [`https://${entry}`, `http://${entry}`]);
  const origins = [...urls, ...ofHosts].map((text) => URL.parse(text)).filter((url) =>
    url !== null && /^https?:$/.test(url.protocol) && isAllowedHost(url, allowedHosts, announced)
  ).map((url) => url?.origin ?? "");
  return [...new Set(origins)];
}
