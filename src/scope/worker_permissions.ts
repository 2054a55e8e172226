import type { RuntimeScope } from "./runtime_scope.ts";

/**
 * The scope as permissions of a worker: exactly that, whatever the program itself was granted.
 *
 * Under `--ignore-env` Deno lets a worker have the program's own permissions for the environment and no
 * others; then those are handed on, which are names of documented settings.
 */
export function workerPermissions(scope: RuntimeScope): Deno.PermissionOptionsObject {
  const { net, read, write, run, sys, env } = scope;
  return {
    net: list(net),
    read: list(read),
    write: list(write),
    run: list(run),
    sys: list(sys),
    env: ignoresEnvironment() ? "inherit" : list(env),
    ffi: false,
    import: false,
  };
}

/** Deno takes an empty list for none, yet says so nowhere. */
function list<T extends string>(values: readonly T[]): T[] | false {
  return values.length === 0 ? false : [...values];
}

/** Whether an environment variable that nobody granted reads as not set, instead of being refused. */
function ignoresEnvironment(): boolean {
  try {
    Deno.env.get("CARTRIDGE_AGENT_NOBODY_SETS_THIS");
  } catch {
    return false;
  }
  const { state } = Deno.permissions.querySync({
    name: "env",
    variable: "CARTRIDGE_AGENT_NOBODY_SETS_THIS",
  });
  return state !== "granted";
}
