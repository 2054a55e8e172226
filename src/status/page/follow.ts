import type { Activity, StatusSnapshot } from "../snapshot.ts";

/** One event of the stream. */
export interface StreamEvent {
  readonly type: string;
  readonly id: string;
  readonly data: string;
}

/** More than any event is. */
const longestEvent = 16_000_000;

/** Takes a stream of server-sent events apart. */
export class EventReader {
  #rest = "";

  /**
   * The events that are complete with this text.
   *
   * @throws Error when one is longer than anything that the agent says.
   */
  take(text: string): readonly StreamEvent[] {
    const blocks = (this.#rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop() ?? "";
    if (this.#rest.length > longestEvent) throw new Error("an event without an end");
    return blocks.map(eventOf).filter((event) => event.data !== "");
  }
}

function eventOf(block: string): StreamEvent {
  const [type, id, data]: [string[], string[], string[]] = [[], [], []];
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^([a-z]+):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") type.push(value);
    if (field === "id") id.push(value);
    if (field === "data") data.push(value);
  }
  return { type: type.at(-1) ?? "message", id: id.at(-1) ?? "", data: data.join("\n") };
}

/** Told of what the agent says. */
export interface Listener {
  onSnapshot(snapshot: StatusSnapshot): void;
  onActivity(activity: Activity): void;
  /** It said something, if only that it is there. */
  onWord(): void;
  /** It does not answer, or not as it should; told again with each attempt. */
  onGone(reason: string): void;
}

/** The agent says something every five seconds. */
const silenceMs = 15_000;
const againMs = 2_000;
const soonMs = 300;

/**
 * Listens to the agent for ever, connecting again when it is gone. Where all its streams are taken, it
 * is asked now and then instead.
 *
 * Not with `EventSource`: that does not tell when the agent has fallen silent, nor why it refuses.
 */
export async function follow(listener: Listener, first = ""): Promise<never> {
  let lastId = first;
  while (true) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), silenceMs);
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      listener.onWord();
    };
    let [waitMs, wasHeard] = [againMs, false];
    try {
      const headers = lastId === "" ? {} : { "last-event-id": lastId };
      const init = { headers, cache: "no-store", signal: silence.signal } as const;
      const response = await fetch("events", init);
      if (response.status === 503) {
        listener.onSnapshot(await asked(await fetch("status.json", init)));
        heard();
      } else {
        if (!response.ok || !response.body) throw refused(response.status);
        const reader = new EventReader();
        for await (const text of texts(response.body)) {
          wasHeard = true;
          heard();
          for (const event of reader.take(text)) {
            if (event.id !== "") lastId = event.id;
            tell(event, listener);
          }
        }
      }
    } catch (error) {
      wasHeard &&= !(error instanceof Unfit);
      if (!wasHeard) listener.onGone(reasonOf(error, silence.signal));
    }
    // The end of a stream may be the agent's, or only that of the stream: asking soon tells.
    if (wasHeard && !silence.signal.aborted) waitMs = soonMs;
    else if (wasHeard) listener.onGone("it has fallen silent");
    clearTimeout(timer);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** It answers, but not with what can be shown. */
class Unfit extends Error {}

function tell({ type, data }: StreamEvent, listener: Listener): void {
  try {
    if (type === "snapshot") listener.onSnapshot(JSON.parse(data));
    if (type === "activity") listener.onActivity(JSON.parse(data));
  } catch (error) {
    throw new Unfit(`the page cannot show what it says (${(error as Error).message})`);
  }
}

function refused(status: number): Unfit {
  return new Unfit(status === 401 ? "it asks for a token" : `it answers with status ${status}`);
}

function reasonOf(error: unknown, silence: AbortSignal): string {
  if (error instanceof Unfit) return error.message;
  return silence.aborted ? "it does not answer" : "nothing listens there";
}

async function asked(response: Response): Promise<StatusSnapshot> {
  if (!response.ok) throw refused(response.status);
  return await response.json();
}

async function* texts(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const [decoder, reader] = [new TextDecoder(), body.getReader()];
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    // The reason of the end is told already.
    reader.cancel().catch(() => {});
  }
}
