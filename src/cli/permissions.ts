import { AgentError } from "../base/errors.ts";
import { renderFlags, renderJson } from "../scope/render_scope.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom, scopeOf } from "./load.ts";

/** Prints the permissions that the configuration needs: one flag a line, or JSON. */
export async function permissionsCommand(args: string[]): Promise<number> {
  const options = parseOptions("permissions", args, {
    ...configurationOptions,
    format: { type: "string" },
  });
  const format = options.values.format ?? "flags";
  const scope = await scopeOf(await loadFrom(options));
  switch (format) {
    case "flags":
      console.log(renderFlags(scope).join("\n"));
      return 0;
    case "json":
      console.log(renderJson(scope));
      return 0;
    default:
      throw new AgentError(`permissions: there is no format "${format}"; flags and json are`, {
        kind: "usage",
      });
  }
}
