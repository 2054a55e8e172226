/**
 * The worker of one extension module, with that module's permissions. It loads the module and then
 * makes one call after the other. Nothing here protects the agent: the other side checks.
 */
import process from "node:process";
import {
  type FromModule,
  type Line,
  type MetadataAnswer,
  type MetadataRequest,
  moduleLimits,
  type ModuleQuestion,
  type ToModule,
} from "./module_messages.ts";

type Call = (...args: unknown[]) => unknown;
type Level = Line["level"];

const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<ToModule>) => void;
  postMessage: unknown;
  close: unknown;
};
const post = (worker.postMessage as (message: FromModule) => void).bind(globalThis);
const failed = (thrown: unknown) =>
  post({ kind: "failed", reason: thrown instanceof Error ? thrown.message : String(thrown) });

const loaded = Promise.withResolvers<Readonly<Record<string, unknown>>>();
let settings: Readonly<Record<string, string>> = {};
let waiting: Line[] = [];
let leftOut = 0;
let isTaken = true;
let lastQuestion = 0;
const questions = new Map<number, (answer: unknown) => void>();

worker.onmessage = ({ data }) => {
  switch (data.kind) {
    case "load":
      settings = data.settings;
      // A failure shows in the first call, which waits for it.
      loaded.promise.catch(() => {});
      import(data.entry).then(loaded.resolve, loaded.reject);
      return;
    case "handle":
      // `make` posts whatever comes of it and never rejects.
      void make(
        "handle",
        (handle) =>
          handle({ name: data.event, values: data.eventValues }, eventContext(data.values)),
      );
      return;
    case "readHealth":
      void make("readHealth", (readHealth) => readHealth(context()));
      return;
    case "checkOutArtifacts":
    case "commitArtifacts":
      void make(data.kind, (provided) => provided(data.job, context()));
      return;
    case "answer":
      questions.get(data.id)?.(data.value);
      questions.delete(data.id);
      return;
    case "linesTaken":
      isTaken = true;
      return sendLines();
    case "ping":
      return post({ kind: "pong" });
  }
};

async function make(name: string, call: (exported: Call) => unknown): Promise<void> {
  try {
    const exported = (await loaded.promise)[name];
    if (typeof exported !== "function") throw new Error(`it exports no function ${name}`);
    const value = await call(exported as Call);
    postLines();
    post({ kind: "done", value: name === "handle" ? undefined : value });
  } catch (error) {
    postLines();
    failed(error);
  }
}

function context() {
  return { settings, log, metadata };
}

const metadata = {
  get: (scope: "application" | "cluster") => askMetadata({ kind: "get", scope }),
  put: (scope: "application" | "cluster", key: string, values: string | readonly string[]) =>
    askMetadata({
      kind: "put",
      scope,
      key,
      values: typeof values === "string" ? [values] : values,
    }),
  delete: (key: string, value: string) => askMetadata({ kind: "delete", key, value }),
};

async function askMetadata(request: MetadataRequest): Promise<unknown> {
  const answer = await ask({ what: "metadata", request }) as MetadataAnswer;
  if (answer.kind === "done") return answer.value;
  throw new Error(answer.reason);
}

function eventContext(values: Readonly<Record<string, string>>) {
  return {
    ...context(),
    values,
    topology: () => ask({ what: "topology" }),
    runScript: (name: string, given: Readonly<Record<string, string>> = {}) =>
      ask({ what: "runScript", name, values: given }),
  };
}

function ask(question: ModuleQuestion): Promise<unknown> {
  if (questions.size >= moduleLimits.questions) {
    return Promise.reject(new Error(`more than ${moduleLimits.questions} questions at once`));
  }
  const id = ++lastQuestion;
  const { promise, resolve } = Promise.withResolvers<unknown>();
  questions.set(id, resolve);
  post({ kind: "ask", id, question });
  return promise;
}

const write = (level: Level) => (...parts: unknown[]) => {
  if (waiting.length >= moduleLimits.waitingLines) leftOut++;
  else {
    const text = parts.map(String).join(" ").slice(0, moduleLimits.lineLength);
    waiting.push({ level, text });
  }
  sendLines();
};
const log = {
  debug: write("debug"),
  info: write("info"),
  warning: write("warning"),
  error: write("error"),
};

function sendLines(): void {
  if (isTaken) postLines();
}

/** Not waiting for the last ones to be taken: a few lines stand before the end of their call. */
function postLines(): void {
  if (waiting.length === 0 && leftOut === 0) return;
  isTaken = false;
  post({ kind: "lines", lines: waiting.slice(0, moduleLimits.lines), leftOut });
  waiting = waiting.slice(moduleLimits.lines);
  leftOut = 0;
}

// An ordinary module that prints, posts or exits means its log and its end, not the agent's output.
const exit = () => {
  const reason = new Error("it asked the process to exit");
  failed(reason);
  throw reason;
};
const { debug, info, warning, error } = log;
Object.assign(console, { debug, info, log: info, warn: warning, error, trace: debug, dir: info });
Object.defineProperty(Deno, "exit", { value: exit });
Object.defineProperty(process, "exit", { value: exit });
Object.defineProperty(globalThis, "close", { value: exit });
Reflect.deleteProperty(globalThis, "postMessage");
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  failed(event.reason);
});
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  failed(event.error ?? event.message);
});
