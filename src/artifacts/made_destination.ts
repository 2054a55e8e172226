/** Who made a tenant's directory: what was there before the agent stays when the tenant goes. */
import { gitDirectoryAt } from "../git/git_directory.ts";

/** Remembers that the agent made the destination. */
export async function rememberMadeDestination(
  gitDirectory: string,
  destination: string,
): Promise<void> {
  const { madeDestination } = gitDirectoryAt(gitDirectory);
  await Deno.writeTextFile(madeDestination, destination, { mode: 0o600 });
}

/** Whether the agent made the destination. */
export async function isMadeDestination(
  gitDirectory: string,
  destination: string,
): Promise<boolean> {
  try {
    return await Deno.readTextFile(gitDirectoryAt(gitDirectory).madeDestination) === destination;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
