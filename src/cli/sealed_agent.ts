/** The agent inside its seal: a worker that has the permissions of the configuration and no others. */
import process from "node:process";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom } from "./load.ts";
import { runAgent } from "./run_agent.ts";
import { type SealedOrder, type SealedWord, wordOf } from "./seal.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<SealedOrder>) => void;
  postMessage: (word: SealedWord) => void;
};

// Libraries look around in the environment as they load; nothing in it is meant for them.
Object.defineProperty(process, "env", { value: Object.freeze({}) });

const endAsked = Promise.withResolvers<string>();
scope.onmessage = ({ data }) => {
  if (data.kind === "end") endAsked.resolve(data.reason);
  // Its word is said whatever happens, so nothing is left to wait for.
  else void start(data).then((word) => scope.postMessage(word));
};
scope.postMessage({ kind: "ready" });

async function start({ args, excess }: SealedOrder & { kind: "start" }): Promise<SealedWord> {
  try {
    const loaded = await loadFrom(parseOptions("run", [...args], configurationOptions));
    return { kind: "ended", status: await runAgent(loaded, endAsked.promise, excess) };
  } catch (error) {
    return wordOf(error);
  }
}
