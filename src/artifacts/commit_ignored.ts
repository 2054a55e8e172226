/** Whether a single file is ignored; reads the rules on the way to it. */
import { join } from "node:path";
import { IgnoreFile, IgnoreRules } from "./commit_ignore.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";
import { ancestorsOf } from "../git/tree_plan.ts";

const largestFile = 1024 * 1024;

/** The rules of a directory; none when it has no usable `.gitignore`. */
export function readIgnoreFile(directory: string): IgnoreFile | undefined {
  const path = join(directory, ".gitignore");
  const info = lstatIfPresentSync(path);
  // Links are not followed, here neither.
  if (!info?.isFile || info.size > largestFile) return undefined;
  return new IgnoreFile(new TextDecoder().decode(Deno.readFileSync(path)));
}

/** Whether the `.gitignore` files of a directory ignore a file in it. */
export function isIgnoredFile(root: string, path: string): boolean {
  let rules = new IgnoreRules(undefined, "", readIgnoreFile(root));
  for (const directory of ancestorsOf(path)) {
    if (rules.ignores(directory, true)) return true;
    rules = new IgnoreRules(rules, directory, readIgnoreFile(join(root, directory)));
  }
  return rules.ignores(path, false);
}
