import type { CommitName, Sighting } from "./sighting.ts";
import type { StatusName } from "./status_rules.ts";

/** What a step needs that may not be there. */
export type StepNeed = "artifacts" | "health";

/** One step of a life and how it is recognised. */
export interface LifeStep {
  /** Reads as what the agent does; also how a missing step is named. */
  readonly name: string;
  /** `up`: until the instance works; `down`: from the clean-up on. */
  readonly way: "up" | "down";
  /** The step is skipped where this is not there. */
  readonly needs?: StepNeed;
  /**
   * Whether a sighting shows the step.
   *
   * @param past Everything that was seen before.
   */
  readonly shownBy: (sighting: Sighting, past: readonly Sighting[]) => boolean;
}

type Shows = (sighting: Sighting) => boolean;

const request = (event: string): Shows => (sighting) =>
  sighting.kind === "platform" && sighting.entry.kind === "request" &&
  sighting.entry.event === event;

const status = (event: StatusName): Shows => (sighting) =>
  sighting.kind === "platform" && sighting.entry.kind === "status" && sighting.entry.accepted &&
  sighting.entry.event === event;

const extension = (event: string): Shows => (sighting) =>
  sighting.kind === "extension" && sighting.event === event;

const health = (description: string): Shows => (sighting) =>
  sighting.kind === "health" && sighting.description === description &&
  Number.isFinite(sighting.value);

const files = (commit: CommitName): Shows => (sighting) =>
  sighting.kind === "files" && sighting.commit === commit;

const portOpened: Shows = ({ kind }) => kind === "portOpened";

const endedInOrder: LifeStep["shownBy"] = (sighting, past) =>
  sighting.kind === "agentEnded" && sighting.stragglers.length === 0 &&
  !past.some(({ kind }) => kind === "agentLost");

/** A sighting that counts only after another one. */
const after = (earlier: Shows, shows: Shows): LifeStep["shownBy"] => (sighting, past) =>
  shows(sighting) && past.some(earlier);

/** The names that the play waits for. */
export const stepNames = {
  topology: "asks for the topology",
  started: "publishes InstanceStarted",
  newCommit: "runs the extension ArtifactUpdatedEvent for the new commit",
  readyToShutdown: "publishes InstanceReadyToShutdown",
} as const;

/** The life of an instance from boot to its end, in order. */
export const lifeSteps: readonly LifeStep[] = [
  {
    name: stepNames.topology,
    way: "up",
    shownBy: request("CompleteTopologyRequestEvent"),
  },
  {
    name: "asks for the tenants",
    way: "up",
    shownBy: request("CompleteTenantRequestEvent"),
  },
  {
    name: "runs the extension InstanceStartedEvent",
    way: "up",
    shownBy: extension("InstanceStartedEvent"),
  },
  {
    name: stepNames.started,
    way: "up",
    shownBy: status("InstanceStartedEvent"),
  },
  {
    name: "runs the extension StartServers",
    way: "up",
    shownBy: extension("StartServers"),
  },
  {
    name: "checks the artifacts out",
    way: "up",
    needs: "artifacts",
    shownBy: files("first"),
  },
  {
    name: "runs the extension ArtifactUpdatedEvent",
    way: "up",
    needs: "artifacts",
    shownBy: (sighting, past) =>
      after(files("first"), extension("ArtifactUpdatedEvent"))(sighting, past) &&
      !past.some(files("second")), // or it is the run for the new commit
  },
  {
    name: "checks the artifacts out before it publishes InstanceActivated",
    way: "up",
    needs: "artifacts",
    shownBy: after(files("first"), status("InstanceActivatedEvent")),
  },
  {
    name: "publishes InstanceActivated once the port is open",
    way: "up",
    shownBy: after(portOpened, status("InstanceActivatedEvent")),
  },
  {
    name: "runs the extension InstanceActivatedEvent",
    way: "up",
    shownBy: extension("InstanceActivatedEvent"),
  },
  {
    name: "publishes the memory in use",
    way: "up",
    needs: "health",
    shownBy: health("memory_consumption"),
  },
  {
    name: "publishes the load average",
    way: "up",
    needs: "health",
    shownBy: health("load_average"),
  },
  {
    name: "follows a new commit",
    way: "down",
    needs: "artifacts",
    shownBy: files("second"),
  },
  {
    name: stepNames.newCommit,
    way: "down",
    needs: "artifacts",
    shownBy: after(files("second"), extension("ArtifactUpdatedEvent")),
  },
  {
    name: "publishes InstanceMaintenanceMode",
    way: "down",
    shownBy: status("InstanceMaintenanceModeEvent"),
  },
  {
    name: "runs the extension clean",
    way: "down",
    shownBy: extension("clean"),
  },
  {
    name: stepNames.readyToShutdown,
    way: "down",
    shownBy: status("InstanceReadyToShutdownEvent"),
  },
  {
    name: "ends in order",
    way: "down",
    shownBy: endedInOrder,
  },
];
