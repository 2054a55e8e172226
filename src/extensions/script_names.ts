/** Script names of earlier agents, which installed cartridges still carry, by event. */
export const olderScriptNames: ReadonlyMap<string, readonly string[]> = new Map([
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
 * Where the script of an event may lie below the extensions folder; the first that exists is it.
 *
 * `bash/<event>.sh`, else `<event>.sh`, else a name of earlier agents in either folder, the
 * extensions folder first.
 */
export function scriptCandidates(event: string): readonly string[] {
  const older = olderScriptNames.get(event) ?? [];
  return [
    ...new Set([
      `bash/${event}.sh`,
      `${event}.sh`,
      ...older,
      ...older.map((name) => `bash/${name}`),
    ]),
  ];
}

/**
 * Why an entry of an event's folder (`<event>.d/`) is no extension and is passed over; `undefined`
 * when it is meant as one.
 */
export function whyPassedOver(name: string): string | undefined {
  if (name.startsWith(".")) return "hidden file";
  if (/~$|\.(swp|swo|bak|orig|rej|tmp|dpkg-\w+|rpm\w+)$|^#.*#$/.test(name)) {
    return "left by an editor or a package manager";
  }
  if (/^README/i.test(name)) return "documentation";
  return undefined;
}
