/** Longest name that common file systems take, in bytes. */
export const longestNameBytes = 255;
/** Where files wait inside the destination when they cannot wait beside it. */
export const reservedName = ".cartridge-agent";

/**
 * Why a name in a repository's tree must not become a file, or `undefined` when it may.
 *
 * Refused is whatever leads out of the tree, is a `.git` in any spelling that some file system takes
 * for it, or cannot be written as it is: empty, `.`, `..`, slashes, backslashes, control characters,
 * bytes that are not UTF-8, too long.
 *
 * @param bytes The name as the tree has it.
 */
export function refusedNameReason(bytes: Uint8Array): string | undefined {
  if (isPlain(bytes)) return undefined;
  if (bytes.length === 0) return "a name is empty";
  if (bytes.length > longestNameBytes) return `a name is longer than ${longestNameBytes} bytes`;
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "a name is not UTF-8";
  }
  if (name === "." || name === "..") return `a name is "${name}"`;
  if (name.includes("/")) return "a name holds a slash";
  if (name.includes("\\")) return "a name holds a backslash";
  if (/\p{Cc}/u.test(name)) return "a name holds a control character";
  if (isGitName(name)) return "a name is .git, or a file system may take it for that";
  if (name === reservedName) return `the name ${reservedName} is the agent's own`;
  return undefined;
}

/**
 * Most names: printable ASCII that no file system folds to anything else, and that begins like none of
 * the refused ones.
 */
function isPlain(bytes: Uint8Array): boolean {
  const first = bytes[0];
  if (first === undefined || bytes.length > longestNameBytes) return false;
  // A dot, or a g of either case.
  if (first === 0x2e || (first | 0x20) === 0x67) return false;
  return bytes.every((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x2f && byte !== 0x5c);
}

/** All spellings of `.git` and of its short name on NTFS, as the common file systems fold names. */
function isGitName(name: string): boolean {
  const folded = name.normalize("NFKC")
    // HFS+ ignores these wherever they stand.
    .replaceAll(/\p{Default_Ignorable_Code_Point}|\p{Cf}/gu, "")
    .toLowerCase()
    // NTFS: what follows a colon names a stream of the same file; trailing dots and blanks are dropped.
    .replace(/:.*$/s, "")
    .replace(/[. ]+$/, "");
  return folded === ".git" || /^git~\d+$/.test(folded);
}
