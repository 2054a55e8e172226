import { fileURLToPath } from "node:url";
import type { ExtensionHome } from "./extension_home.ts";

const program = fileURLToPath(new URL("narrow_agent.ts", import.meta.url));

/** A process that runs one event and holds exactly what the runner needs. */
export function narrowAgent(
  home: ExtensionHome,
  event: string,
  env: Readonly<Record<string, string>> = {},
  environment = "",
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--cached-only",
      "--ignore-env",
      `--allow-run=${home.launcher}`,
      `--allow-read=${home.extensionsDir},${home.stateDir}`,
      `--allow-write=${home.stateDir}`,
      program,
      home.dir,
      event,
      environment,
    ],
    env: { ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}
