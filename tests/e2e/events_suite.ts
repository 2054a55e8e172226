import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import { extensionEvents } from "../../src/config/extension_events.ts";
import { parseLaunchParams } from "../../src/config/launch_params.ts";
import { artifactUpdated } from "../../src/sandbox/artifact_event.ts";
import { gsonText } from "../../src/sandbox/gson.ts";
import { Journal } from "../../src/sandbox/journal.ts";
import { type MemberState, sandboxMember } from "../../src/sandbox/member.ts";
import { MemberRegistry } from "../../src/sandbox/member_registry.ts";
import { connectPlatform, type PlatformConnection } from "../../src/sandbox/platform_client.ts";
import {
  completeTenants,
  completeTopology,
  memberEvent,
  type PlatformEvent,
  type PlatformTenant,
  type ServiceFacts,
} from "../../src/sandbox/platform_events.ts";
import { peerTest } from "../system_peers.ts";
import type { PeerKit } from "./peer_kit.ts";
import { canaries, openScene, patience, type Scene } from "./scene.ts";
import { tellingScript, type ToldRun, ToldRuns } from "./told_runs.ts";

const { memberId: ownId, applicationId: _, ...ownIds } = sandboxMember;
const otherId = "single-cartridge-app.my-php.php.domain-other";
const newId = "single-cartridge-app.my-php.php.domain-new";
const tenantId = 7;
const persistenceMapping = "/dev/vdb|/mnt/data";
const repositoryUser = "deployer";

/** What scripts are told because the topology says so. */
const toldOfTopology = {
  LB_IP: "10.9.9.9",
  LB_PUBLIC_IP: "54.9.9.9",
  SERVICE_PROPERTY_tier: "web='1'",
  CLUSTER_PROPERTY_odd_name: "x",
  MEMBER_PROPERTY_MIN_COUNT: "1",
};

/** A load balancer, whose addresses extensions are told. */
const loadBalancer = {
  serviceName: "lb",
  serviceType: "SingleTenant",
  clusterIdClusterMap: {
    "lb.cluster": {
      serviceName: "lb",
      clusterId: "lb.cluster",
      memberMap: {
        "lb-1": { memberId: "lb-1", defaultPrivateIP: "10.9.9.9", defaultPublicIP: "54.9.9.9" },
      },
    },
  },
};

const facts: ServiceFacts = {
  multiTenant: true,
  portMappings: [{ protocol: "http", port: 8080, proxyPort: 80 }],
  serviceProperties: { tier: "web='1'" },
  clusterProperties: { "odd.name": "x" },
  otherServices: { lb: loadBalancer },
};

interface Sent {
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The platform by hand, so that nothing happens between two rows of the table, and what it knows. */
class Stage {
  readonly #connection: PlatformConnection;
  readonly #sent = new Journal<Sent>(systemClock);
  readonly members = new MemberRegistry();
  readonly #scene: Scene;
  readonly runs: ToldRuns;
  readonly #launchParameters: Readonly<Record<string, string>>;
  tenants: readonly PlatformTenant[] | undefined;
  topologyIsKnown = false;
  /** Changes what the members and {@link facts} make of the topology. */
  amend: (topology: Document) => void = () => {};
  #heard = 0;

  private constructor(scene: Scene, runs: ToldRuns, launchParameters: Record<string, string>) {
    this.#scene = scene;
    this.runs = runs;
    this.#launchParameters = launchParameters;
    const { port } = scene.broker;
    const password = new Secret(canaries.broker);
    this.#connection = connectPlatform(
      { host: "127.0.0.1", port, username: "agent", password },
      "platform-by-hand",
      ["instance/status/#", "initializer/#"],
      {
        onMessage: ({ topic, payload }) =>
          this.#sent.add({ topic, payload: JSON.parse(new TextDecoder().decode(payload)) }),
        onConnected: () => {},
      },
      systemClock,
    );
    this.members.add({ identity: sandboxMember }, 1_438_263_230_000);
    this.members.add({ identity: { ...sandboxMember, memberId: otherId } }, 1_438_263_230_001);
  }

  static async open(scene: Scene): Promise<Stage> {
    const text = await Deno.readTextFile(join(scene.home.path, "payload", "launch-params"));
    const parameters = Object.fromEntries(parseLaunchParams(text).parameters);
    const stage = new Stage(scene, await ToldRuns.open(scene.home), parameters);
    await stage.#connection.ready;
    return stage;
  }

  async say({ topic, payload }: PlatformEvent): Promise<void> {
    await this.#connection.publish(topic, gsonText(payload));
  }

  async sayRaw(topic: string, payload: string): Promise<void> {
    await this.#connection.publish(topic, payload);
  }

  /** A member takes a step, and everybody is told. */
  async enter(memberId: string, state: MemberState): Promise<void> {
    await this.say(memberEvent(this.members.enter(memberId, state), facts));
  }

  completeTopology(): PlatformEvent {
    return { topic: "topology/CompleteTopologyEvent", payload: { topology: this.topology() } };
  }

  /** The topology that the agent has to know by now. */
  topology(): Document {
    const { payload } = completeTopology(sandboxMember, facts, this.members.all);
    const topology = JSON.parse(gsonText(payload["topology"])) as Document;
    this.amend(topology);
    return topology;
  }

  /** The next message of the agent, which must be this one. */
  async hears(topic: string, payload: Readonly<Record<string, unknown>>): Promise<void> {
    const from = this.#heard++;
    const sent = await this.#sent.until(topic, () => true, { ...patience, from });
    assert.deepEqual(sent, { topic, payload });
  }

  /** The next run for the event, which must have been told exactly this beside what is always told. */
  async ran(
    event: string,
    values: Readonly<Record<string, string>> = {},
    args: readonly string[] = [],
  ): Promise<void> {
    const told = await this.runs.next(event);
    const topology = this.topology();
    const { php } = topology.serviceMap;
    const documents = !this.topologyIsKnown ? {} : {
      TOPOLOGY_JSON: topology,
      MEMBER_LIST_JSON: php!.clusterIdClusterMap[sandboxMember.clusterId]!.memberMap,
      ...(this.tenants ? { TENANT_LIST_JSON: this.tenants } : {}),
    };
    const expected: ToldRun = {
      values: { ...this.#alwaysTold(), EVENT: event, ...values },
      documents,
      files: documents,
      args,
    };
    assert.deepEqual(withSortedTenants(told), withSortedTenants(expected));
  }

  #alwaysTold(): Readonly<Record<string, string>> {
    const { home, broker } = this.#scene;
    return {
      ...this.#launchParameters,
      MB_IP: "127.0.0.1",
      MB_PORT: String(broker.port),
      APP_PATH: home.applicationPath,
      PARAM_FILE_PATH: join(home.path, "payload", "launch-params"),
      PERSISTENCE_MAPPINGS: persistenceMapping,
      ...(this.topologyIsKnown ? toldOfTopology : {}),
    };
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#connection[Symbol.asyncDispose]();
  }
}

/** The order of tenants means nothing. */
function withSortedTenants(run: ToldRun): ToldRun {
  const sorted = (documents: ToldRun["documents"]) => {
    const tenants = documents["TENANT_LIST_JSON"] as PlatformTenant[] | undefined;
    if (!tenants) return documents;
    const byId = tenants.toSorted((a, b) => a.tenantId - b.tenantId);
    return { ...documents, TENANT_LIST_JSON: byId };
  };
  return { ...run, documents: sorted(run.documents), files: sorted(run.files) };
}

/** As much of the topology as is changed here. */
interface Document {
  readonly serviceMap: Record<string, {
    readonly clusterIdClusterMap: Record<string, ClusterDocument>;
  }>;
}

interface ClusterDocument extends Record<string, unknown> {
  readonly memberMap: Record<string, Record<string, unknown>>;
}

/** What a script is told of the member that an event is about. */
function memberValues(memberId: string, hasInstance = true): Readonly<Record<string, string>> {
  return {
    EVENT_SERVICE_NAME: ownIds.serviceName,
    EVENT_CLUSTER_ID: ownIds.clusterId,
    EVENT_MEMBER_ID: memberId,
    EVENT_CLUSTER_INSTANCE_ID: hasInstance ? ownIds.clusterInstanceId : "",
    EVENT_NETWORK_PARTITION_ID: ownIds.networkPartitionId,
    EVENT_PARTITION_ID: ownIds.partitionId,
  };
}

const statusIds = { ...ownIds, memberId: ownId };

/** Every event of the platform, and what it leads to; in the order of one life. */
export function eventsSuite(kit: PeerKit): void {
  peerTest(
    `events: on ${kit.name} each leads to its script with exactly its values, and to its status`,
    [...kit.needs, "git"],
    async (t) => {
      await using scene = await openScene(kit, {
        receiver: false,
        files: { "index.html": "first" },
        // Not the own member: its platform keeps silent, and the one by hand speaks.
        platform: {
          member: { identity: { ...sandboxMember, memberId: "nobody" } },
          answersRequests: false,
        },
        home: {
          multiTenant: true,
          tenantId: String(tenantId),
          launchParameters: {
            LB_CLUSTER_ID: "lb.cluster",
            PERSISTENCE_MAPPING: persistenceMapping,
            LVS_VIRTUAL_IP: "10.1.1.1|255.255.255.0",
            ODD_ONE: "a=b,c ünd 'd'",
          },
          extensions: Object.fromEntries(
            extensionEvents.map((event) => [`bash/${event}.sh`, tellingScript]),
          ),
        },
      });
      await using stage = await Stage.open(scene);
      const agent = await scene.start();
      try {
        for (const [name, row] of rows) {
          // A row begins where the one before has ended.
          if (!await t.step(name, () => row(stage, scene))) return;
        }
        assert.deepEqual(await stage.runs.unasked(), [], "nothing else has run");
      } finally {
        const code = await agent.end();
        assert.equal(code, 0, agent.output());
      }
    },
  );
}

type Row = readonly [name: string, play: (stage: Stage, scene: Scene) => Promise<void>];

const wayUp: readonly Row[] = [
  ["nothing but the start runs CreateLVSDummyInterface", async (stage) => {
    const values = { LVS_DUMMY_VIRTUAL_IP: "10.1.1.1", LVS_SUBNET_MASK: "255.255.255.0" };
    await stage.ran("CreateLVSDummyInterface", values);
  }],
  [
    "CompleteTopologyEvent runs its extension, and again only when it has changed",
    async (stage) => {
      await stage.hears("initializer/CompleteTopologyRequestEvent", {});
      await stage.say({ topic: "topology/CompleteTopologyEvent", payload: {} });
      stage.topologyIsKnown = true;
      await stage.say(stage.completeTopology());
      await stage.ran("CompleteTopologyEvent");
      await stage.say(stage.completeTopology());
      stage.members.add({
        identity: { ...sandboxMember, memberId: otherId },
        privateIps: ["10.0.0.16"],
      }, 1_438_263_230_002);
      await stage.say(stage.completeTopology());
      await stage.ran("CompleteTopologyEvent");
    },
  ],
  ["MemberInitializedEvent of the own member begins the way up", async (stage) => {
    await stage.enter(ownId, "Initialized");
    await stage.ran("MemberInitializedEvent", memberValues(ownId));
    await stage.hears("initializer/CompleteTenantRequestEvent", {});
    await stage.ran("InstanceStartedEvent");
    await stage.hears("instance/status/InstanceStartedEvent", {
      applicationId: sandboxMember.applicationId,
      ...statusIds,
    });
    await stage.ran("StartServers");
    await stage.ran("VolumeMount", { VALUE1: persistenceMapping }, [persistenceMapping]);
  }],
  ["CompleteTenantEvent runs its extension, and again only when it has changed", async (stage) => {
    stage.tenants = [{ tenantId: -1234, tenantDomain: "carbon.super" }];
    await stage.say(completeTenants(stage.tenants));
    await stage.ran("CompleteTenantEvent");
    await stage.say(completeTenants(stage.tenants));
    stage.tenants = [...stage.tenants, { tenantId, tenantDomain: "ténant.example" }];
    await stage.say(completeTenants(stage.tenants));
    await stage.ran("CompleteTenantEvent");
  }],
  ["ArtifactUpdatedEvent of the own cluster checks out, runs its extension and activates", async (
    stage,
    { home, remote },
  ) => {
    const repository = {
      tenantId: String(tenantId),
      url: remote!.url("application"),
      username: repositoryUser,
      password: new Secret(canaries.repository),
    };
    const key = new Secret(canaries.cartridgeKey);
    await stage.say(artifactUpdated("another", repository, key));
    const event = artifactUpdated(ownIds.clusterId, repository, key, { status: "ACTIVE" });
    await stage.say(event);
    const values = artifactValues(event);
    await stage.ran("ArtifactUpdatedEvent", values);
    const checkedOut = join(home.applicationPath, "repository/tenants/7/index.html");
    assert.equal(await Deno.readTextFile(checkedOut), "first");
    await stage.hears("instance/status/InstanceActivatedEvent", statusIds);
    await stage.ran("InstanceActivatedEvent");
    await remote!.commit("application", { "index.html": "second" });
    await stage.ran("ArtifactUpdatedEvent", { ...values, ARTIFACT_UPDATED_SCHEDULER: "true" });
    assert.equal(await Deno.readTextFile(checkedOut), "second");
  }],
];

function artifactValues({ payload }: PlatformEvent): Readonly<Record<string, string>> {
  return {
    ARTIFACT_UPDATED_CLUSTER_ID: String(payload["clusterId"]),
    ARTIFACT_UPDATED_TENANT_ID: String(payload["tenantId"]),
    ARTIFACT_UPDATED_REPO_URL: String(payload["repoURL"]),
    ARTIFACT_UPDATED_REPO_USERNAME: String(payload["repoUserName"]),
    ARTIFACT_UPDATED_REPO_PASSWORD: String(payload["repoPassword"]),
    ARTIFACT_UPDATED_STATUS: String(payload["status"]),
  };
}

/** Runs the extension of a member that takes this step. */
const memberRow = (state: MemberState, event: string, memberId: string): Row => [
  `${event} runs its extension for ${memberId === ownId ? "the own" : "another"} member`,
  async (stage) => {
    await stage.enter(memberId, state);
    await stage.ran(event, memberValues(memberId, state !== "Suspended"));
  },
];

const memberRows: readonly Row[] = [
  memberRow("Starting", "MemberStartedEvent", ownId),
  memberRow("Active", "MemberActivatedEvent", ownId),
  ["MemberCreatedEvent changes the topology alone", async (stage) => {
    const identity = { ...sandboxMember, memberId: newId };
    const made = stage.members.add({ identity, privateIps: ["10.0.0.17"] }, 1_438_263_230_003);
    await stage.say(memberEvent(made, facts));
    // The event does not say it, and the platform fills it later.
    stage.amend = (topology) => {
      const cluster = topology.serviceMap["php"]!.clusterIdClusterMap[ownIds.clusterId]!;
      delete cluster.memberMap[newId]!["portMap"];
    };
    await stage.enter(otherId, "Initialized");
    await stage.ran("MemberInitializedEvent", memberValues(otherId));
  }],
  memberRow("Initialized", "MemberInitializedEvent", newId),
  memberRow("Starting", "MemberStartedEvent", newId),
  ["MemberActivatedEvent runs its extension for another member", async (stage) => {
    stage.amend = () => {};
    await stage.enter(newId, "Active");
    await stage.ran("MemberActivatedEvent", memberValues(newId));
  }],
  memberRow("Suspended", "MemberSuspendedEvent", otherId),
  ["MemberMaintenanceModeEvent and MemberReadyToShutdownEvent change the topology alone", async (
    stage,
  ) => {
    await stage.enter(newId, "In_Maintenance");
    await stage.enter(newId, "ReadyToShutDown");
    await stage.enter(otherId, "Active");
    await stage.ran("MemberActivatedEvent", memberValues(otherId));
  }],
  memberRow("Terminated", "MemberTerminatedEvent", newId),
  ["events of members of an unknown service or cluster change nothing", async (stage) => {
    const [event] = [memberEvent(stage.members.find(otherId)!, facts)];
    for (const wrong of [{ serviceName: "x" }, { clusterId: "x" }]) {
      await stage.say({ ...event!, payload: { ...event!.payload, ...wrong } });
    }
    await stage.enter(otherId, "Suspended");
    await stage.ran("MemberSuspendedEvent", memberValues(otherId, false));
  }],
];

const lastSuspended = async (stage: Stage) => {
  await stage.say(memberEvent(stage.members.find(otherId)!, facts));
  await stage.ran("MemberSuspendedEvent", memberValues(otherId, false));
};

/** A cluster as events create it. */
const tomcatCluster = (clusterId: string): ClusterDocument => ({
  serviceName: "tomcat",
  clusterId,
  memberMap: {},
  appId: "single-cartridge-app",
  instanceIdToInstanceContextMap: {},
});

const modelRows: readonly Row[] = [
  ["ServiceCreated, ClusterCreated and ApplicationClustersCreated add to the topology", async (
    stage,
  ) => {
    const service = { serviceName: "tomcat", serviceType: "SingleTenant", portMap: {} };
    await stage.say({ topic: "topology/ServiceCreatedEvent", payload: service });
    const [first, second, third] = ["t1", "t2", "t3"].map(tomcatCluster);
    await stage.say({ topic: "topology/ClusterCreatedEvent", payload: { cluster: first } });
    await stage.say({
      topic: "topology/ApplicationClustersCreatedEvent",
      payload: { clusterList: [second, third], appId: "single-cartridge-app" },
    });
    stage.amend = ({ serviceMap }) => {
      serviceMap["tomcat"] = {
        ...service,
        clusterIdClusterMap: { t1: first!, t2: second!, t3: third! },
      };
    };
    await lastSuspended(stage);
  }],
  ["ClusterInstance events change the instances of a cluster", async (stage) => {
    const ids = { serviceName: "tomcat", clusterId: "t1" };
    const instance = (...stateStack: string[]) => ({
      alias: "t",
      instanceId: "i1",
      lifeCycleStateManager: { stateStack, identifier: "t1_i1" },
    });
    await stage.say({
      topic: "topology/ClusterInstanceCreatedEvent",
      payload: { ...ids, clusterInstance: instance("Created") },
    });
    await stage.say({
      topic: "topology/ClusterInstanceActivatedEvent",
      payload: { ...ids, instanceId: "i1", accessUrls: ["http://a"], loadBalancerIps: ["1.1.1.1"] },
    });
    for (const name of ["Inactivate", "Terminating"]) {
      const topic = `topology/ClusterInstance${name}Event`;
      await stage.say({ topic, payload: { ...ids, instanceId: "i1" } });
    }
    await stage.say(memberEvent(stage.members.find(otherId)!, facts));
    const told = await stage.runs.next("MemberSuspendedEvent");
    const topology = told.documents["TOPOLOGY_JSON"] as Document;
    const cluster = topology.serviceMap["tomcat"]!.clusterIdClusterMap["t1"]!;
    assert.deepEqual(cluster["instanceIdToInstanceContextMap"], {
      i1: instance("Created", "Active", "Inactive", "Terminating"),
    });
    assert.ok(JSON.stringify(cluster).includes("http://a"));
  }],
  ["ClusterRemoved, ApplicationClustersRemoved and ServiceRemoved take from it", async (stage) => {
    await stage.say({
      topic: "topology/ClusterRemovedEvent",
      payload: { serviceName: "tomcat", clusterId: "t1", isLbCluster: false },
    });
    await stage.say({
      topic: "topology/ApplicationClustersRemovedEvent",
      payload: { clusterData: [{ serviceType: "tomcat", clusterId: "t2" }] },
    });
    stage.amend = ({ serviceMap }) => {
      serviceMap["tomcat"] = {
        ...{ serviceName: "tomcat", serviceType: "SingleTenant", portMap: {} },
        clusterIdClusterMap: { t3: tomcatCluster("t3") },
      };
    };
    await lastSuspended(stage);
    const payload = { serviceName: "tomcat" };
    await stage.say({ topic: "topology/ServiceRemovedEvent", payload });
    stage.amend = () => {};
    await lastSuspended(stage);
  }],
];

const mapping = {
  applicationId: sandboxMember.applicationId,
  tenantId,
  serviceName: ownIds.serviceName,
  clusterId: ownIds.clusterId,
  domainName: "www.exämple.com/<&>='",
};

const mappingValues = {
  SUBSCRIPTION_APPLICATION_ID: mapping.applicationId,
  SUBSCRIPTION_SERVICE_NAME: mapping.serviceName,
  SUBSCRIPTION_DOMAIN_NAME: mapping.domainName,
  SUBSCRIPTION_CLUSTER_ID: mapping.clusterId,
  SUBSCRIPTION_TENANT_ID: String(tenantId),
  SUBSCRIPTION_TENANT_DOMAIN: "renamed.example",
};

const tenantRows: readonly Row[] = [
  ["TenantCreated, TenantUpdated and TenantRemoved change the tenants", async (stage) => {
    const tenant = { tenantId: 8, tenantDomain: "eight.example" };
    await stage.say({ topic: "tenant/TenantCreatedEvent", payload: { tenant } });
    const payload = { tenantId, tenantDomain: "renamed.example" };
    await stage.say({ topic: "tenant/TenantUpdatedEvent", payload });
    await stage.say({ topic: "tenant/TenantRemovedEvent", payload: { tenantId: -1234 } });
    stage.tenants = [payload, tenant];
    await stage.say({
      topic: "tenant/TenantSubscribedEvent",
      payload: { tenantId, serviceName: "php", clusterIds: [ownIds.clusterId] },
    });
    await stage.ran("TenantSubscribedEvent", {
      EVENT_SERVICE_NAME: "php",
      EVENT_TENANT_ID: String(tenantId),
    });
  }],
  ["DomainMappingAddedEvent of the own cluster runs its extension", async (stage) => {
    const topic = "domain/mapping/DomainMappingAddedEvent";
    await stage.say({ topic, payload: { ...mapping, clusterId: "another" } });
    await stage.say({ topic, payload: { ...mapping, contextPath: "/a b" } });
    const values = { ...mappingValues, SUBSCRIPTION_CONTEXT_PATH: "/a b" };
    await stage.ran("DomainMappingAddedEvent", values);
  }],
  ["DomainMappingRemovedEvent of the own cluster runs its extension", async (stage) => {
    const topic = "domain/mapping/DomainMappingRemovedEvent";
    await stage.say({ topic, payload: { ...mapping, clusterId: "another" } });
    await stage.say({ topic, payload: mapping });
    await stage.ran("DomainMappingRemovedEvent", mappingValues);
  }],
  ["ApplicationSignUpRemovedEvent removes the tenant's artifacts and runs its extension", async (
    stage,
    { home },
  ) => {
    const { applicationId } = sandboxMember;
    const topic = "application/signup/ApplicationSignUpRemovedEvent";
    const index = join(home.applicationPath, "repository/tenants/7/index.html");
    await stage.say({ topic, payload: { applicationId: "another", tenantId } });
    await stage.say({ topic, payload: { applicationId, tenantId } });
    await stage.ran("ApplicationSignUpRemovedEvent", {
      EVENT_APPLICATION_ID: applicationId,
      EVENT_TENANT_ID: String(tenantId),
    });
    await assert.rejects(Deno.stat(index), Deno.errors.NotFound);
  }],
];

const wayDown: readonly Row[] = [
  ["what has no effect, is unknown or cannot be read does no harm", async (stage) => {
    const ids = { applicationId: sandboxMember.applicationId, tenantId };
    for (
      const [topic, payload] of [
        ["application/signup/ApplicationSignUpAddedEvent", JSON.stringify(ids)],
        ["application/signup/CompleteApplicationSignUpsEvent", '{"applicationSignUps":[]}'],
        ["topology/NobodyKnowsThisEvent", "{}"],
        ["topology/MemberActivatedEvent", "no JSON"],
        ["topology/MemberActivatedEvent", '{"memberId":7}'],
        ["topology/CompleteTopologyEvent", '{"topology":[]}'],
        ["tenant/CompleteTenantEvent", '{"tenants":{}}'],
        ["domain/mapping/DomainMappingAddedEvent", "[]"],
        ["instance/notifier/InstanceCleanupMemberEvent", "{}"],
        ["instance/notifier/InstanceCleanupMemberEvent", `{"memberId":"${otherId}"}`],
        ["instance/notifier/InstanceCleanupClusterEvent", `{"clusterId":"${ownIds.clusterId}"}`],
        ["initializer/CompleteTopologyRequestEvent", "{}"],
      ] as const
    ) await stage.sayRaw(topic, payload);
    await stage.hears("initializer/CompleteTopologyRequestEvent", {}); // the own one
    await lastSuspended(stage);
  }],
  ["InstanceCleanupClusterEvent of the own cluster cleans up", async (stage) => {
    const { clusterId, clusterInstanceId } = ownIds;
    const topic = "instance/notifier/InstanceCleanupClusterEvent";
    await stage.say({ topic, payload: { clusterId, clusterInstanceId } });
    await stage.hears("instance/status/InstanceMaintenanceModeEvent", statusIds);
    await stage.ran("clean");
    await stage.hears("instance/status/InstanceReadyToShutdownEvent", statusIds);
  }],
  ["InstanceCleanupMemberEvent afterwards is answered again, without a second run", async (
    stage,
  ) => {
    // It has parted from its session, and so has a gap in what it knows.
    await stage.hears("initializer/CompleteTopologyRequestEvent", {});
    await stage.hears("initializer/CompleteTenantRequestEvent", {});
    await stage.enter(ownId, "In_Maintenance");
    const topic = "instance/notifier/InstanceCleanupMemberEvent";
    await stage.say({ topic, payload: { memberId: ownId } });
    await stage.hears("instance/status/InstanceReadyToShutdownEvent", statusIds);
  }],
];

const rows: readonly Row[] = [...wayUp, ...memberRows, ...modelRows, ...tenantRows, ...wayDown];
