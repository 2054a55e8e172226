import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { billOfMaterials, type LockFile } from "../../scripts/bill_of_materials.ts";

const digest = (fill: number) => `sha512-${Buffer.alloc(64, fill).toString("base64")}`;

const lock: LockFile = {
  specifiers: {
    "npm:@scope/sink@1.0.0": "1.0.0_@scope+log@2.0.0",
    "npm:engine@3.1.0": "3.1.0",
    "npm:checker@1.0.0": "1.0.0",
  },
  npm: {
    "@scope/sink@1.0.0_@scope+log@2.0.0": { integrity: digest(1), dependencies: ["@scope/log"] },
    "@scope/log@2.0.0": { integrity: digest(2) },
    "engine@3.1.0": {
      integrity: digest(3),
      dependencies: ["twice@2.0.0"],
      optionalDependencies: ["engine-x64"],
    },
    "engine-x64@3.1.0": { integrity: digest(4), dependencies: ["engine"] },
    "twice@1.0.0": { integrity: digest(5) },
    "twice@2.0.0": { integrity: digest(6) },
    "checker@1.0.0": { integrity: digest(7), dependencies: ["twice@1.0.0"] },
  },
};

const program = {
  name: "program",
  version: "0.1.0",
  licence: "Apache-2.0",
  denoVersion: "2.9.6",
  imports: ["npm:@scope/sink@1.0.0", "npm:engine@3.1.0"],
};

const bill = billOfMaterials(program, lock);

Deno.test("bill of materials: lists what the imports reach and nothing else", () => {
  assert.deepEqual(bill.components.map(({ purl }) => purl), [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:npm/%40scope/log@2.0.0",
    "pkg:npm/%40scope/sink@1.0.0",
    "pkg:npm/engine-x64@3.1.0",
    "pkg:npm/engine@3.1.0",
    "pkg:npm/twice@2.0.0",
  ]);
  const sink = bill.components[2]!;
  assert.deepEqual([sink.group, sink.name, sink.version], ["@scope", "sink", "1.0.0"]);
  assert.deepEqual(sink.hashes, [{ alg: "SHA-512", content: "01".repeat(64) }]);
});

Deno.test("bill of materials: has what the format requires, and references that lead somewhere", () => {
  assert.equal(bill.bomFormat, "CycloneDX");
  assert.equal(bill.specVersion, "1.6");
  // The format's own pattern.
  const uuid = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(bill.serialNumber, uuid);
  const components = [bill.metadata.component, ...bill.components];
  const refs = components.map((component) => component["bom-ref"]);
  assert.equal(new Set(refs).size, refs.length);
  for (const { type, name } of components) {
    assert.ok(["application", "platform", "library"].includes(type) && name !== "");
  }
  assert.deepEqual(bill.dependencies.map(({ ref }) => ref).sort(), [...refs].sort());
  for (const { dependsOn } of bill.dependencies) {
    for (const ref of dependsOn) assert.ok(refs.includes(ref), ref);
  }
  const engine = bill.dependencies.find(({ ref }) => ref === "pkg:npm/engine@3.1.0");
  assert.deepEqual(engine?.dependsOn, ["pkg:npm/engine-x64@3.1.0", "pkg:npm/twice@2.0.0"]);
});

Deno.test("bill of materials: is the same for the same program, another for another", () => {
  assert.deepEqual(billOfMaterials(program, lock), bill);
  const other = billOfMaterials({ ...program, version: "0.2.0" }, lock);
  assert.notEqual(other.serialNumber, bill.serialNumber);
});

Deno.test("bill of materials: is refused when the lock file does not hold something", () => {
  assert.throws(
    () => billOfMaterials({ ...program, imports: ["npm:absent@1.0.0"] }, lock),
    /does not know npm:absent/,
  );
  const { "twice@2.0.0": _, ...npm } = lock.npm;
  assert.throws(() => billOfMaterials(program, { ...lock, npm }), /0 of twice@2\.0\.0/);
});
