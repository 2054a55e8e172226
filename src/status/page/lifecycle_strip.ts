import type { StatusSnapshot } from "../snapshot.ts";
import { ageSince, byId, type ChangingParts, make, mark, marked } from "./browser.ts";
import { clockText } from "./words.ts";

interface Step {
  readonly phase: string;
  readonly name: string;
  /** What the member does meanwhile. */
  readonly says: string;
}

const way: readonly Step[] = [
  { phase: "booting", name: "Boot", says: "Booting" },
  { phase: "awaitingTopology", name: "Topology", says: "Waiting for the complete topology" },
  {
    phase: "awaitingInitialized",
    name: "Initialized",
    says: "Waiting for the member to be initialized",
  },
  { phase: "starting", name: "Start", says: "Starting the instance" },
  { phase: "awaitingArtifacts", name: "Artifacts", says: "Waiting for artifacts" },
  { phase: "awaitingPorts", name: "Ports", says: "Waiting for the application's ports" },
  { phase: "active", name: "Active", says: "Active" },
  { phase: "cleaning", name: "Clean-up", says: "Cleaning up" },
  { phase: "readyToShutdown", name: "Shutdown", says: "Ready to be shut down" },
];
const halted: Step = {
  phase: "halted",
  name: "Halted",
  says: "Halted: a required extension failed",
};

/** The place of a phase on the way: its index, -1 for one that is not on it. */
export function placeOf(phase: string): number {
  return way.findIndex((step) => phase === step.phase || phase.startsWith(`${step.phase} `));
}

/** The phase in words. */
export function phaseWords(phase: string): string {
  if (isHalted(phase)) return halted.says;
  const step = way[placeOf(phase)];
  if (!step) return phase;
  const further = phase.slice(step.phase.length).trim();
  return further === "" ? step.says : `${step.says}: ${further}`;
}

function isHalted(phase: string): boolean {
  return /^halted\b/.test(phase);
}

/** Shows where the member stands, what it waits for and what it has said of itself. */
export function showLifecycle({ lifecycle }: StatusSnapshot, parts: ChangingParts): void {
  const { phase, since, waitsFor, published } = lifecycle;
  parts.show(byId("phase"), lifecycle, () => [
    make("p", "now", isHalted(phase) ? mark("bad") : undefined, phaseWords(phase)),
    make(
      "p",
      "quiet",
      waitsFor === undefined ? undefined : make("strong", "", `Waits for ${waitsFor}. `),
      `Since ${clockText(since)}, `,
      ageSince(since),
    ),
  ]);
  parts.show(byId("strip"), phase, () =>
    stepsOf(phase).map(({ step, is }) => {
      const item = make("li", is, make("span", "bar"), make("span", "name", step.name));
      if (is === "before") item.append(make("span", "unseen", ", passed"));
      if (is === "present") item.setAttribute("aria-current", "step");
      return item;
    }));
  parts.show(byId("published"), published, () => [
    published.length === 0
      ? make("p", "empty", "Nothing was published of the own life yet.")
      : make(
        "p",
        "published",
        make("span", "quiet", "Published "),
        ...published.map((name) => marked("good", name)),
      ),
  ]);
}

function stepsOf(phase: string): readonly { step: Step; is: "before" | "present" | "ahead" }[] {
  const place = placeOf(phase);
  if (isHalted(phase)) {
    const start = placeOf("starting");
    return [
      ...way.slice(0, start).map((step) => ({ step, is: "before" as const })),
      { step: halted, is: "present" },
      ...way.slice(start + 1).map((step) => ({ step, is: "ahead" as const })),
    ];
  }
  return way.map((step, i) => ({
    step,
    is: i < place ? "before" : i === place ? "present" : "ahead",
  }));
}
