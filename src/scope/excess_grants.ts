import { dirname } from "node:path";
import type { RuntimeScope } from "./runtime_scope.ts";

type Descriptor = Deno.PermissionDescriptor;
type SystemInterface = NonNullable<Deno.SysPermissionDescriptor["kind"]>;

/** Nobody has it: documentation addresses lead nowhere, and the port is that of no protocol here. */
const strangeHost = "192.0.2.1:9";
const strangeName = "CARTRIDGE_AGENT_NOBODY_SETS_THIS";
const systemInterfaces: readonly SystemInterface[] = [
  "loadavg",
  "hostname",
  "systemMemoryInfo",
  "networkInterfaces",
  "osRelease",
  "osUptime",
  "uid",
  "gid",
];

/**
 * Kinds of permission of which this process has more than a scope; empty when it has exactly that.
 *
 * Deno does not list what it granted, so samples are asked for: something that no scope holds, every
 * directory above those of the scope, other ports of its hosts. What was granted one by one beyond
 * the scope, such as a further host, can go unnoticed; what is given wholesale cannot.
 */
export async function excessGrants(scope: RuntimeScope): Promise<readonly string[]> {
  const samples: readonly (readonly [string, readonly Descriptor[]])[] = [
    ["net", [strangeHost, ...otherPorts(scope.net)].map((host) => ({ name: "net", host }))],
    ["read", above(scope.read).map((path) => ({ name: "read", path }))],
    ["write", above(scope.write).map((path) => ({ name: "write", path }))],
    ["run", [{ name: "run" }]],
    [
      "sys",
      systemInterfaces.filter((kind) => !scope.sys.includes(kind))
        .map((kind) => ({ name: "sys", kind })),
    ],
    ["env", [{ name: "env", variable: strangeName }]],
    ["ffi", [{ name: "ffi" }]],
  ];
  const excess: string[] = [];
  for (const [name, descriptors] of samples) {
    if (await isAnyGranted(descriptors)) excess.push(name);
  }
  return excess;
}

async function isAnyGranted(descriptors: readonly Descriptor[]): Promise<boolean> {
  for (const descriptor of descriptors) {
    const { state } = await Deno.permissions.query(descriptor);
    if (state === "granted") return true;
  }
  return false;
}

/** Hosts alone: a permission without a port is one for all of them. */
function otherPorts(net: readonly string[]): readonly string[] {
  return net.filter((grant) => !grant.startsWith("*.") && !grant.startsWith("unix:"))
    .map((grant) => grant.slice(0, grant.lastIndexOf(":")))
    .filter((host) => host !== "");
}

/** All directories above, up to the root. */
function above(paths: readonly string[]): readonly string[] {
  const found = new Set<string>(["/"]);
  for (const path of paths) {
    for (let parent = dirname(path); !found.has(parent); parent = dirname(parent)) {
      found.add(parent);
    }
  }
  // A directory that belongs to the scope itself is no excess.
  return [...found].filter((path) =>
    !paths.some((own) => own === path || path.startsWith(`${own}/`))
  );
}
