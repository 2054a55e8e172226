import { join } from "node:path";
import { findInstalled, type Installed } from "./catalogue.ts";
import { scriptCandidates } from "./script_names.ts";

/** What lies in an extensions folder, for whoever asks before anything runs. */
export interface InstalledSurvey {
  /** In order, by event; an event without any is left out. */
  readonly byEvent: ReadonlyMap<string, readonly Installed[]>;
  /** Scripts and event folders that are of no event, paths below the extensions folder, sorted. */
  readonly ofNoEvent: readonly string[];
}

/** Bound for one folder; more is left unmentioned. */
const maxEntries = 1_000;

/**
 * Looks through an extensions folder.
 *
 * @param events Names of all events that extensions are run for.
 * @throws Whatever the file system says, except that the folder is not there.
 */
export function surveyInstalled(
  extensionsDir: string,
  events: readonly string[],
): InstalledSurvey {
  const byEvent = new Map<string, readonly Installed[]>();
  for (const event of events) {
    const installed = findInstalled(event, extensionsDir);
    if (installed.length > 0) byEvent.set(event, installed);
  }
  const known = new Set(events.flatMap((event) => [`${event}.d`, ...scriptCandidates(event)]));
  const ofNoEvent = ["", "bash/"].flatMap((folder) =>
    entries(join(extensionsDir, folder))
      .filter(({ name, isDirectory }) =>
        isDirectory ? folder === "" && name.endsWith(".d") : name.endsWith(".sh")
      )
      .map(({ name }) => `${folder}${name}`)
      .filter((path) => !known.has(path))
  ).sort();
  return { byEvent, ofNoEvent };
}

function entries(dir: string): readonly Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(dir).take(maxEntries)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw error;
  }
}
