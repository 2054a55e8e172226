import { parseArgs } from "node:util";
import { AgentError, reasonOf } from "../base/errors.ts";

/** Options of a command, as `node:util` parseArgs takes them. */
export type OptionTable = Readonly<
  Record<string, { readonly type: "string" | "boolean"; readonly multiple?: boolean }>
>;

/** Options that every command which reads the configuration takes. */
export const configurationOptions = {
  home: { type: "string" },
  set: { type: "string", multiple: true },
} as const satisfies OptionTable;

/** What was given on the command line. */
export interface ParsedOptions {
  readonly values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  readonly positionals: readonly string[];
}

/**
 * Reads the options of a command.
 *
 * @param positionals How many positional arguments it takes at most.
 * @throws AgentError of kind `usage` that says what is wrong.
 */
export function parseOptions(
  command: string,
  args: string[],
  options: OptionTable,
  positionals = 0,
): ParsedOptions {
  try {
    const allowPositionals = positionals > 0;
    const parsed = parseArgs({ args, options, strict: true, allowPositionals });
    const extra = parsed.positionals.at(positionals);
    if (extra !== undefined) throw new Error(`Unexpected argument '${extra}'`);
    return {
      values: parsed.values as ParsedOptions["values"],
      positionals: parsed.positionals,
    };
  } catch (error) {
    throw new AgentError(`${command}: ${reasonOf(error)}. See: help`, { kind: "usage" });
  }
}

/**
 * Settings given as `--set key=value`.
 *
 * @throws AgentError of kind `usage` when one has no `=`.
 */
export function parseSettings(given: unknown): Readonly<Record<string, string>> {
  const settings = Array.isArray(given) ? given as string[] : [];
  return Object.fromEntries(settings.map((setting) => {
    const at = setting.indexOf("=");
    if (at <= 0) {
      // Not quoted in full: it may hold a secret.
      throw new AgentError("--set needs key=value", { kind: "usage" });
    }
    return [setting.slice(0, at), setting.slice(at + 1)];
  }));
}
