import assert from "node:assert/strict";
import { identity, topologyWith } from "./simulated_agent.ts";
import { openLoop } from "./observed_loop.ts";

const domain = (n: number) =>
  ["domain/mapping/DomainMappingAddedEvent", {
    ...identity,
    tenantId: 1,
    domainName: `www-${n}.example.com`,
  }] as const;
const artifacts = (tenantId: number, repoURL: string) =>
  ["instance/notifier/ArtifactUpdatedEvent", {
    clusterId: identity.clusterId,
    repoURL,
    tenantId: String(tenantId),
  }] as const;

Deno.test("lanes: keep order inside and are independent of each other, one for each tenant too", async () => {
  await using loop = openLoop();
  await loop.becomeActive();
  const held = ["CompleteTopologyEvent", "CompleteTenantEvent", "DomainMappingAddedEvent"];
  held.forEach((event) => loop.hold(event));
  loop.receive("topology/CompleteTopologyEvent", topologyWith("Active", { other: ["Created"] }));
  loop.receive("topology/MemberStartedEvent", { ...identity });
  loop.receive("tenant/CompleteTenantEvent", { tenants: [{ tenantId: 1 }] });
  loop.receive(...domain(1));
  loop.receive(...domain(2));
  loop.receive("application/signup/ApplicationSignUpRemovedEvent", { ...identity, tenantId: 5 });
  loop.receive(...artifacts(1, "http://hangs/r.git"));
  loop.receive(...artifacts(2, "http://git/r.git"));
  await loop.settle();
  const ran = loop.calls.filter((call) => /^(run|checkOut|remove) /.test(call));
  for (const event of held) assert.ok(ran.includes(`run ${event}`), `${event} runs`);
  assert.ok(ran.includes("run ApplicationSignUpRemovedEvent"), "a lane of its own");
  assert.ok(ran.includes("checkOut 1") && ran.includes("checkOut 2"), "tenants do not wait");
  assert.ok(ran.includes("run ArtifactUpdatedEvent"), "the tenant whose checkout ended goes on");
  assert.ok(!ran.includes("run MemberStartedEvent"), "the same lane waits");
  assert.equal(ran.filter((call) => call === "run DomainMappingAddedEvent").length, 1);
});

Deno.test("lanes: reading never waits for one, however long its work takes", async () => {
  await using loop = openLoop();
  await loop.becomeActive();
  loop.hold("MemberStartedEvent");
  for (let n = 0; n < 500; n++) {
    assert.equal(
      loop.receive("topology/MemberStartedEvent", { ...identity, memberId: `m-${n}` }),
      true,
    );
  }
  assert.equal(loop.lifecycle.state.phase.kind, "active");
});

for (
  const [event, message] of [
    [
      "CompleteTopologyEvent",
      (n: number) =>
        [
          "topology/CompleteTopologyEvent",
          topologyWith("Active", { [`m-${n}`]: ["Created"] }),
        ] as const,
    ],
    [
      "CompleteTenantEvent",
      (n: number) => ["tenant/CompleteTenantEvent", { tenants: [{ tenantId: n }] }] as const,
    ],
  ] as const
) {
  Deno.test(`lanes: of many waiting ${event}s the newest alone is run`, async () => {
    await using loop = openLoop();
    await loop.becomeActive();
    const first = loop.hold(event);
    const before = loop.calls.length;
    for (let n = 1; n <= 10; n++) {
      const [topic, payload] = message(n);
      loop.receive(topic, payload);
    }
    await loop.settle();
    first.resolve();
    await loop.settle();
    const runs = loop.calls.slice(before).filter((call) => call === `run ${event}`);
    assert.equal(runs.length, 2, "the one that ran already and the newest");
  });
}

Deno.test("lanes: of many waiting artifact events of a tenant the newest alone is checked out", async () => {
  await using loop = openLoop();
  await loop.becomeActive();
  loop.receive(...artifacts(1, "http://hangs/first.git"));
  for (let n = 2; n <= 5; n++) loop.receive(...artifacts(1, `http://git/${n}.git`));
  loop.receive(...artifacts(2, "http://git/other.git"));
  await loop.settle();
  loop.endHanging();
  await loop.settle();
  assert.deepEqual(loop.sources.map(({ tenantId, repoUrl }) => `${tenantId} ${repoUrl}`), [
    "1 http://hangs/first.git",
    "2 http://git/other.git",
    "1 http://git/5.git",
  ]);
});

Deno.test("lanes: domain mappings are never dropped", async () => {
  await using loop = openLoop();
  await loop.becomeActive();
  const first = loop.hold("DomainMappingAddedEvent");
  for (let n = 0; n < 3_000; n++) loop.receive(...domain(n));
  first.resolve();
  await loop.settle(3_000);
  const domains = loop.requests.filter(({ event }) => event === "DomainMappingAddedEvent");
  assert.equal(domains.length, 3_000);
  assert.equal(domains.at(-1)!.values.SUBSCRIPTION_DOMAIN_NAME, "www-2999.example.com");
});

Deno.test("lanes: one that drops nothing and is full leaves messages with the broker", async () => {
  await using loop = openLoop();
  await loop.becomeActive();
  loop.hold("DomainMappingAddedEvent");
  let taken = 0;
  while (taken < 20_000 && loop.receive(...domain(taken))) taken++;
  assert.equal(taken, 10_000);
  assert.equal(
    loop.receive("topology/MemberStartedEvent", { ...identity }),
    true,
    "others are read",
  );
});
