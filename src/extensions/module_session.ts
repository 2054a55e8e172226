import type { Clock } from "../base/clock.ts";
import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { lineText } from "./line_text.ts";
import type { AllowedModule } from "./module_catalogue.ts";
import { answerMetadata, type ModuleMetadataPort } from "./module_metadata.ts";
import {
  type EventQuestion,
  type FromModule,
  messageFrom,
  moduleLimits,
  type ModuleQuestion,
  type ToModule,
} from "./module_messages.ts";

/** How a call ended, as far as the module is concerned. */
export type CallEnd =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly reason: string };

/** What a call is made with. */
export interface ModuleCall {
  readonly message: Extract<
    ToModule,
    { kind: "handle" | "readHealth" | "checkOutArtifacts" | "commitArtifacts" }
  >;
  /** Answers a question of the module. */
  readonly answer: (question: EventQuestion, signal: AbortSignal) => Promise<unknown>;
  /** A limit in place of the module's own. */
  readonly timeoutMs?: number;
}

/** More messages of one call are a flood. */
const mostMessages = 10_000;
/** How long a worker may take to show that it can still be stopped. */
const pongLimitMs = 1_000;

interface CurrentCall extends ModuleCall {
  readonly end: (end: CallEnd) => void;
  readonly abort: AbortController;
}

/** One worker of a module, from its start to its end; makes one call at a time. */
export class ModuleSession {
  readonly #worker: Worker;
  readonly #log: Log;
  readonly #module: AllowedModule;
  readonly #metadata: ModuleMetadataPort | undefined;
  #current: CurrentCall | undefined;
  #onPong: (() => void) | undefined;
  #messages = 0;
  #lines = 0;
  #characters = 0;
  #leftOut = 0;
  #questions = 0;
  #owesTaken = false;
  #broken: string | undefined;

  /**
   * @param log Gets the module's own lines.
   * @param metadata Asked for modules that may; absent: there is no metadata service.
   * @throws Deno.errors.NotCapable when the agent itself lacks what the module is to have.
   */
  constructor(module: AllowedModule, log: Log, metadata?: ModuleMetadataPort) {
    this.#module = module;
    this.#log = log;
    this.#metadata = metadata;
    this.#worker = new Worker(import.meta.resolve("./module_worker.ts"), {
      type: "module",
      name: `module ${module.name}`,
      deno: { permissions: permissionsOf(module) },
    });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onmessageerror = () => this.#breakDown("it sent what cannot be read");
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#breakDown(event.message);
    };
    const entry = new URL(`file://${module.entry.split("/").map(encodeURIComponent).join("/")}`);
    this.#post({ kind: "load", entry: entry.href, settings: module.settings });
  }

  /** Whether another call can be made. */
  get isUsable(): boolean {
    return this.#broken === undefined;
  }

  /** Makes a call; what the module logs or asks after its end is passed on or dropped. */
  async call(call: ModuleCall): Promise<CallEnd> {
    if (this.#broken !== undefined) return { kind: "failed", reason: this.#broken };
    const { promise, resolve } = Promise.withResolvers<CallEnd>();
    const abort = new AbortController();
    this.#current = { ...call, end: resolve, abort };
    this.#messages = this.#lines = this.#characters = 0;
    this.#takeLines();
    try {
      this.#post(call.message);
      return await promise;
    } finally {
      abort.abort();
      this.#sayLeftOut();
    }
  }

  /** Ends the call in progress, if there is one, for a reason of the agent's. */
  breakOff(reason: string): void {
    this.#breakDown(reason);
  }

  /**
   * Ends the worker.
   *
   * A worker that is busy without pause does not hear that it has to end, and Deno cannot stop it.
   *
   * @returns Whether it is gone.
   */
  async end(clock: Clock): Promise<boolean> {
    this.#breakDown("it was ended");
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const heard = new AbortController();
    this.#onPong = () => resolve(true);
    this.#post({ kind: "ping" });
    const limit = clock.sleep(pongLimitMs, heard.signal).then(() => false, () => true);
    const isGone = await Promise.race([promise, limit]);
    heard.abort();
    this.#sayLeftOut();
    this.#worker.terminate();
    return isGone;
  }

  #receive(data: unknown): void {
    const message = messageFrom(data);
    if (message?.kind === "pong") return this.#onPong?.();
    if (this.#broken !== undefined && message?.kind !== "lines") return;
    if (!message) return this.#breakDown("it sent what no module sends");
    if (++this.#messages > mostMessages) return this.#breakDown("it floods the agent");
    switch (message.kind) {
      case "done":
        return this.#end({ kind: "done", value: message.value });
      case "failed":
        return this.#breakDown(lineOf(message.reason));
      case "lines":
        return this.#write(message);
      case "ask":
        return this.#ask(message.id, message.question);
    }
  }

  #end(end: CallEnd): void {
    const current = this.#current;
    this.#current = undefined;
    current?.end(end);
  }

  #breakDown(reason: string): void {
    this.#broken ??= reason;
    this.#end({ kind: "failed", reason });
  }

  #write({ lines, leftOut }: Extract<FromModule, { kind: "lines" }>): void {
    this.#leftOut += Math.max(0, Math.trunc(leftOut));
    for (const { level, text } of lines) {
      if (this.#isFull) this.#leftOut++;
      else {
        this.#lines++;
        this.#characters += text.length + 1;
        this.#log[level](lineOf(text), { module: this.#module.name });
      }
    }
    this.#owesTaken = true;
    // Past the bound the module's lines stay with it, until the next call.
    if (!this.#isFull) this.#takeLines();
  }

  /** Whether the module has logged as much as one call may. */
  get #isFull(): boolean {
    return this.#lines >= moduleLimits.callLines || this.#characters >= moduleLimits.callCharacters;
  }

  #takeLines(): void {
    if (!this.#owesTaken) return;
    this.#owesTaken = false;
    this.#post({ kind: "linesTaken" });
  }

  #sayLeftOut(): void {
    const lines = this.#leftOut;
    const isFull = this.#isFull;
    if (lines === 0 && !isFull) return;
    const said = isFull
      ? `after ${this.#lines} lines (${this.#characters} characters) the rest was left out`
      : `${lines} lines left out`;
    this.#leftOut = this.#lines = this.#characters = 0;
    this.#log.warning(said, { module: this.#module.name });
  }

  #ask(id: number, question: ModuleQuestion): void {
    const current = this.#current;
    if (!current) return;
    if (this.#questions >= moduleLimits.questions) {
      return this.#breakDown("it asks too many questions at once");
    }
    this.#questions++;
    const { signal } = current.abort;
    const answered = question.what === "metadata"
      ? answerMetadata(question.request, this.#module, this.#metadata, signal)
      : current.answer(question, signal);
    // Every failure becomes the answer.
    void answered
      .catch((error) => ({ succeeded: false, reason: reasonOf(error) }))
      .then((value) => {
        this.#questions--;
        if (this.#current === current) this.#post({ kind: "answer", id, value });
      })
      .catch((error) => this.#breakDown(reasonOf(error)));
  }

  #post(message: ToModule): void {
    this.#worker.postMessage(message);
  }
}

/** What a module's worker may do: read its own folder, and what it asks for and is allowed. */
function permissionsOf({ dir, asks }: AllowedModule): Deno.PermissionOptionsObject {
  return {
    net: [...asks.net],
    read: [dir, ...asks.read],
    write: [...asks.write],
    env: [...asks.env],
    run: false,
    sys: false,
    ffi: false,
    import: false,
  };
}

function lineOf(text: string): string {
  return lineText(new TextEncoder().encode(text));
}
