import type { ClusterPath, MemberEvent, MemberEventKind } from "../events/agent_event.ts";
import type { Cluster, Member, Topology } from "../events/topology_document.ts";
import { findCluster, type MemberStatus, statesOf } from "./lookup.ts";
import { withCluster } from "./with_part.ts";

/** The status that an event brings its member to. */
export const statusAfter = {
  memberCreated: "Created",
  memberInitialized: "Initialized",
  memberStarted: "Starting",
  memberActivated: "Active",
  memberMaintenanceMode: "In_Maintenance",
  memberReadyToShutdown: "ReadyToShutDown",
  memberSuspended: "Suspended",
  memberTerminated: "Terminated",
} as const satisfies Record<MemberEventKind, MemberStatus>;

/**
 * The topology after member events, oldest first.
 *
 * An event of a service or cluster that the topology does not know changes nothing. A member that was
 * missed so far is added from what the event says; a terminated one is taken out, as the platform does.
 * Each cluster is copied once, however many events there are: one may have 20,000 members.
 *
 * @returns A new topology that shares what did not change.
 */
export function applyMemberEvents(topology: Topology, events: readonly MemberEvent[]): Topology {
  const changed = new Map<Cluster, { path: ClusterPath; members: Map<string, Member> }>();
  for (const event of events) {
    const cluster = findCluster(topology, event.serviceName, event.clusterId);
    if (!cluster || event.memberId === "") continue;
    let copy = changed.get(cluster);
    if (!copy) {
      copy = { path: event, members: new Map(Object.entries(cluster.memberMap ?? {})) };
      changed.set(cluster, copy);
    }
    if (event.kind === "memberTerminated") copy.members.delete(event.memberId);
    else copy.members.set(event.memberId, memberAfter(copy.members.get(event.memberId), event));
  }
  let after = topology;
  for (const [cluster, { path, members }] of changed) {
    after = withCluster(after, path, { ...cluster, memberMap: Object.fromEntries(members) });
  }
  return after;
}

function memberAfter(known: Member | undefined, event: MemberEvent): Member {
  const status = statusAfter[event.kind];
  const states = known ? statesOf(known) : [];
  const ids = {
    serviceName: event.serviceName,
    clusterId: event.clusterId,
    memberId: event.memberId,
    clusterInstanceId: event.clusterInstanceId || known?.clusterInstanceId || "",
    networkPartitionId: event.networkPartitionId,
    partitionId: event.partitionId,
  };
  return {
    ...known,
    ...ids,
    ...event.details,
    memberStateManager: {
      identifier: event.memberId,
      ...known?.memberStateManager,
      stateStack: states.at(-1) === status ? states : [...states, status],
    },
  } as Member;
}
