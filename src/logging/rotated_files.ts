import { basename, dirname, join } from "node:path";
import { isRotatedSuffix, rotatedSuffix, type TimedRotation } from "./timed_rotation.ts";

/**
 * Moves a file and its predecessors on by one: `agent.log.1` is the youngest, the oldest goes.
 *
 * @throws What Deno throws when the file itself cannot be moved.
 */
export function moveOn(path: string, backups: number): void {
  if (backups <= 0) return Deno.removeSync(path);
  for (let age = backups - 1; age > 0; age--) {
    try {
      Deno.renameSync(`${path}.${age}`, `${path}.${age + 1}`);
    } catch {
      // Mostly there is none yet; one that cannot be moved is written over, the log goes on.
    }
  }
  Deno.renameSync(path, `${path}.1`);
}

/**
 * Moves a file aside under the time at which it was begun, and removes the oldest beyond the bound.
 *
 * @throws What Deno throws when the file itself cannot be moved.
 */
export function moveAside(
  path: string,
  rotation: TimedRotation,
  begunMs: number,
  backups: number,
): void {
  const directory = dirname(path);
  const prefix = `${basename(path)}.`;
  const suffixes = [...Deno.readDirSync(directory)]
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name }) => name.slice(prefix.length))
    .filter(isRotatedSuffix);
  const suffix = rotatedSuffix(rotation, begunMs);
  const numbers = suffixes.filter((known) => known === suffix || known.startsWith(`${suffix}.`))
    .map((known) => Number(known.slice(suffix.length + 1)));
  // The hour that comes twice a year, and a file that grew too large before its time.
  const moved = numbers.length === 0 ? suffix : `${suffix}.${Math.max(...numbers) + 1}`;
  Deno.renameSync(path, `${path}.${moved}`);
  const surplus = [...suffixes, moved].sort(byAge).slice(0, -backups || undefined);
  for (const old of surplus) Deno.removeSync(join(directory, `${prefix}${old}`));
}

function byAge(one: string, other: string): number {
  const [oneTime = "", oneNumber = "0"] = one.split(".");
  const [otherTime = "", otherNumber = "0"] = other.split(".");
  if (oneTime !== otherTime) return oneTime < otherTime ? -1 : 1;
  return Number(oneNumber) - Number(otherNumber);
}
