import { isAbsolute } from "node:path";
import { AgentError } from "../base/errors.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom, scopeOf } from "./load.ts";
import { renderUnit } from "./unit_file.ts";
import { hardeningConflicts } from "./unit_hardening.ts";

/** Whom the hardened unit runs as when nobody says. */
const hardenedUser = "cartridge-agent";

/** Prints a unit of systemd for a configuration; what it would break goes to standard error. */
export async function systemdUnitCommand(args: string[]): Promise<number> {
  const options = parseOptions("systemd-unit", args, {
    ...configurationOptions,
    hardened: { type: "boolean" },
    user: { type: "string" },
    // Said by scripts/agent: what a start from the sources needs.
    program: { type: "string" },
    deno: { type: "string" },
    "deno-dir": { type: "string" },
  });
  const { values } = options;
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const environment = Object.fromEntries(
    ([["DENO", "deno"], ["DENO_DIR", "deno-dir"]] as const)
      .flatMap(([variable, name]) => {
        const path = text(name);
        return path === undefined ? [] : [[variable, absolute(name, path)]];
      }),
  );
  const loaded = await loadFrom(options);
  const isHardened = values.hardened === true;
  const user = text("user") ?? (isHardened ? hardenedUser : undefined);
  const unit = renderUnit(loaded.config, {
    program: absolute("program", text("program") ?? ownProgram()),
    environment,
    settings: Array.isArray(values.set) ? values.set : [],
    ...(user === undefined ? {} : { user }),
    ...(isHardened ? { hardenedTo: await scopeOf(loaded) } : {}),
  });
  for (const conflict of isHardened ? hardeningConflicts(loaded.config) : []) {
    console.error(`systemd-unit: ${conflict}`);
  }
  console.log(unit.trimEnd());
  return 0;
}

/** The compiled program. From sources there is none: Deno is not what a unit starts. */
function ownProgram(): string {
  if (Deno.build.standalone) return Deno.execPath();
  throw new AgentError("systemd-unit: use scripts/agent, or say --program", { kind: "usage" });
}

function absolute(name: string, path: string): string {
  if (isAbsolute(path)) return path;
  throw new AgentError(`systemd-unit: --${name} needs an absolute path`, { kind: "usage" });
}
