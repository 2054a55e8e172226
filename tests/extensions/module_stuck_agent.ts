/** A program of a test: calls a module that never pauses, then another; ends itself. */
import { systemClock } from "../../src/base/clock.ts";
import { makeLog } from "../../src/base/log.ts";
import { findModules } from "../../src/extensions/module_catalogue.ts";
import { ModuleHost } from "../../src/extensions/module_host.ts";
import { handleCall } from "./module_home.ts";

const [home = ""] = Deno.args;
const log = makeLog(({ level, message }) => console.log(`${level} ${message}`), "");
const { modules } = await findModules({
  config: { allowedModules: ["loop", "fine"] },
  paths: {
    extensionsDir: `${home}/extensions`,
    launcher: `${home}/l`,
    stateDir: `${home}/state`,
    terminatorFile: `${home}/t`,
  },
  events: ["StartServers"],
});
const host = new ModuleHost({ modules, log, clock: systemClock });
const { signal } = new AbortController();
for (const name of ["loop", "loop", "fine"]) {
  const outcome = await host.call(name, handleCall(), signal);
  console.log(name, JSON.stringify(outcome));
}
await host[Symbol.asyncDispose]();
console.log("ended");
Deno.exit(0);
