import { AgentError } from "../base/errors.ts";
import { renderCompile, renderFlags, renderJson } from "../scope/render_scope.ts";
import { renderSystemd } from "../scope/render_systemd.ts";
import type { RuntimeScope } from "../scope/runtime_scope.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom, scopeOf } from "./load.ts";

const formats = {
  flags: (scope) => renderFlags(scope).join("\n"),
  compile: (scope) => renderCompile(scope).join("\n"),
  json: renderJson,
  systemd: (scope) => renderSystemd(scope).join("\n"),
} as const satisfies Readonly<Record<string, (scope: RuntimeScope) => string>>;

/** Prints the permissions that the configuration needs: flags one a line, JSON, or directives. */
export async function permissionsCommand(args: string[]): Promise<number> {
  const options = parseOptions("permissions", args, {
    ...configurationOptions,
    format: { type: "string" },
  });
  const format = String(options.values.format ?? "flags");
  if (!Object.hasOwn(formats, format)) {
    const known = Object.keys(formats).join(", ");
    throw new AgentError(`permissions: there is no format "${format}"; there are: ${known}`, {
      kind: "usage",
    });
  }
  const scope = await scopeOf(await loadFrom(options));
  console.log(formats[format as keyof typeof formats](scope));
  return 0;
}
