import { join } from "node:path";
import type { AgentHome } from "../../src/sandbox/home.ts";
import { untilFile } from "./extension_runs.ts";

/** What one run of a script was told. */
export interface ToldRun {
  /** The `STRATOS_` variables by name, without those that are JSON or name files of JSON. */
  readonly values: Readonly<Record<string, string>>;
  /** The JSON values, parsed, by name. */
  readonly documents: Readonly<Record<string, unknown>>;
  /** The content of the files that hold the same, parsed, by the name of the value. */
  readonly files: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
}

/**
 * A script that leaves its `STRATOS_` variables, the files that they name and its arguments in `told`
 * of the home. A line of `told/runs` says that a run is complete.
 */
export const tellingScript = `#!/bin/sh
set -eu
told=$(dirname "$0")/../../told
run=$told/$STRATOS_EVENT.$$
env -0 | grep -z '^STRATOS_' >"$run.env"
for name in TOPOLOGY MEMBER_LIST TENANT_LIST; do
	eval "file=\\\${STRATOS_\${name}_JSON_FILE-}"
	[ -z "$file" ] || cp "$file" "$run.\${name}_JSON"
done
for argument; do printf '%s\\0' "$argument"; done >"$run.args"
echo "$STRATOS_EVENT.$$" >>"$told/runs"
`;

/** Reads what the runs of {@link tellingScript} were told, in order. */
export class ToldRuns {
  readonly #directory: string;
  readonly #seen = new Map<string, number>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes the place that the script writes to. */
  static async open(home: AgentHome): Promise<ToldRuns> {
    const directory = join(home.path, "told");
    await Deno.mkdir(directory);
    await Deno.writeTextFile(join(directory, "runs"), "");
    return new ToldRuns(directory);
  }

  /** The next run for an event that was not asked for yet, now or later. */
  async next(event: string): Promise<ToldRun> {
    const index = this.#seen.get(event) ?? 0;
    this.#seen.set(event, index + 1);
    const isThere = (text: string) => this.#runsOf(text, event).length > index;
    const text = await untilFile(join(this.#directory, "runs"), isThere);
    return await this.#read(this.#runsOf(text, event)[index]!);
  }

  /** Events of all runs that nobody asked for. */
  async unasked(): Promise<readonly string[]> {
    const text = await Deno.readTextFile(join(this.#directory, "runs"));
    const left = new Map(this.#seen);
    return text.split("\n").filter((line) => line !== "").map((line) => line.split(".")[0]!)
      .filter((event) => {
        const count = left.get(event) ?? 0;
        left.set(event, count - 1);
        return count <= 0;
      });
  }

  #runsOf(text: string, event: string): readonly string[] {
    return text.split("\n").slice(0, -1).filter((line) => line.startsWith(`${event}.`));
  }

  async #read(run: string): Promise<ToldRun> {
    const fields = async (name: string) =>
      (await Deno.readTextFile(join(this.#directory, `${run}.${name}`))).split("\0").slice(0, -1);
    const values: Record<string, string> = {};
    const documents: Record<string, unknown> = {};
    const files: Record<string, unknown> = {};
    for (const line of await fields("env")) {
      const at = line.indexOf("=");
      const [name, value] = [line.slice("STRATOS_".length, at), line.slice(at + 1)];
      if (name.endsWith("_JSON")) documents[name] = JSON.parse(value);
      else if (name.endsWith("_JSON_FILE")) {
        const document = name.slice(0, -"_FILE".length);
        files[document] = JSON.parse(
          await Deno.readTextFile(join(this.#directory, `${run}.${document}`)),
        );
      } else values[name] = value;
    }
    return { values, documents, files, args: await fields("args") };
  }
}
