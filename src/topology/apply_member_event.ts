import type { MemberEvent, MemberEventKind } from "../events/agent_event.ts";
import type { Member, Topology } from "../events/topology_document.ts";
import { findCluster, findMember, type MemberStatus, statesOf } from "./lookup.ts";
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
 * The topology after a member event.
 *
 * An event of a service or cluster that the topology does not know changes nothing. A member that was
 * missed so far is added from what the event says; a terminated one is taken out, as the platform does.
 *
 * @returns A new topology that shares what did not change, or the same one.
 */
export function applyMemberEvent(topology: Topology, event: MemberEvent): Topology {
  const cluster = findCluster(topology, event.serviceName, event.clusterId);
  if (!cluster || event.memberId === "") return topology;
  const known = findMember(topology, event);
  if (event.kind === "memberTerminated" && !known) return topology;
  const members = new Map(Object.entries(cluster.memberMap ?? {}));
  if (event.kind === "memberTerminated") members.delete(event.memberId);
  else members.set(event.memberId, memberAfter(known, event));
  return withCluster(topology, event, { ...cluster, memberMap: Object.fromEntries(members) });
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
