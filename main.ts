import { AgentError, exitStatusOf, reasonOf } from "./src/base/errors.ts";

/** A command: takes its arguments, gives the exit status. */
type Command = (args: string[]) => number | Promise<number>;

/** Each is loaded when it is asked for: a start should not pay for the others. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./src/cli/init.ts")).initCommand,
  run: async () => (await import("./src/cli/run.ts")).runCommand,
  check: async () => (await import("./src/cli/check.ts")).checkCommand,
  permissions: async () => (await import("./src/cli/permissions.ts")).permissionsCommand,
  "systemd-unit": async () => (await import("./src/cli/systemd_unit.ts")).systemdUnitCommand,
  emit: async () => (await import("./src/cli/emit.ts")).emitCommand,
  metadata: async () => (await import("./src/cli/metadata.ts")).metadataCommand,
  status: async () => (await import("./src/cli/status.ts")).statusCommand,
  "support-bundle": async () => (await import("./src/cli/support_bundle.ts")).supportBundleCommand,
  replay: async () => (await import("./src/cli/replay.ts")).replayCommand,
  sandbox: async () => (await import("./src/cli/sandbox.ts")).sandboxCommand,
  version: async () => (await import("./src/cli/version.ts")).versionCommand,
  help: async () => (await import("./src/cli/help.ts")).helpCommand,
};

const aliases: Readonly<Record<string, string>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-V": "version",
};

async function main([name = "", ...args]: string[]): Promise<number> {
  try {
    const known = aliases[name] ?? name;
    const load = Object.hasOwn(commands, known) ? commands[known] : undefined;
    if (!load) {
      const problem = name === "" ? "A command is missing" : `There is no command "${name}"`;
      throw new AgentError(`${problem}. See: help`, { kind: "usage" });
    }
    const command = await load();
    return await command(args);
  } catch (error) {
    // What is not expected is a fault of the program: its stack helps to mend it.
    const isExpected = error instanceof AgentError;
    console.error(`cartridge-agent: ${isExpected ? error.message : reasonOf(error)}`);
    if (!isExpected && error instanceof Error) console.error(error.stack);
    return exitStatusOf(error);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
