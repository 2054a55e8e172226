import { gsonText } from "../../src/sandbox/gson.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { MemberRegistry } from "../../src/sandbox/member_registry.ts";
import { completeTopology, type ServiceFacts } from "../../src/sandbox/platform_events.ts";

const encoder = new TextEncoder();

/** The service of the own member. */
export const facts: ServiceFacts = {
  multiTenant: false,
  portMappings: [{ protocol: "http", port: 8080, proxyPort: 80 }],
  serviceProperties: {},
  otherServices: {},
};

/** As much as is changed here. */
interface Service {
  readonly clusterIdClusterMap: Record<
    string,
    { memberMap: Record<string, { readonly memberStateManager: object }> }
  >;
}

/** The golden topology of 1,000 members with each member as many times, ids changed. */
export async function bigTopology(times: number): Promise<Uint8Array> {
  const url = new URL("../fixtures/vectors/topology-big-1000.jsonl.gz", import.meta.url);
  using file = await Deno.open(url);
  const text = await new Response(file.readable.pipeThrough(new DecompressionStream("gzip")))
    .text();
  const { topology } = JSON.parse(JSON.parse(text.split("\n")[0]!).payload);
  let members = 0;
  for (const service of Object.values<Service>(topology.serviceMap)) {
    for (const cluster of Object.values(service.clusterIdClusterMap)) {
      const copies = Object.entries(cluster.memberMap).flatMap(([id, member]) =>
        Array.from({ length: times }, (_, copy) => {
          const memberId = copy === 0 ? id : `${id}-${copy}`;
          members++;
          const memberStateManager = { ...member.memberStateManager, identifier: memberId };
          return [memberId, { ...member, memberId, memberStateManager }] as const;
        })
      );
      cluster.memberMap = Object.fromEntries(copies);
    }
  }
  const own = new MemberRegistry();
  own.add({ identity: sandboxMember, state: "Active" }, 0);
  const { payload } = completeTopology(sandboxMember, facts, own.all);
  Object.assign(topology.serviceMap, (payload["topology"] as typeof topology).serviceMap);
  const bytes = encoder.encode(gsonText({ topology }));
  console.log(`a topology of ${members + 1} members: ${(bytes.length / 1e6).toFixed(1)} MB`);
  return bytes;
}

/** The same with one value of another length of digits, so that nothing else moves. */
export function changed(big: Uint8Array, turn: number): Uint8Array {
  const other = big.slice();
  const marker = encoder.encode('"initTime":');
  const at = other.findIndex((_, from) =>
    marker.every((byte, index) => other[from + index] === byte)
  );
  other[at + marker.length + 5] = 0x30 + turn % 10;
  return other;
}
