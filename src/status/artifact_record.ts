import { type Redact, shownLine } from "./shown_line.ts";
import type { ArtifactStatus } from "./snapshot.ts";

/** What a change of a tenant's artifacts says; `undefined` takes a value away. */
export type ArtifactChange = {
  readonly [Name in Exclude<keyof ArtifactStatus, "tenantId" | "progress" | "conflictRefs">]?:
    | ArtifactStatus[Name]
    | undefined;
};

/** Refs that are shown of one tenant; all are in its repository. */
const mostRefs = 20;

interface Known {
  status: ArtifactStatus;
  refs: readonly string[];
}

/** What is known of each tenant's artifacts. */
export class ArtifactRecord {
  readonly #redact: Redact;
  readonly #tenants = new Map<number, Known>();

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  /** Something has become known. */
  change(tenantId: number, change: ArtifactChange): void {
    const known = this.#of(tenantId);
    const entries = Object.entries({ ...known.status, ...change })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name,
        typeof value === "string" ? shownLine(value, this.#redact) : value,
      ]);
    known.status = Object.fromEntries(entries) as unknown as ArtifactStatus;
  }

  /** Local commits are kept under a ref. */
  keep(tenantId: number, ref: string): void {
    const known = this.#of(tenantId);
    const shown = shownLine(ref, this.#redact);
    known.refs = [...known.refs.filter((other) => other !== shown), shown].slice(-mostRefs);
  }

  /**
   * All tenants.
   *
   * @param progressOf How far the work in progress is, by tenant.
   */
  statuses(
    progressOf: (tenantId: number) => ArtifactStatus["progress"],
  ): readonly ArtifactStatus[] {
    return [...this.#tenants].map(([tenantId, { status, refs }]) => {
      const progress = progressOf(tenantId);
      return {
        ...status,
        ...(progress ? { progress, state: "working" as const } : {}),
        conflictRefs: refs,
      };
    });
  }

  #of(tenantId: number): Known {
    const known = this.#tenants.get(tenantId) ?? {
      status: { tenantId, destination: "", state: "none" as const, conflictRefs: [] },
      refs: [],
    };
    this.#tenants.set(tenantId, known);
    return known;
  }
}
