/** Merges two changed versions of a text, line by line. */
import { Buffer } from "node:buffer";

/** Larger files are not merged; both sides' changes in one are a conflict. */
const mostBytes = 4 * 1024 * 1024;
/** Lines that may differ between two versions; what it takes grows with the square. */
const mostDifferences = 3000;

/**
 * Merges.
 *
 * @param base What both sides began with.
 * @returns The merged text; `undefined` when both changed the same lines or ones beside each other,
 *   when one is no text (it holds a NUL), or when they are too large or too different.
 */
export function mergeText(
  base: Uint8Array,
  ours: Uint8Array,
  theirs: Uint8Array,
): Uint8Array | undefined {
  const all = [base, ours, theirs];
  if (all.some((bytes) => bytes.length > mostBytes || bytes.includes(0))) return undefined;
  const [b = [], o = [], t = []] = all.map(linesOf);
  const ourMatches = matchesBetween(b, o);
  const theirMatches = matchesBetween(b, t);
  if (ourMatches === undefined || theirMatches === undefined) return undefined;
  const merged: string[] = [];
  let [atBase, atOurs, atTheirs] = [0, 0, 0];
  while (true) {
    // The next line of the base that both sides still have.
    let stable = atBase;
    while (stable < b.length && !(ourMatches[stable]! >= 0 && theirMatches[stable]! >= 0)) stable++;
    const isEnd = stable === b.length;
    const ourEnd = isEnd ? o.length : ourMatches[stable]!;
    const theirEnd = isEnd ? t.length : theirMatches[stable]!;
    const chunk = mergeChunk(
      b.slice(atBase, stable),
      o.slice(atOurs, ourEnd),
      t.slice(atTheirs, theirEnd),
    );
    if (chunk === undefined) return undefined;
    for (const line of chunk) merged.push(line);
    if (isEnd) break;
    merged.push(b[stable]!);
    [atBase, atOurs, atTheirs] = [stable + 1, ourEnd + 1, theirEnd + 1];
  }
  return Buffer.from(merged.join(""), "latin1");
}

function mergeChunk(base: string[], ours: string[], theirs: string[]): string[] | undefined {
  if (isEqual(ours, theirs) || isEqual(theirs, base)) return ours;
  return isEqual(ours, base) ? theirs : undefined;
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}

/** Lines with their ends, one character for each byte. */
function linesOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * For each line of the base its place in the other text, or -1; by the shortest edit script.
 *
 * @returns `undefined` when the texts differ too much.
 */
function matchesBetween(base: readonly string[], other: readonly string[]): Int32Array | undefined {
  const found = new Int32Array(base.length).fill(-1);
  let start = 0;
  while (start < base.length && start < other.length && base[start] === other[start]) {
    found[start] = start++;
  }
  let [baseEnd, otherEnd] = [base.length, other.length];
  while (baseEnd > start && otherEnd > start && base[baseEnd - 1] === other[otherEnd - 1]) {
    found[--baseEnd] = --otherEnd;
  }
  const [n, m] = [baseEnd - start, otherEnd - start];
  if (n === 0 || m === 0) return found;
  const most = Math.min(n + m, mostDifferences);
  /** How far along the base each diagonal came, after each number of differences. */
  const traces: Int32Array[] = [];
  let furthest = new Int32Array(2 * most + 3);
  const middle = most + 1;
  for (let differences = 0; differences <= most; differences++) {
    traces.push(furthest.slice(middle - differences - 1, middle + differences + 2));
    for (let k = -differences; k <= differences; k += 2) {
      const down = k === -differences ||
        k !== differences && furthest[middle + k - 1]! < furthest[middle + k + 1]!;
      let x = down ? furthest[middle + k + 1]! : furthest[middle + k - 1]! + 1;
      let y = x - k;
      while (x < n && y < m && base[start + x] === other[start + y]) [x, y] = [x + 1, y + 1];
      furthest[middle + k] = x;
      if (x < n || y < m) continue;
      trace(traces, differences, n, m, (x, y) => found[start + x] = start + y);
      return found;
    }
  }
  furthest = new Int32Array(0);
  return undefined;
}

/** Goes the way back and tells of each pair of equal lines. */
function trace(
  traces: readonly Int32Array[],
  differences: number,
  n: number,
  m: number,
  onMatch: (x: number, y: number) => void,
): void {
  let [x, y] = [n, m];
  for (let d = differences; d >= 0; d--) {
    const row = traces[d]!;
    const at = (k: number) => row[k + d + 1]!;
    const k = x - y;
    const down = k === -d || k !== d && at(k - 1) < at(k + 1);
    const formerX = d === 0 ? 0 : down ? at(k + 1) : at(k - 1) + 1;
    const formerY = d === 0 ? 0 : formerX - k;
    while (x > formerX && y > formerY) onMatch(--x, --y);
    if (d === 0) return;
    if (down) y = formerY - 1;
    else x = formerX - 1;
  }
}
