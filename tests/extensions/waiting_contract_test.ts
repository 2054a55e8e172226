import assert from "node:assert/strict";
import { behaviours, extensionContract } from "./extension_contract.ts";
import { requestOf, runnerOn } from "./extension_home.ts";
import { waitingIn } from "./waiting_home.ts";

// A runner's first run has no launcher to wait for it: the other kinds go the usual way.
extensionContract({
  name: "script by a launcher that waited",
  lacks: { notExecutable: "no launcher is asked" },
  open: async (home, log, config) => {
    await home.script("bash/WarmUp.sh", "");
    const runner = runnerOn(home, log, config);
    await runner.run(requestOf("WarmUp"), new AbortController().signal);
    const [waiting] = await waitingIn(home);
    assert(waiting, "no launcher waits");
    return {
      run: async (request, signal) => {
        const outcome = await runner.run(request, signal);
        assert(!(await waitingIn(home)).includes(waiting), "the launcher waits still");
        return outcome;
      },
      [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
    };
  },
  install: async (home, event, behaviour, mode) => {
    await home.script(`bash/${event}.sh`, behaviours[behaviour], mode);
    return `bash/${event}.sh`;
  },
});
