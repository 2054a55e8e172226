import { flag } from "./render_scope.ts";
import type { RuntimeScope } from "./runtime_scope.ts";

/**
 * The flags that this process lacks for a scope, all at once; empty when it may do everything in it.
 *
 * What is granted beyond the scope is not reported.
 */
export async function missingGrants(scope: RuntimeScope): Promise<readonly string[]> {
  const kinds: readonly [string, readonly string[], (value: string) => Descriptor][] = [
    ["--allow-net", scope.net, (value) => ({ name: "net", host: sampleHost(value) })],
    ["--allow-read", scope.read, (path) => ({ name: "read", path })],
    ["--allow-write", scope.write, (path) => ({ name: "write", path })],
    ["--allow-run", scope.run, (command) => ({ name: "run", command })],
    ["--allow-sys", scope.sys, (kind) => ({ name: "sys", kind: kind as SystemInterface })],
    ["--allow-env", scope.env, (variable) => ({ name: "env", variable })],
  ];
  const missing: string[] = [];
  for (const [name, values, descriptor] of kinds) {
    const refused: string[] = [];
    for (const value of values) {
      if (!await granted(descriptor(value))) refused.push(value);
    }
    missing.push(...flag(name, refused));
  }
  return missing;
}

type Descriptor = Deno.PermissionDescriptor;
type SystemInterface = NonNullable<Deno.SysPermissionDescriptor["kind"]>;

async function granted(descriptor: Descriptor): Promise<boolean> {
  const status = await Deno.permissions.query(descriptor);
  // Partial: granted, but something below is denied.
  return status.state === "granted" && !status.partial;
}

/** Deno answers for a host only; a wildcard is asked for by a name that it must cover. */
function sampleHost(grant: string): string {
  return grant.startsWith("*.") ? `any-name-below${grant.slice(1)}` : grant;
}
