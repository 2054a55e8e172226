import { cannot } from "../base/errors.ts";
import type { EventBundle } from "./data_bridge_messages.ts";

/** What an attribute's value is here, by its declared type. */
export interface AttributeValues {
  /** 32-bit. */
  readonly INT: number;
  /** 64-bit. */
  readonly LONG: bigint;
  readonly FLOAT: number;
  readonly DOUBLE: number;
  readonly BOOL: boolean;
  /** `null` travels as `_null`. */
  readonly STRING: string | null;
}

/** Types that a stream can declare. */
export type AttributeType = keyof AttributeValues;

/** A named and typed value of an event. */
export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
}

/** A list of attributes, in the order in which their values travel. */
export type Attributes = readonly Attribute[];

/** What the events of a stream hold; `declareStream` checks and makes one. */
export interface StreamDefinition<
  M extends Attributes = Attributes,
  C extends Attributes = Attributes,
  P extends Attributes = Attributes,
> {
  readonly name: string;
  /** `\d+.\d+.\d+`. */
  readonly version: string;
  readonly nickName: string;
  readonly description: string;
  readonly metaData: M;
  readonly correlationData: C;
  readonly payloadData: P;
}

/** Values by attribute name, each of its declared type. */
export type ValuesOf<A extends Attributes> = {
  readonly [E in A[number] as E["name"]]: AttributeValues[E["type"]];
};

/** One event of a stream. */
export interface StreamEvent {
  readonly stream: StreamDefinition;
  /** Milliseconds since 1970. */
  readonly timestampMs: bigint;
  readonly metaData: Readonly<Record<string, unknown>>;
  readonly correlationData: Readonly<Record<string, unknown>>;
  readonly payloadData: Readonly<Record<string, unknown>>;
}

/** `name:version`. */
export function streamIdOf({ name, version }: StreamDefinition): string {
  return `${name}:${version}`;
}

/**
 * Declares a stream whose attribute names and types the compiler knows.
 *
 * @throws AgentError `internal` for a name or version that the receiver would refuse.
 */
export function declareStream<
  const M extends Attributes,
  const C extends Attributes,
  const P extends Attributes,
>(definition: StreamDefinition<M, C, P>): StreamDefinition<M, C, P> {
  const fail = (reason: string) =>
    cannot("declare the stream", definition.name, reason, { kind: "internal" });
  if (definition.name === "" || definition.name.includes(":")) {
    throw fail("the name is empty or holds a colon");
  }
  if (!/^\d+\.\d+\.\d+$/.test(definition.version)) throw fail("the version is not x.x.x");
  return definition;
}

/** The JSON text that defines the stream at a receiver; empty sections are left out. */
export function streamDefinitionJson(stream: StreamDefinition): string {
  const { name, version, nickName, description } = stream;
  const sections = Object.fromEntries(
    sectionNames.filter((section) => stream[section].length > 0)
      .map((section) => [section, stream[section].map(({ name, type }) => ({ name, type }))]),
  );
  return JSON.stringify({ name, version, nickName, description, ...sections });
}

/** Builds an event; a missing, surplus or wrongly typed value does not compile. */
export function eventOf<M extends Attributes, C extends Attributes, P extends Attributes>(
  stream: StreamDefinition<M, C, P>,
  timestampMs: bigint,
  values: {
    readonly metaData: ValuesOf<M>;
    readonly correlationData: ValuesOf<C>;
    readonly payloadData: ValuesOf<P>;
  },
): StreamEvent {
  return { stream, timestampMs, ...values };
}

const sectionNames = ["metaData", "correlationData", "payloadData"] as const;

/** Text of a null string on the wire. */
const nullText = "_null";

/** The lists of a bundle while they are filled. */
interface Lists {
  readonly ints: number[];
  readonly longs: bigint[];
  readonly doubles: number[];
  readonly bools: boolean[];
  readonly strings: string[];
}

/**
 * Lays events out as a bundle: stream id, timestamp, then meta, correlation and payload values in the
 * order of the definition, each in the list of its type (FLOAT in that of DOUBLE); lists that are not
 * used are left out.
 *
 * Every value is checked against its declared type: the receiver confirms a bundle with a wrong number
 * or type of values and then drops it without a word.
 *
 * @throws AgentError `internal` that names the attribute.
 */
export function bundleOf(events: readonly StreamEvent[]): EventBundle {
  const lists: Lists = { ints: [], longs: [], doubles: [], bools: [], strings: [] };
  for (const event of events) {
    lists.strings.push(streamIdOf(event.stream));
    append.LONG(lists, event.timestampMs, () => refuse(event, "timestamp", "no 64-bit integer"));
    for (const section of sectionNames) appendSection(lists, event, section);
  }
  return {
    eventNum: events.length,
    ...(lists.ints.length > 0 ? { ints: lists.ints } : {}),
    ...(lists.longs.length > 0 ? { longs: lists.longs } : {}),
    ...(lists.doubles.length > 0 ? { doubles: lists.doubles } : {}),
    ...(lists.bools.length > 0 ? { bools: lists.bools } : {}),
    ...(lists.strings.length > 0 ? { strings: lists.strings } : {}),
  };
}

function appendSection(
  lists: Lists,
  event: StreamEvent,
  section: (typeof sectionNames)[number],
): void {
  const attributes: Attributes = event.stream[section];
  const values = event[section];
  for (const { name, type } of attributes) {
    append[type](lists, values[name], () => refuse(event, name, `the value is no ${type}`));
  }
  const declared = new Set(attributes.map(({ name }) => name));
  const surplus = Object.keys(values).find((name) => !declared.has(name));
  if (surplus !== undefined) throw refuse(event, surplus, `no attribute of ${section}`);
}

type Append = (lists: Lists, value: unknown, fail: () => Error) => void;

const append: { readonly [T in AttributeType]: Append } = {
  INT(lists, value, fail) {
    if (typeof value !== "number" || (value | 0) !== value) throw fail();
    lists.ints.push(value);
  },
  LONG(lists, value, fail) {
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) throw fail();
    lists.longs.push(value);
  },
  FLOAT: appendDouble,
  DOUBLE: appendDouble,
  BOOL(lists, value, fail) {
    if (typeof value !== "boolean") throw fail();
    lists.bools.push(value);
  },
  STRING(lists, value, fail) {
    if (value !== null && typeof value !== "string") throw fail();
    lists.strings.push(value ?? nullText);
  },
};

function appendDouble(lists: Lists, value: unknown, fail: () => Error): void {
  if (typeof value !== "number") throw fail();
  lists.doubles.push(value);
}

function refuse(event: StreamEvent, attribute: string, reason: string): Error {
  return cannot("send the event of", `${streamIdOf(event.stream)} ${attribute}`, reason, {
    kind: "internal",
    data: { attribute },
  });
}
