import type { StatusSnapshot } from "./snapshot.ts";

/** Labels of one series. */
export type Labels = Readonly<Record<string, string>>;

/** One value of a metric; `undefined` is left out. */
export type Sample = readonly [value: number | undefined, labels?: Labels];

/** One metric: its text, its labels and where its values are from. */
export interface Metric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  /** One sentence without a full stop. */
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (status: StatusSnapshot) => readonly Sample[];
}

/** 1 for yes, 0 for no. */
export function flag(value: boolean): number {
  return value ? 1 : 0;
}

/** A time in seconds since the Unix epoch. */
export function seconds(at: string): number {
  return Date.parse(at) / 1000;
}

/** A percentage as a ratio. */
export function ratio(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : percent / 100;
}

/** The label of a tenant. */
export function tenant(tenantId: number): Labels {
  return { tenant: String(tenantId) };
}

/** A series for each name. */
export function byName(counts: Readonly<Record<string, number>>, label: string): readonly Sample[] {
  return Object.entries(counts).map(([name, count]) => [count, { [label]: name }]);
}
