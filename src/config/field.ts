import type { ValueType } from "./value_types.ts";

/** One setting: everything that resolution, messages, `check` and the reference need to know. */
export interface Field<T = unknown> {
  /** The name in agent.conf, in launch-params and after `--set`. */
  readonly key: string;
  /** Names in the environment, the first one preferred; launch-params knows them too. */
  readonly environment?: readonly string[];
  /** Variable of the environment that names a file with the value. */
  readonly fileVariable?: string;
  readonly type: ValueType<T>;
  /** The default as an operator would write it; absent: none, or computed from other settings. */
  readonly default?: string;
  /** The default in words, where it is computed. */
  readonly computedDefault?: string;
  readonly unit?: "seconds" | "milliseconds" | "bytes";
  /** What it means, as one sentence of the reference. */
  readonly meaning: string;
  /** Placeholders of the original's template; under this key they count as not set. */
  readonly tokens?: readonly string[];
  /** Never shown. */
  readonly secret?: true;
  /** Not known to the original agent. */
  readonly own?: true;
  readonly required?: true;
  /** `tcp://…` here is what Kubernetes sets for a service of that name, not a port: ignored. */
  readonly mayBeServiceLink?: true;
  /** Under this name launch-params win over agent.conf. */
  readonly launchNameBeforeFile?: string;
  /** The reference describes the whole family in one row under this name. */
  readonly family?: string;
}

/** A setting that always has a value. */
export type FieldWithDefault<T> = Field<T> & { readonly default: string };

/** Settings by the name that the code uses. */
export type FieldTable = Readonly<Record<string, Field>>;

/** A part of the reference. */
export interface FieldSection {
  readonly title: string;
  readonly fields: readonly Field[];
}

/** The name in the environment that follows from a key: upper case, dots as `_`. */
export function environmentNameOf(key: string): string {
  return key.toUpperCase().replaceAll(".", "_");
}

/** All names of a setting in the environment, without the one that names a file. */
export function environmentOf(field: Field): readonly string[] {
  return field.environment ?? (field.own ? [environmentNameOf(field.key)] : []);
}
