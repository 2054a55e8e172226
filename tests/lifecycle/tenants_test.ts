import assert from "node:assert/strict";
import { identity, SimulatedAgent, topologyWith } from "./simulated_agent.ts";

function activeAgent(...args: ConstructorParameters<typeof SimulatedAgent>): SimulatedAgent {
  const agent = new SimulatedAgent(...args);
  agent.input({ kind: "boot" });
  agent.message("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  return agent;
}

const tenants = { tenants: [{ tenantId: -1234, tenantDomain: "carbon.super" }, { tenantId: 7 }] };
const artifacts = ["instance/notifier/ArtifactUpdatedEvent", {
  clusterId: identity.clusterId,
  repoURL: "http://git/r.git",
  tenantId: "7",
}] as const;
const signUpRemoved = ["application/signup/ApplicationSignUpRemovedEvent", {
  applicationId: identity.applicationId,
  tenantId: 7,
}] as const;

Deno.test("tenants: follow the events between two complete lists", () => {
  const agent = activeAgent();
  agent.message("tenant/TenantCreatedEvent", { tenant: { tenantId: 1, tenantDomain: "early" } });
  assert.equal(agent.state.tenants, undefined, "one tenant is not all");
  agent.message("tenant/CompleteTenantEvent", tenants);
  agent.message("tenant/TenantCreatedEvent", { tenant: { tenantId: 1, tenantDomain: "one" } });
  agent.message("tenant/TenantUpdatedEvent", { tenantId: 7, tenantDomain: "seven" });
  agent.message("tenant/TenantRemovedEvent", { tenantId: -1234 });
  assert.deepEqual(agent.state.tenants, [
    { tenantId: 1, tenantDomain: "one" },
    { tenantId: 7, tenantDomain: "seven" },
  ]);
});

Deno.test("tenants: a subscription of an old platform runs its extension", () => {
  const lines = activeAgent().message("tenant/TenantSubscribedEvent", {
    tenantId: 7,
    serviceName: "php",
  });
  assert.deepEqual(lines, ["extension TenantSubscribedEvent [tenants]"]);
});

Deno.test("sign-up: a removed one takes the tenant's artifacts away, then tells the extension", () => {
  const agent = activeAgent({ awaitsArtifacts: true });
  agent.message(...artifacts);
  assert.deepEqual(agent.message(...signUpRemoved), [
    "removeArtifacts [artifacts:7]",
    "extension ApplicationSignUpRemovedEvent [signUp]",
  ]);
  assert.deepEqual(agent.input({ kind: "artifactsChanged", tenantId: 7 }), []);
  assert.deepEqual(agent.message(...artifacts).filter((line) => line.startsWith("startUpdates")), [
    "startUpdates 7",
  ], "a tenant that signs up again is followed again");
});

Deno.test("sign-up: of another application is nothing to this instance", () => {
  const other = { applicationId: "other", tenantId: 7 };
  assert.deepEqual(activeAgent().message(signUpRemoved[0], other), []);
});

Deno.test("sign-up: a checkout that ends after the tenant has left runs nothing", () => {
  const agent = activeAgent({ awaitsArtifacts: true }, { checkout: () => "pending" });
  agent.message(...artifacts);
  agent.message(...signUpRemoved);
  const outcome = { kind: "checkedOut", files: 1 } as const;
  assert.deepEqual(agent.input({ kind: "checkedOut", tenantId: 7, outcome }), []);
});

Deno.test("sign-up: the extension is told although the files could not be removed", () => {
  const agent = activeAgent({}, { removal: () => ({ kind: "failed", reason: "busy" }) });
  assert.equal(
    agent.message(...signUpRemoved).at(-1),
    "extension ApplicationSignUpRemovedEvent [signUp]",
  );
});

Deno.test("domain mapping: of the own cluster runs its extension, of another one nothing", () => {
  const agent = activeAgent();
  const mapping = { ...identity, tenantId: 7, domainName: "www.example.com", contextPath: "/a" };
  assert.deepEqual(agent.message("domain/mapping/DomainMappingAddedEvent", mapping), [
    "extension DomainMappingAddedEvent [domainMapping]",
  ]);
  assert.deepEqual(agent.message("domain/mapping/DomainMappingRemovedEvent", mapping), [
    "extension DomainMappingRemovedEvent [domainMapping]",
  ]);
  const other = { ...mapping, clusterId: "other" };
  assert.deepEqual(agent.message("domain/mapping/DomainMappingAddedEvent", other), []);
});
