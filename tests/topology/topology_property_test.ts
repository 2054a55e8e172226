import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEvent } from "../../src/events/decode.ts";
import type { Topology } from "../../src/events/topology_document.ts";
import { applyChange } from "../../src/topology/apply_change.ts";
import { missedEvents } from "../../src/topology/missed_events.ts";

/**
 * A platform of its own making: keeps the topology as the cloud controller does, mutable and naive,
 * and tells of each change by an event.
 */
class Platform {
  // deno-lint-ignore no-explicit-any
  readonly topology: any = { clusterMap: {}, serviceMap: {} };
  readonly events: { readonly topic: string; readonly payload: unknown }[] = [];

  play([action, s, c, m]: Action): void {
    const serviceName = `service-${s}`, clusterId = `cluster-${s}-${c}`;
    const memberId = `${clusterId}-m${m}`, instanceId = `instance-${m}`;
    const services = this.topology.serviceMap;
    const service = services[serviceName];
    const cluster = service?.clusterIdClusterMap[clusterId];
    const member = cluster?.memberMap[memberId];
    const ids = {
      serviceName,
      clusterId,
      memberId,
      clusterInstanceId: "i",
      networkPartitionId: "n",
      partitionId: "p",
    };
    const enter = (event: string, from: readonly string[], status: string, more: object = {}) => {
      if (!member || !from.includes(member.memberStateManager.stateStack.at(-1))) return;
      Object.assign(member, more);
      member.memberStateManager.stateStack.push(status);
      this.#tell(`Member${event}Event`, { ...ids, ...more });
    };
    switch (action) {
      case "createService": {
        if (service) return;
        const made = { serviceName, serviceType: "SingleTenant", portMap: {} };
        services[serviceName] = { ...made, clusterIdClusterMap: {} };
        return this.#tell("ServiceCreatedEvent", made);
      }
      case "removeService":
        if (!service) return;
        delete services[serviceName];
        return this.#tell("ServiceRemovedEvent", { serviceName });
      case "createCluster": {
        if (!service || cluster) return;
        const made = {
          serviceName,
          clusterId,
          memberMap: {},
          instanceIdToInstanceContextMap: {},
          accessUrls: {},
          loadBalancerIps: [],
        };
        service.clusterIdClusterMap[clusterId] = structuredClone(made);
        return m % 2
          ? this.#tell("ClusterCreatedEvent", { cluster: made })
          : this.#tell("ApplicationClustersCreatedEvent", { clusterList: [made], appId: "a" });
      }
      case "removeCluster":
        if (!cluster) return;
        delete service.clusterIdClusterMap[clusterId];
        return m % 2
          ? this.#tell("ClusterRemovedEvent", { serviceName, clusterId })
          : this.#tell("ApplicationClustersRemovedEvent", {
            clusterData: [{ serviceType: serviceName, clusterId }],
          });
      case "createInstance": {
        if (!cluster || cluster.instanceIdToInstanceContextMap[instanceId]) return;
        const clusterInstance = {
          instanceId,
          instanceProperties: {},
          lifeCycleStateManager: { stateStack: ["Created"], identifier: clusterId },
        };
        cluster.instanceIdToInstanceContextMap[instanceId] = structuredClone(clusterInstance);
        return this.#tell("ClusterInstanceCreatedEvent", {
          serviceName,
          clusterId,
          clusterInstance,
        });
      }
      case "activateInstance": {
        const instance = cluster?.instanceIdToInstanceContextMap[instanceId];
        if (!instance || instance.lifeCycleStateManager.stateStack.at(-1) === "Active") return;
        instance.lifeCycleStateManager.stateStack.push("Active");
        cluster.accessUrls[instanceId] = [`http://${clusterId}`];
        cluster.loadBalancerIps = ["10.0.0.1"];
        return this.#tell("ClusterInstanceActivatedEvent", {
          serviceName,
          clusterId,
          instanceId,
          accessUrls: [`http://${clusterId}`],
          loadBalancerIps: ["10.0.0.1"],
        });
      }
      case "terminateInstance":
        if (!cluster?.instanceIdToInstanceContextMap[instanceId]) return;
        delete cluster.instanceIdToInstanceContextMap[instanceId];
        return this.#tell("ClusterInstanceTerminatedEvent", { serviceName, clusterId, instanceId });
      case "createMember": {
        if (!cluster || member) return;
        const made = {
          ...ids,
          loadBalancingIPType: "Private",
          initTime: 1,
          properties: { k: "v" },
        };
        cluster.memberMap[memberId] = {
          ...made,
          memberStateManager: { stateStack: ["Created"], identifier: memberId },
        };
        return this.#tell("MemberCreatedEvent", made);
      }
      case "initialize":
        return enter("Initialized", ["Created"], "Initialized", {
          instanceId: "vm",
          defaultPrivateIP: "10.1.1.1",
          memberPrivateIPs: ["10.1.1.1"],
        });
      case "start":
        return enter("Started", ["Initialized", "Active"], "Starting");
      case "activate":
        return enter("Activated", ["Starting"], "Active", {
          portMap: { "80": { protocol: "http", value: 8080, proxy: 80 } },
        });
      case "maintain":
        return enter("MaintenanceMode", ["Active"], "In_Maintenance");
      case "ready":
        return enter("ReadyToShutdown", ["In_Maintenance"], "ReadyToShutDown");
      case "terminateMember":
        if (!member) return;
        delete cluster.memberMap[memberId];
        return this.#tell("MemberTerminatedEvent", ids);
    }
  }

  #tell(event: string, payload: unknown): void {
    this.events.push({ topic: `topology/${event}`, payload: structuredClone(payload) });
  }
}

const actions = [
  "createService",
  "createService",
  "removeService",
  "createCluster",
  "createCluster",
  "removeCluster",
  "createInstance",
  "activateInstance",
  "terminateInstance",
  "createMember",
  "createMember",
  "initialize",
  "start",
  "activate",
  "maintain",
  "ready",
  "terminateMember",
] as const;
type Action = [typeof actions[number], number, number, number];

const play = fc.array(
  fc.tuple(fc.constantFrom(...actions), fc.nat(1), fc.nat(1), fc.nat(2)),
  { minLength: 20, maxLength: 120 },
) as fc.Arbitrary<Action[]>;

function decoded(topic: string, payload: unknown) {
  const result = decodeEvent(topic, new TextEncoder().encode(JSON.stringify(payload)));
  assert.ok(result.kind === "event", JSON.stringify(result));
  return result.event;
}

function complete(platform: Platform): Topology {
  const event = decoded("topology/CompleteTopologyEvent", { topology: platform.topology });
  assert.ok(event.kind === "completeTopology");
  return event.topology;
}

function follow(topology: Topology, platform: Platform, from: number): Topology {
  return platform.events.slice(from).reduce((known, { topic, payload }) => {
    const event = decoded(topic, payload);
    assert.ok(event.kind !== "completeTopology");
    return applyChange(known, event as Parameters<typeof applyChange>[1]);
  }, topology);
}

Deno.test("topology: following the events of any legal sequence gives the platform's own topology", () => {
  fc.assert(fc.property(play, play, (before, after) => {
    const platform = new Platform();
    before.forEach((action) => platform.play(action));
    const known = complete(platform);
    const from = platform.events.length;
    after.forEach((action) => platform.play(action));
    assert.deepEqual(follow(known, platform, from), complete(platform));
  }));
});

Deno.test("missed events: name the present state of every member that changed in any legal gap", () => {
  fc.assert(fc.property(play, play, (before, after) => {
    const platform = new Platform();
    before.forEach((action) => platform.play(action));
    const known = complete(platform);
    after.forEach((action) => platform.play(action));
    const now = complete(platform);
    const states = (topology: Topology) =>
      new Map(
        Object.values(topology.serviceMap).flatMap(({ clusterIdClusterMap = {} }) =>
          Object.values(clusterIdClusterMap).flatMap(({ memberMap = {} }) =>
            Object.entries(memberMap).map(([id, { memberStateManager }]) =>
              [id, memberStateManager!.stateStack!.join()] as const
            )
          )
        ),
      );
    const [was, is] = [states(known), states(now)];
    const changed = [...new Set([...was.keys(), ...is.keys()])].filter((id) =>
      was.get(id) !== is.get(id)
    );
    const named = new Set(missedEvents(known, now).map(({ memberId }) => memberId));
    for (const id of named) assert.ok(changed.includes(id), `${id} did not change`);
    for (const id of changed) {
      const [before = "", after = ""] = [was.get(id), is.get(id)];
      const sameNow = before.split(",").at(-1) === after.split(",").at(-1);
      assert.ok(
        named.has(id) || (sameNow && !after.startsWith(before)),
        `${id}: ${before} → ${after}`,
      );
    }
  }));
});
