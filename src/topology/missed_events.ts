import type { MemberEvent, MemberEventKind } from "../events/agent_event.ts";
import type { Member, Topology } from "../events/topology_document.ts";
import { statusAfter } from "./apply_member_event.ts";
import { findMember, type MemberPath, statesOf } from "./lookup.ts";

const kindOfStatus: ReadonlyMap<string, MemberEventKind> = new Map(
  Object.entries(statusAfter).map(([kind, status]) => [status, kind as MemberEventKind]),
);

/**
 * The member events that lie between two complete topologies: what happened while nobody listened.
 *
 * A member that is gone was terminated; one that is new went through all its states; one whose states
 * grew went through the new ones.
 */
export function missedEvents(before: Topology, after: Topology): readonly MemberEvent[] {
  const events: MemberEvent[] = [];
  for (const [path, member] of members(before)) {
    if (!findMember(after, path)) events.push(eventOf("memberTerminated", path, member));
  }
  for (const [path, member] of members(after)) {
    const known = findMember(before, path);
    if (known === member) continue;
    const seen = known ? statesOf(known) : [];
    const states = statesOf(member);
    const isContinuation = seen.every((state, at) => states[at] === state);
    // A stack that was begun anew tells only where the member stands now.
    const missed = isContinuation ? states.slice(seen.length) : states.slice(-1);
    if (!isContinuation && seen.at(-1) === states.at(-1)) continue;
    for (const state of missed) {
      const kind = kindOfStatus.get(state);
      if (kind) events.push(eventOf(kind, path, member));
    }
  }
  return events;
}

function* members(topology: Topology): Generator<[MemberPath, Member]> {
  for (const [serviceName, service] of Object.entries(topology.serviceMap)) {
    for (const [clusterId, cluster] of Object.entries(service.clusterIdClusterMap ?? {})) {
      for (const [memberId, member] of Object.entries(cluster.memberMap ?? {})) {
        yield [{ serviceName, clusterId, memberId }, member];
      }
    }
  }
}

function eventOf(kind: MemberEventKind, path: MemberPath, member: Member): MemberEvent {
  return {
    kind,
    ...path,
    clusterInstanceId: member.clusterInstanceId ?? "",
    networkPartitionId: member.networkPartitionId ?? "",
    partitionId: member.partitionId ?? "",
    details: {},
  };
}
