import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import type { MemberIdentity } from "../../src/sandbox/member.ts";

/** Where a receiver is and how to log in. */
export interface BridgeAddress {
  readonly port: number;
  readonly caPem: string;
  readonly username: string;
  readonly password: string;
}

const idFields = [
  "cluster_id",
  "cluster_instance_id",
  "network_partition_id",
  "member_id",
  "partition_id",
  "health_description",
];

const healthStream = {
  name: "cartridge_agent_health_stats",
  version: "1.0.0",
  nickName: "agent health stats",
  description: "agent health stats",
  metaData: [],
  correlationData: [],
  payloadData: [
    ...idFields.map((name) => ({ name, type: "STRING" })),
    { name: "value", type: "DOUBLE" },
  ],
};

/** Logs in, defines the stream and sends one bundle of health values: just enough of Thrift for that. */
export async function sendHealth(
  address: BridgeAddress,
  member: MemberIdentity,
  values: Readonly<Record<string, number>>,
): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port: address.port, ca: address.caPem });
  try {
    await once(socket, "secureConnect");
    const session = stringResult(
      await call(socket, "connect", [text(1, address.username), text(2, address.password)]),
    );
    await call(socket, "defineStream", [text(1, session), text(2, JSON.stringify(healthStream))]);
    await call(socket, "publish", [struct(1, bundle(session, member, values))]);
  } finally {
    socket.destroy();
  }
}

function bundle(
  session: string,
  member: MemberIdentity,
  values: Readonly<Record<string, number>>,
): Buffer[] {
  const events = Object.entries(values);
  const strings = events.flatMap(([description]) => [
    "cartridge_agent_health_stats:1.0.0",
    member.clusterId,
    member.clusterInstanceId,
    member.networkPartitionId,
    member.memberId,
    member.partitionId,
    description,
  ]);
  return [
    text(1, session),
    field(8, 2, i32(events.length)),
    field(15, 4, list(10, events.map(() => i64(BigInt(Date.now()))))),
    field(15, 5, list(4, events.map(([, value]) => double(value)))),
    field(15, 7, list(11, strings.map(bytes))),
  ];
}

/** Sends a call and gives back the whole reply; one message fits into one read here. */
async function call(socket: TLSSocket, method: string, args: Buffer[]): Promise<Buffer> {
  const version = Buffer.from([0x80, 1, 0, 1]);
  socket.write(Buffer.concat([version, bytes(method), i32(0), ...args, Buffer.from([0])]));
  const [reply] = await once(socket, "data");
  return reply;
}

/** Field 0 of the result, a string. */
function stringResult(reply: Buffer): string {
  const start = 8 + reply.readInt32BE(4) + 4;
  if (reply[start] !== 11 || reply.readInt16BE(start + 1) !== 0) {
    throw new Error("the login failed");
  }
  const length = reply.readInt32BE(start + 3);
  return reply.subarray(start + 7, start + 7 + length).toString();
}

const field = (type: number, id: number, value: Buffer) =>
  Buffer.concat([Buffer.from([type, 0, id]), value]);
const text = (id: number, value: string) => field(11, id, bytes(value));
const struct = (id: number, fields: Buffer[]) =>
  field(12, id, Buffer.concat([...fields, Buffer.from([0])]));
const list = (type: number, items: Buffer[]) =>
  Buffer.concat([Buffer.from([type]), i32(items.length), ...items]);

function i32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function i64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(value);
  return buffer;
}

function double(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleBE(value);
  return buffer;
}

function bytes(value: string): Buffer {
  const content = Buffer.from(value);
  return Buffer.concat([i32(content.length), content]);
}
