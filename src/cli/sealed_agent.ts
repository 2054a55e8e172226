/** The agent inside its seal: a worker that has the permissions of the configuration and no others. */
import process from "node:process";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom } from "./load.ts";
import { ReloadBell } from "./reload_bell.ts";
import { runAgent } from "./run_agent.ts";
import { type SealedOrder, type SealedWord, wordOf } from "./seal.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<SealedOrder>) => void;
  postMessage: (word: SealedWord) => void;
};

// Libraries look around in the environment as they load; nothing in it is meant for them.
Object.defineProperty(process, "env", { value: Object.freeze({}) });

const endAsked = Promise.withResolvers<string>();
const reloads = new ReloadBell();
scope.onmessage = ({ data }) => {
  switch (data.kind) {
    case "start":
      // Its word is said whatever happens, so nothing is left to wait for.
      return void start(data).then((word) => scope.postMessage(word));
    case "reload":
      return reloads.ring();
    case "end":
      return endAsked.resolve(data.reason);
  }
};
scope.postMessage({ kind: "ready" });

async function start({ args, excess }: SealedOrder & { kind: "start" }): Promise<SealedWord> {
  try {
    const load = () => loadFrom(parseOptions("run", [...args], configurationOptions));
    const loaded = await load();
    const asked = { endAsked: endAsked.promise, reloads };
    return {
      kind: "ended",
      status: await runAgent({ loaded, load, ...asked, sealedFrom: excess }),
    };
  } catch (error) {
    return wordOf(error);
  }
}
