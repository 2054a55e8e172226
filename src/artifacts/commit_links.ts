/** Symbolic links as they are committed: by their text, never followed. */
import { objectIdOf } from "../git/pack_object.ts";
import { ancestorsOf } from "../git/tree_plan.ts";

/** Empty when there is no link any more. */
export function readLink(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

/** The id that a link's object has. */
export function linkId(target: string): string {
  return objectIdOf({ type: "blob", data: new TextEncoder().encode(target) });
}

/** Whether a link leads to a place below the root, by its text alone. */
export function staysInside(path: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || target.includes("\0")) return false;
  const parts = ancestorsOf(path).length;
  let depth = parts;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0) return false;
  }
  return !target.split("/").some((part) => part.toLowerCase() === ".git");
}
