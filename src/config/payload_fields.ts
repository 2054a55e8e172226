import type { FieldTable } from "./field.ts";
import { applicationPorts, persistenceMapping, repositoryUrl, virtualIp } from "./payload_types.ts";
import { aesKey, identifier, secretText, trueOrFalse, wholeNumber } from "./value_types.ts";

/** Who the agent is and what it serves; written by the platform into launch-params. */
export const payloadFields = {
  applicationId: {
    key: "APPLICATION_ID",
    environment: ["APPLICATION_ID"],
    type: identifier,
    meaning: "Application that the member belongs to.",
    required: true,
  },
  serviceName: {
    key: "SERVICE_NAME",
    environment: ["SERVICE_NAME"],
    type: identifier,
    meaning: "Service (cartridge type) of the member.",
    required: true,
  },
  clusterId: {
    key: "CLUSTER_ID",
    environment: ["CLUSTER_ID"],
    type: identifier,
    meaning: "Cluster of the member.",
    required: true,
  },
  clusterInstanceId: {
    key: "CLUSTER_INSTANCE_ID",
    environment: ["CLUSTER_INSTANCE_ID"],
    type: identifier,
    meaning: "Instance of the cluster.",
    required: true,
  },
  memberId: {
    key: "MEMBER_ID",
    environment: ["MEMBER_ID"],
    type: identifier,
    meaning: "The member itself.",
    required: true,
  },
  networkPartitionId: {
    key: "NETWORK_PARTITION_ID",
    environment: ["NETWORK_PARTITION_ID"],
    type: identifier,
    meaning: "Network partition of the member.",
    required: true,
  },
  partitionId: {
    key: "PARTITION_ID",
    environment: ["PARTITION_ID"],
    type: identifier,
    meaning: "Partition of the member.",
    required: true,
  },
  multiTenant: {
    key: "MULTITENANT",
    environment: ["MULTITENANT"],
    type: trueOrFalse,
    meaning: "Whether the member serves several tenants.",
    required: true,
  },
  tenantId: {
    key: "TENANT_ID",
    environment: ["TENANT_ID"],
    type: wholeNumber(-2_147_483_648, 2_147_483_647),
    meaning: "Tenant of the member; -1234 is the super tenant.",
    required: true,
  },
  cartridgeKey: {
    key: "CARTRIDGE_KEY",
    environment: ["CARTRIDGE_KEY"],
    fileVariable: "CARTRIDGE_KEY_FILE",
    type: aesKey,
    meaning: "AES key of the repository password. Required when REPO_URL is set.",
    secret: true,
  },
  repoUrl: {
    key: "REPO_URL",
    type: repositoryUrl,
    meaning:
      "Says that there is a repository: activation waits for the first checkout. The URL that " +
      "is cloned comes with the platform's event.",
  },
  ports: {
    key: "PORTS",
    type: applicationPorts,
    meaning: "TCP ports of the application that must accept connections before activation.",
  },
  instanceId: {
    key: "INSTANCE_ID",
    type: identifier,
    meaning: "Instance at the cloud provider.",
  },
  lbClusterId: {
    key: "LB_CLUSTER_ID",
    type: identifier,
    meaning: "Cluster of the load balancer; its first member is told to extensions.",
  },
  lvsVirtualIp: {
    key: "LVS_VIRTUAL_IP",
    type: virtualIp,
    meaning: "Virtual address: the extension CreateLVSDummyInterface runs.",
  },
  persistenceMapping: {
    key: "PERSISTENCE_MAPPING",
    type: persistenceMapping,
    meaning: "Volumes: the extension VolumeMount runs.",
  },
  token: {
    key: "TOKEN",
    type: secretText,
    meaning: "Bearer token of the metadata service.",
    secret: true,
  },
} as const satisfies FieldTable;
