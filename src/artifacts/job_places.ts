import { treesFor } from "./checkout_directories.ts";
import type { JobPlaces } from "./git_job.ts";
import type { TenantPlace, TenantSurroundings } from "./tenant_surroundings.ts";

/** Does work in a tenant's directories, the one for files on their way among them. */
export async function inPlaces<T>(
  surroundings: Pick<TenantSurroundings, "config" | "staging">,
  { destination, applicationPath }: TenantPlace,
  tenant: { readonly id: number; readonly gitDirectory: string },
  work: (places: JobPlaces) => Promise<T>,
): Promise<T> {
  const { backupInitial, publish } = surroundings.config;
  const trees = await treesFor(destination, publish);
  // Trees are beside the destination; for other files any place on its file system will do.
  const staging = surroundings.staging(trees === undefined ? applicationPath : destination);
  const stagingPath = await staging.enter(tenant.id, trees !== undefined);
  try {
    return await work({
      gitDirectory: tenant.gitDirectory,
      destination,
      stagingDirectories: stagingPath === undefined ? [] : [stagingPath],
      ...(trees === undefined ? {} : { trees }),
      ...(backupInitial ? { backup: `${destination}_backup` } : {}),
    });
  } finally {
    await staging.leave();
  }
}
