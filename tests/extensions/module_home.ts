import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { findModules, type ModuleSearch } from "../../src/extensions/module_catalogue.ts";
import { ModuleHost } from "../../src/extensions/module_host.ts";
import type { ModuleMetadataPort } from "../../src/extensions/module_metadata.ts";
import type { ModuleCall } from "../../src/extensions/module_session.ts";

/** Modules in a temporary home. */
export interface ModuleHome extends AsyncDisposable {
  readonly dir: string;
  /** Writes a module; `manifest` goes over a usual one. Returns the module's folder. */
  module(name: string, code: string, manifest?: Record<string, unknown>): Promise<string>;
  /** What {@link findModules} is asked. */
  search(...allowedModules: string[]): ModuleSearch;
  /** A host of the allowed modules. */
  host(log: Log, ...allowedModules: string[]): Promise<ModuleHost>;
  /** The same with a metadata service. */
  hostWith(
    metadata: ModuleMetadataPort,
    log: Log,
    ...allowedModules: string[]
  ): Promise<ModuleHost>;
}

export const shippedModules = fileURLToPath(new URL("../../extensions/modules", import.meta.url));

export async function openModuleHome(): Promise<ModuleHome> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "module home " }));
  const extensionsDir = join(dir, "extensions");
  const search = (...allowedModules: string[]): ModuleSearch => ({
    config: { allowedModules },
    paths: {
      extensionsDir,
      launcher: join(extensionsDir, "launcher"),
      stateDir: join(dir, "state"),
      agentConf: join(dir, "agent.conf"),
      terminatorFile: join(dir, "terminator.txt"),
    },
    events: ["StartServers", "InstanceActivatedEvent"],
  });
  return {
    dir,
    search,
    module: async (name, code, manifest = {}) => {
      const folder = join(extensionsDir, "modules", name);
      await Deno.mkdir(folder, { recursive: true });
      const whole = { name, entry: "main.ts", events: ["StartServers"], ...manifest };
      await Deno.writeTextFile(join(folder, "module.json"), JSON.stringify(whole));
      await Deno.writeTextFile(join(folder, "main.ts"), code);
      return folder;
    },
    host: async (log, ...allowedModules) => {
      const { modules, problems } = await findModules(search(...allowedModules));
      if (problems.length > 0) throw new Error(problems.join("\n"));
      return new ModuleHost({ modules, log, clock: systemClock });
    },
    hostWith: async (metadata, log, ...allowedModules) => {
      const { modules, problems } = await findModules(search(...allowedModules));
      if (problems.length > 0) throw new Error(problems.join("\n"));
      return new ModuleHost({ modules, log, clock: systemClock, metadata });
    },
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** A call for the event StartServers. */
export function handleCall(values: Record<string, string> = {}): ModuleCall {
  return {
    message: { kind: "handle", event: "StartServers", eventValues: {}, values },
    answer: (question) => Promise.resolve({ succeeded: true, ...question }),
  };
}

export const healthCall: ModuleCall = {
  message: { kind: "readHealth" },
  answer: () => Promise.reject(new Error("no question expected")),
};
