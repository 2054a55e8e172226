import type { EnvironmentChange } from "./launcher.ts";

/**
 * What a pipe holds: a longer order would have to wait for its reader, and the usual way is as fast
 * for it. Bytes.
 */
export const maxOrderBytes = 64 * 1024;

/**
 * What a launcher says on its standard error, a line of its own, when it carries out an order: the
 * trace of the command that ends tracing. Redirecting `echo` would make standard output another pipe
 * for a moment, and that moment may be the one in which a guard looks for it.
 */
export const takenWord = "set +x";

const sayTaken = `launcher_ps4=\${PS4-} PS4=\nset -x\n${takenWord}\nPS4=$launcher_ps4`;

const encoder = new TextEncoder();

/**
 * What a launcher that waits is told in order to become a script: one command for its shell, which
 * does nothing unless it arrives whole.
 *
 * @param args Path below the extensions folder, and arguments.
 * @returns Undefined when the shell could not hand something on as it is: a name that is not a value
 *   of extensions (a shell has variables with a meaning of their own, and drops names that it cannot
 *   have), text that is no Unicode or has a NUL, or too much of everything.
 */
export function runOrder(
  args: readonly string[],
  environment: EnvironmentChange,
): Uint8Array<ArrayBuffer> | undefined {
  const values = Object.entries(environment.set);
  if (!values.every(([name]) => /^STRATOS_[A-Za-z0-9_]*$/.test(name))) return undefined;
  const exports = values.map(([name, value]) => `${name}=${quoted(value)}`).join(" ");
  const unset = `CARTRIDGE_AGENT_UNSET=${quoted(environment.unset.join(" "))}`;
  const run = `run_script ${args.map(quoted).join(" ")}`;
  const text = `{ export ${exports} ${unset}\n${sayTaken}\n${run}\n}\n`;
  if (text.length > maxOrderBytes || text.includes("\0") || !text.isWellFormed()) return undefined;
  const order = encoder.encode(text);
  return order.length > maxOrderBytes ? undefined : order;
}

/** A word that the shell takes as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
