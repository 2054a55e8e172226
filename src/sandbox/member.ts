/** Who a member is: the seven strings that every status event has to repeat. */
export interface MemberIdentity {
  readonly applicationId: string;
  readonly serviceName: string;
  readonly clusterId: string;
  readonly clusterInstanceId: string;
  readonly memberId: string;
  readonly networkPartitionId: string;
  readonly partitionId: string;
}

/** Where a member is in its life, in the platform's own spelling. */
export type MemberState =
  | "Created"
  | "Initialized"
  | "Starting"
  | "Active"
  | "In_Maintenance"
  | "ReadyToShutDown"
  | "Suspended"
  | "Terminated";

/** The addresses that the infrastructure gave a member; absent from the wire while Created. */
export interface MemberAddresses {
  readonly privateIps: readonly string[];
  readonly publicIps: readonly string[];
}

/** One entry of a port map: where the application listens and what stands before it. */
export interface PortMapping {
  readonly protocol: string;
  readonly port: number;
  readonly proxyPort: number;
}

/** A member as the platform keeps it. */
export interface Member {
  readonly identity: MemberIdentity;
  /** Every state it has been in, the current one last; never empty. */
  readonly states: readonly MemberState[];
  readonly addresses: MemberAddresses;
  /** Name of the instance at its infrastructure; on the wire from Initialized on. */
  readonly instanceId: string;
  /** When it was created, milliseconds since 1970. */
  readonly initTimeMs: number;
  readonly properties: Readonly<Record<string, string>>;
}

/** The state that a member is in now. */
export function currentState(member: Member): MemberState {
  return member.states.at(-1) ?? "Created";
}

/** The member of the sandbox, when nobody asks for another one. */
export const sandboxMember: MemberIdentity = {
  applicationId: "single-cartridge-app",
  serviceName: "php",
  clusterId: "single-cartridge-app.my-php.php.domain",
  clusterInstanceId: "single-cartridge-app-1",
  memberId: "single-cartridge-app.my-php.php.domain0b7c5a52-1f0e-4b1a-8f4e-2f2b6f3c9d10",
  networkPartitionId: "network-partition-1",
  partitionId: "partition-1",
};
