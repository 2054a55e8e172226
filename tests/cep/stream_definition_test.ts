import assert from "node:assert/strict";
import fc from "fast-check";
import { healthEvent, healthStream } from "../../src/cep/health_stream.ts";
import {
  bundleOf,
  declareStream,
  eventOf,
  streamDefinitionJson,
  type StreamEvent,
  streamIdOf,
} from "../../src/cep/stream_definition.ts";

const allTypes = declareStream({
  name: "all.types",
  version: "1.0.0",
  nickName: "n",
  description: "d",
  metaData: [{ name: "m", type: "STRING" }],
  correlationData: [{ name: "c", type: "LONG" }],
  payloadData: [
    { name: "i", type: "INT" },
    { name: "l", type: "LONG" },
    { name: "f", type: "FLOAT" },
    { name: "d", type: "DOUBLE" },
    { name: "b", type: "BOOL" },
    { name: "s", type: "STRING" },
  ],
});

const values = {
  metaData: { m: "meta" },
  correlationData: { c: 11n },
  payloadData: { i: 7, l: 12n, f: 0.5, d: 2.25, b: true, s: "text" },
};

const identity = {
  applicationId: "app",
  serviceName: "php",
  clusterId: "c1",
  clusterInstanceId: "ci1",
  memberId: "m1",
  networkPartitionId: "np1",
  partitionId: "p1",
  tenantId: 1,
  multiTenant: false,
};

Deno.test("stream definition: has the platform's exact names when it is that of health", () => {
  assert.equal(streamIdOf(healthStream), "cartridge_agent_health_stats:1.0.0");
  assert.deepEqual(JSON.parse(streamDefinitionJson(healthStream)), {
    name: "cartridge_agent_health_stats",
    version: "1.0.0",
    nickName: "agent health stats",
    description: "agent health stats",
    payloadData: [
      { name: "cluster_id", type: "STRING" },
      { name: "cluster_instance_id", type: "STRING" },
      { name: "network_partition_id", type: "STRING" },
      { name: "member_id", type: "STRING" },
      { name: "partition_id", type: "STRING" },
      { name: "health_description", type: "STRING" },
      { name: "value", type: "DOUBLE" },
    ],
  });
});

Deno.test("bundle: lays health events out as the platform's vectors do", () => {
  const events = [
    healthEvent(identity, 1446359400123.9, "memory_consumption", 42.5),
    healthEvent(identity, 1446359401123, "load_average", 7),
  ];
  const ids = ["cartridge_agent_health_stats:1.0.0", "c1", "ci1", "np1", "m1", "p1"];
  assert.deepEqual(bundleOf(events), {
    eventNum: 2,
    longs: [1446359400123n, 1446359401123n],
    doubles: [42.5, 7],
    strings: [...ids, "memory_consumption", ...ids, "load_average"],
  });
});

Deno.test("bundle: orders values by meta, correlation and payload in the list of their type", () => {
  assert.deepEqual(bundleOf([eventOf(allTypes, 5n, values)]), {
    eventNum: 1,
    ints: [7],
    longs: [5n, 11n, 12n],
    doubles: [0.5, 2.25],
    bools: [true],
    strings: ["all.types:1.0.0", "meta", "text"],
  });
});

Deno.test("bundle: writes a null string as _null", () => {
  const event = eventOf(allTypes, 5n, { ...values, metaData: { m: null } });
  assert.deepEqual(bundleOf([event]).strings, ["all.types:1.0.0", "_null", "text"]);
});

Deno.test("event: does not compile when a value is missing, surplus or of a wrong type", () => {
  const { d: _, ...missing } = values.payloadData;
  // @ts-expect-error d is missing
  const first = eventOf(allTypes, 5n, { ...values, payloadData: missing });
  const wrong = { ...values.payloadData, i: "7" };
  // @ts-expect-error i is a number
  const second = eventOf(allTypes, 5n, { ...values, payloadData: wrong });
  const third = eventOf(allTypes, 5n, {
    ...values,
    // @ts-expect-error x is not declared
    payloadData: { i: 7, l: 12n, f: 0.5, d: 2.25, b: true, s: "text", x: 1 },
  });
  assert.throws(() => bundleOf([first]), /all\.types:1\.0\.0 d": the value is no DOUBLE/);
  assert.throws(() => bundleOf([second]), /all\.types:1\.0\.0 i": the value is no INT/);
  assert.throws(() => bundleOf([third]), /all\.types:1\.0\.0 x": no attribute of payloadData/);
});

for (
  const [name, value, type] of [
    ["i", 1.5, "INT"],
    ["i", 2 ** 31, "INT"],
    ["i", NaN, "INT"],
    ["l", 1, "LONG"],
    ["l", 2n ** 63n, "LONG"],
    ["f", "1", "FLOAT"],
    ["b", 1, "BOOL"],
    ["s", undefined, "STRING"],
  ] as const
) {
  Deno.test(`bundle: refuses ${typeof value} ${value} when the attribute is ${type}`, () => {
    const event: StreamEvent = {
      ...eventOf(allTypes, 5n, values),
      payloadData: { ...values.payloadData, [name]: value },
    };
    assert.throws(() => bundleOf([event]), new RegExp(`${name}": the value is no ${type}`));
  });
}

Deno.test("bundle: refuses a timestamp when it is beyond 64 bits", () => {
  assert.throws(() => bundleOf([eventOf(allTypes, 2n ** 63n, values)]), /timestamp/);
});

Deno.test("bundle: takes every value of its type", () => {
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double(),
      fc.boolean(),
      fc.string(),
      (time, i, l, d, b, s) => {
        const event = eventOf(allTypes, BigInt(time), {
          ...values,
          payloadData: { i, l, f: d, d, b, s },
        });
        const bundle = bundleOf([event, event]);
        assert.equal(bundle.longs?.length, 6);
        assert.deepEqual(bundle.ints, [i, i]);
        assert.deepEqual(bundle.doubles, [d, d, d, d]);
      },
    ),
  );
});

for (const [name, version] of [["a:b", "1.0.0"], ["", "1.0.0"], ["a", "1.0"], ["a", "1.0.0-x"]]) {
  Deno.test(`stream definition: refuses "${name}" ${version} as the receiver would`, () => {
    assert.throws(
      () => declareStream({ ...allTypes, name: name!, version: version! }),
      /Cannot declare the stream/,
    );
  });
}
