import { behaviours, extensionContract } from "./extension_contract.ts";
import { moduleKind } from "./module_kind.ts";

extensionContract({
  name: "script",
  install: async (home, event, behaviour, mode) => {
    await home.script(`bash/${event}.sh`, behaviours[behaviour], mode);
    return `bash/${event}.sh`;
  },
});

extensionContract({
  name: "executable in the event's folder",
  install: async (home, event, behaviour, mode) => {
    await home.script(`${event}.d/50-web server`, behaviours[behaviour], mode);
    return `${event}.d/50-web server`;
  },
});

extensionContract(moduleKind);
