import { join } from "node:path";

/** Where the original agent logged. */
export const systemLogDirectory = "/var/log/apache-stratos";

/**
 * The log directory when none is configured: the system's one when it exists and is writable, else
 * `<home>/logs`.
 *
 * Whether a directory is writable is asked by creating and removing an empty file: mode bits know
 * neither root nor access lists nor read-only mounts. Needs write permission for the system's
 * directory alone; without it, the agent could not log there and the home's is taken. Never prompts.
 */
export async function defaultLogDirectory(
  home: string,
  system: string = systemLogDirectory,
): Promise<string> {
  return await isWritable(system) ? system : join(home, "logs");
}

async function isWritable(directory: string): Promise<boolean> {
  const { state } = await Deno.permissions.query({ name: "write", path: directory });
  if (state !== "granted") return false;
  const probe = join(directory, `.writable-${crypto.randomUUID()}`);
  try {
    (await Deno.open(probe, { write: true, createNew: true, mode: 0o600 })).close();
    await Deno.remove(probe);
    return true;
  } catch {
    // Whatever keeps a file from being made there makes the directory unfit for logs.
    return false;
  }
}
