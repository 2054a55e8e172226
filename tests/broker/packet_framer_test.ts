import assert from "node:assert/strict";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import { PacketFramer } from "../../src/broker/packet_framer.ts";
import { connack, lengthOf, packet, publish } from "./wire.ts";

function framerAfterConnack(
  maxPacketBytes = 1_000_000,
  onOversized: (bytes: number) => void = () => {},
): PacketFramer {
  const framer = new PacketFramer(maxPacketBytes, onOversized);
  assert.equal(framer.push(connack()).length, 1);
  return framer;
}

const id = fc.integer({ min: 1, max: 65_535 });
const anyPacket = fc.oneof(
  fc.tuple(fc.string(), fc.string({ maxLength: 300 }), fc.constantFrom(0, 1, 2), id)
    .map(([topic, text, qos, n]) => publish(topic, text, qos as 0 | 1 | 2, n)),
  id.map((n) => packet(0x40, [n >> 8, n & 255])),
  id.map((n) => packet(0x62, [n >> 8, n & 255])),
  fc.array(fc.constantFrom(0, 1, 2, 0x80), { minLength: 1 }).map((codes) =>
    packet(0x90, [0, 1, ...codes])
  ),
  fc.constant(packet(0xd0, [])),
);

Deno.test("packet framer: hands on the same packets however the stream is cut", () => {
  fc.assert(fc.property(
    fc.array(anyPacket, { maxLength: 20 }),
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
    (packets, cuts) => {
      const framer = framerAfterConnack();
      const stream = Uint8Array.from(packets.flatMap((each) => [...each]));
      const framed: string[] = [];
      for (let at = 0, cut = 0; at < stream.length; cut++) {
        const size = cuts[cut % cuts.length]!;
        for (const whole of framer.push(stream.slice(at, at + size))) framed.push(whole.join());
        at += size;
      }
      assert.deepEqual(framed, packets.map((each) => each.join()));
    },
  ));
});

Deno.test("packet framer: throws nothing but its own errors whatever comes", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 })), (chunks) => {
      const framer = framerAfterConnack();
      try {
        for (const chunk of chunks) framer.push(chunk);
      } catch (error) {
        assert.ok(error instanceof AgentError);
        assert.match(error.message, /not MQTT|larger than/);
      }
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("packet framer: refuses a packet by its header when it is over the limit", () => {
  const framer = framerAfterConnack(1_000);
  assert.equal(framer.push(publish("t", "x".repeat(1_000 - 3 - 3))).length, 1);
  const header = Uint8Array.from([0x90, ...lengthOf(1_000 - 2)]);
  assert.throws(() => framer.push(header), {
    kind: "limit",
    data: { bytes: 1_001, maxBytes: 1_000 },
  });
});

Deno.test("packet framer: lets the payload of a message over the limit go, however it is cut", () => {
  const large = publish("topology/T", "x".repeat(3_000), 1);
  const after = publish("topology/T", "fits", 1);
  const stream = Uint8Array.from([...large, ...after]);
  for (const size of [1, 2, 7, 500, stream.length]) {
    const oversized: number[] = [];
    const framer = framerAfterConnack(1_000, (bytes) => oversized.push(bytes));
    const packets: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      packets.push(...framer.push(stream.subarray(at, at + size)).map((one) => one.slice()));
    }
    assert.deepEqual(packets, [publish("topology/T", "", 1), after], `in pieces of ${size}`);
    assert.deepEqual(oversized, [large.length]);
  }
});

Deno.test("packet framer: takes memory only as bytes arrive", () => {
  const framer = framerAfterConnack(64 * 1024 * 1024);
  const before = Deno.memoryUsage();
  const held = Array.from({ length: 50 }, () => {
    const one = framerAfterConnack(64 * 1024 * 1024);
    one.push(Uint8Array.from([0x30, ...lengthOf(60_000_000), 0, 1, 97]));
    return one;
  });
  const after = Deno.memoryUsage();
  const grownBytes = after.external - before.external;
  assert.ok(grownBytes < 100_000_000, `${held.length} announcements took ${grownBytes} bytes`);
  assert.deepEqual(framer.push(packet(0xd0, [])).length, 1);
});

Deno.test("packet framer: refuses every packet that a server must not send", () => {
  const wrong: Record<string, Uint8Array> = {
    "CONNECT": packet(0x10, [0, 4]),
    "SUBSCRIBE": packet(0x82, [0, 1, 0, 1, 97, 0]),
    "PUBREC": packet(0x50, [0, 1]),
    "a second CONNACK": connack(),
    "QoS 3": packet(0x36, [0, 1, 97, 0, 1]),
    "PUBLISH with a topic beyond its end": packet(0x30, [0, 2, 97]),
    "PUBLISH without packet id": packet(0x32, [0, 1, 97]),
    "PUBLISH with packet id 0": packet(0x32, [0, 1, 97, 0, 0]),
    "PUBLISH without topic": packet(0x30, [0]),
    "PUBACK with flags": packet(0x41, [0, 1]),
    "PUBACK that is too short": packet(0x40, [0]),
    "PUBREL without flags": packet(0x60, [0, 1]),
    "SUBACK without codes": packet(0x90, [0, 1]),
    "SUBACK with code 3": packet(0x90, [0, 1, 3]),
    "PINGRESP with content": packet(0xd0, [0]),
    "a length of five bytes": Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0xff]),
    "kind 0": packet(0x00, []),
    "kind 15": packet(0xf0, []),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    assert.throws(() => framerAfterConnack().push(bytes), { kind: "input" }, name);
    assert.throws(
      () => {
        const framer = framerAfterConnack();
        for (const byte of bytes) framer.push(Uint8Array.of(byte));
      },
      { kind: "input" },
      `${name}, byte by byte`,
    );
  }
  assert.throws(
    () => new PacketFramer(100, () => {}).push(packet(0xd0, [])),
    /PINGRESP came before CONNACK/,
  );
  assert.throws(
    () => new PacketFramer(100, () => {}).push(packet(0x20, [2, 0])),
    /CONNACK is malformed/,
  );
});
