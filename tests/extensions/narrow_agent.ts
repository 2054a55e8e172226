/** A program of a test: runs one event with no more permissions than the agent has. */
import { systemClock } from "../../src/base/clock.ts";
import { makeLog } from "../../src/base/log.ts";
import { ExtensionRunner } from "../../src/extensions/extension_runner.ts";

const [home, event, environment] = Deno.args;
await using runner = new ExtensionRunner({
  config: {
    timeoutMs: 20_000,
    timeoutMsByEvent: {},
    graceMs: 300,
    allowedModules: [],
    ...(environment ? { environment: environment.split(",") } : {}),
  },
  paths: {
    extensionsDir: `${home}/extensions`,
    launcher: `${home}/extensions/launcher`,
    stateDir: `${home}/state`,
  },
  launchParameters: { CARTRIDGE_KEY: "tvnw63ufg9gh5111", MEMBER_ID: "m-1" },
  broker: () => undefined,
  log: makeLog(({ level, name, message }) => console.log(`${level} ${name} ${message}`), ""),
  clock: systemClock,
});
const facts = {
  topology: { serviceMap: {} },
  serviceProperties: {},
  clusterProperties: {},
  memberProperties: {},
};
const signal = event === "clean" ? AbortSignal.timeout(1_000) : new AbortController().signal;
const outcome = await runner.run({ event: event ?? "", values: {}, facts: () => facts }, signal);
console.log(`outcome ${JSON.stringify(outcome)}`);
