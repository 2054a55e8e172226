import { join } from "node:path";

/** Something that is installed for an event. More kinds follow the script in the order they run. */
export type Installed =
  | {
    readonly kind: "script";
    /** Path below the extensions folder, e.g. `bash/StartServers.sh`. */
    readonly script: string;
    /** Scripts that exist for the event too and do not run because of this one. */
    readonly hides: readonly string[];
  }
  /** It is there and cannot run; `reason` says what to do about it. */
  | { readonly kind: "unusable"; readonly script: string; readonly reason: string };

/** Script names of earlier agents, which installed cartridges still carry. */
const olderNames: ReadonlyMap<string, readonly string[]> = new Map([
  ["InstanceStartedEvent", ["instance-started.sh"]],
  ["InstanceActivatedEvent", ["instance-activated.sh"]],
  ["StartServers", ["start-servers.sh"]],
  ["ArtifactUpdatedEvent", ["artifacts-updated.sh"]],
  ["CopyArtifacts", ["artifacts-copy.sh"]],
  ["CompleteTopologyEvent", ["complete-topology.sh"]],
  ["CompleteTenantEvent", ["complete-tenant.sh"]],
  ["MemberActivatedEvent", ["member-activated.sh"]],
  ["MemberStartedEvent", ["member-started.sh"]],
  ["MemberSuspendedEvent", ["member-suspended.sh"]],
  ["MemberTerminatedEvent", ["member-terminated.sh"]],
  ["DomainMappingAddedEvent", ["domain-mapping-added.sh"]],
  ["DomainMappingRemovedEvent", ["domain-mapping-removed.sh"]],
  ["TenantSubscribedEvent", ["tenant-subscribed.sh"]],
  ["VolumeMount", ["mount-volumes.sh", "mount_volumes.sh"]],
  ["clean", ["clean.sh"]],
]);

/**
 * What runs for an event, in this order.
 *
 * One script: `bash/<event>.sh`, else `<event>.sh`, else a name of earlier agents in either folder
 * (the extensions folder first). The first that exists is taken, even when it cannot run: a script
 * that lost its executable bit is a fault to be told, not a reason to run another one.
 *
 * @param event Event name; one that cannot be a file name has nothing installed.
 * @param extensionsDir Absolute path of the extensions folder.
 * @throws Whatever the file system says, except that something is not there.
 */
export async function findInstalled(
  event: string,
  extensionsDir: string,
): Promise<readonly Installed[]> {
  if (!/^\w+$/.test(event)) return [];
  const older = olderNames.get(event) ?? [];
  const candidates = new Set([
    `bash/${event}.sh`,
    `${event}.sh`,
    ...older,
    ...older.map((name) => `bash/${name}`),
  ]);
  const found = await Promise.all(
    [...candidates].map((script) => findScript(script, extensionsDir)),
  );
  const [first, ...others] = found.filter((item) => item !== undefined);
  if (!first) return [];
  if (first.kind === "unusable") return [first];
  return [{ ...first, hides: others.map(({ script }) => script) }];
}

async function findScript(script: string, extensionsDir: string): Promise<Installed | undefined> {
  const path = join(extensionsDir, script);
  const unusable = (reason: string): Installed => ({ kind: "unusable", script, reason });
  const found = await statIfPresent(Deno.stat, path);
  if (!found) {
    const link = await statIfPresent(Deno.lstat, path);
    return link && unusable(`${path} is a link to nothing: remove it or mend it`);
  }
  if (!found.isFile) return unusable(`${path} is not a file`);
  if (((found.mode ?? 0) & 0o111) === 0) {
    return unusable(`${path} is not executable: chmod +x ${path}`);
  }
  return { kind: "script", script, hides: [] };
}

async function statIfPresent(
  stat: (path: string) => Promise<Deno.FileInfo>,
  path: string,
): Promise<Deno.FileInfo | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}
