import type { CallAnswer, CallValue, ReceivedCall } from "./cep_thrift_server.ts";

/** Attributes of one section of an event, by name. */
export type ReceivedValues = Readonly<Record<string, string | number | bigint | boolean | null>>;

/** One event, read as the platform reads it. */
export interface ReceivedEvent {
  /** `name:version`. */
  readonly streamId: string;
  /** Milliseconds since 1970. */
  readonly timestampMs: bigint;
  readonly meta: ReceivedValues;
  readonly correlation: ReceivedValues;
  readonly payload: ReceivedValues;
}

/** What {@link CepSessions} needs. */
export interface CepSessionsOptions {
  readonly username: string;
  readonly password: string;
  readonly counts: { logins: number; definitions: number; bundles: number; events: number };
  readonly onEvent: (event: ReceivedEvent) => void;
  readonly onProblem: (problem: string) => void;
}

interface Attribute {
  readonly name: string;
  readonly type: string;
}

type Section = "meta" | "correlation" | "payload";

interface Stream {
  readonly id: string;
  readonly json: string;
  readonly sections: Readonly<Record<Section, readonly Attribute[]>>;
}

/** Field of a bundle that holds the values of an attribute type. */
const bundleFields: Readonly<Record<string, number>> = {
  INT: 3,
  LONG: 4,
  FLOAT: 5,
  DOUBLE: 5,
  BOOL: 6,
  STRING: 7,
};

const sectionKeys = {
  meta: "metaData",
  correlation: "correlationData",
  payload: "payloadData",
} as const;

const unknownMethod = 1;
const internalError = 6;

class RefusedCall extends Error {
  readonly answer: CallAnswer;

  constructor(field: number, message: string) {
    super(message);
    this.answer = { kind: "exception", field, message };
  }
}

/** Sessions and streams of a receiver, and what it answers to each call. */
export class CepSessions {
  readonly #options: CepSessionsOptions;
  readonly #sessions = new Set<string>();
  readonly #streams = new Map<string, Stream>();

  constructor(options: CepSessionsOptions) {
    this.#options = options;
  }

  /** Ends all sessions. */
  expire(): void {
    this.#sessions.clear();
  }

  /** Forgets sessions and streams, as a restart does. */
  forgetAll(): void {
    this.#sessions.clear();
    this.#streams.clear();
  }

  /** Answers a call; never throws. */
  answer({ method, args }: ReceivedCall): CallAnswer {
    const text = (id: number) => String(args.get(id) ?? "");
    try {
      switch (method) {
        case "connect":
          return this.#connect(text(1), text(2));
        case "disconnect":
          this.#sessions.delete(text(1));
          return { kind: "void" };
        case "defineStream":
          this.#check(text(1), 4);
          return { kind: "success", value: this.#define(text(2)) };
        case "findStreamId":
          this.#check(text(1), 2);
          return this.#find(text(2), text(3));
        case "publish":
          return this.#publish(args.get(1));
        case "deleteStreamById":
          this.#check(text(1), 1);
          return { kind: "success", value: this.#streams.delete(text(2)) };
        case "deleteStreamByNameVersion":
          this.#check(text(1), 1);
          return { kind: "success", value: this.#streams.delete(`${text(2)}:${text(3)}`) };
        default: {
          const message = `Invalid method name: '${method}'`;
          return { kind: "failure", type: unknownMethod, message };
        }
      }
    } catch (error) {
      if (error instanceof RefusedCall) return error.answer;
      this.#options.onProblem(`${method}: ${error instanceof Error ? error.message : error}`);
      const message = `Internal error processing ${method}`;
      return { kind: "failure", type: internalError, message };
    }
  }

  #connect(username: string, password: string): CallAnswer {
    if (username !== this.#options.username || password !== this.#options.password) {
      throw new RefusedCall(1, "wrong userName or password");
    }
    const session = crypto.randomUUID();
    this.#sessions.add(session);
    this.#options.counts.logins++;
    return { kind: "success", value: session };
  }

  #check(session: string, expiredField: number): void {
    if (!this.#sessions.has(session)) throw new RefusedCall(expiredField, `${session} expired`);
  }

  #define(json: string): string {
    const stream = parseStream(json);
    const known = this.#streams.get(stream.id);
    if (known && JSON.stringify(known.sections) !== JSON.stringify(stream.sections)) {
      throw new RefusedCall(1, `Similar event stream for ${json} already exist: ${known.json}`);
    }
    this.#streams.set(stream.id, stream);
    this.#options.counts.definitions++;
    return stream.id;
  }

  #find(name: string, version: string): CallAnswer {
    const id = `${name}:${version}`;
    if (this.#streams.has(id)) return { kind: "success", value: id };
    throw new RefusedCall(1, `Stream definition not exist for ${name} ${version}`);
  }

  #publish(bundle: CallValue | undefined): CallAnswer {
    if (!(bundle instanceof Map)) throw new Error("no bundle");
    this.#check(String(bundle.get(1) ?? ""), 2);
    this.#options.counts.bundles++;
    // As the real one: whatever is wrong with the bundle, the answer is success.
    let events: readonly ReceivedEvent[];
    try {
      events = this.#eventsOf(bundle);
    } catch (error) {
      this.#options.onProblem(`bundle dropped: ${(error as Error).message}`);
      return { kind: "void" };
    }
    for (const event of events) {
      this.#options.counts.events++;
      this.#options.onEvent(event);
    }
    return { kind: "void" };
  }

  #eventsOf(bundle: ReadonlyMap<CallValue, CallValue>): readonly ReceivedEvent[] {
    const positions = new Map<number, number>();
    const next = (type: string, what: string): CallValue => {
      const field = bundleFields[type];
      const list = field === undefined ? undefined : bundle.get(field);
      const position = positions.get(field ?? 0) ?? 0;
      const value = Array.isArray(list) ? list[position] : undefined;
      if (value === undefined) throw new Error(`no ${type} for ${what}`);
      positions.set(field ?? 0, position + 1);
      return value;
    };
    const count = Number(bundle.get(2) ?? 0);
    const events: ReceivedEvent[] = [];
    while (events.length < count) {
      const streamId = next("STRING", "the stream id") as string;
      const timestampMs = next("LONG", "the timestamp") as bigint;
      const stream = this.#streams.get(streamId);
      if (!stream) throw new Error(`no stream ${streamId}`);
      const read = (section: Section) =>
        Object.fromEntries(stream.sections[section].map(({ name, type }) => {
          const value = next(type, name);
          return [name, value === "_null" ? null : value as string | number | bigint | boolean];
        }));
      events.push({
        streamId,
        timestampMs,
        meta: read("meta"),
        correlation: read("correlation"),
        payload: read("payload"),
      });
    }
    for (const field of new Set(Object.values(bundleFields))) {
      const list = bundle.get(field);
      const left = Array.isArray(list) ? list.length - (positions.get(field) ?? 0) : 0;
      if (left > 0) throw new Error(`${left} values left in list ${field}`);
    }
    return events;
  }
}

function parseStream(json: string): Stream {
  const malformed = (reason: string) =>
    new RefusedCall(2, `Malformed stream definition: ${reason}`);
  let definition: unknown;
  try {
    definition = JSON.parse(json);
  } catch {
    throw malformed(json);
  }
  if (typeof definition !== "object" || definition === null) throw malformed("no object");
  const fields = definition as Readonly<Record<string, unknown>>;
  const { name, version } = fields;
  if (typeof name !== "string" || typeof version !== "string") {
    throw malformed("no name or version");
  }
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw malformed(`version ${version}`);
  const section = (key: string): readonly Attribute[] => {
    const attributes = fields[key] ?? [];
    if (!Array.isArray(attributes)) throw malformed(key);
    return attributes.map((attribute) => {
      const { name, type } = attribute as Readonly<Record<string, unknown>>;
      if (
        typeof name !== "string" || typeof type !== "string" || !Object.hasOwn(bundleFields, type)
      ) {
        throw malformed(`an attribute of ${key}`);
      }
      return { name, type };
    });
  };
  return {
    id: `${name}:${version}`,
    json,
    sections: {
      meta: section(sectionKeys.meta),
      correlation: section(sectionKeys.correlation),
      payload: section(sectionKeys.payload),
    },
  };
}
