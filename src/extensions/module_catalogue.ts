import { join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import type { ExtensionsConfig, PathsConfig } from "../config/agent_config.ts";
import {
  moduleAbilities,
  type ModuleAbility,
  type ModuleGrants,
  type ModuleManifest,
  type ModulePermission,
  modulePermissions,
  parseManifest,
} from "./module_manifest.ts";
import { isWithheld } from "./module_values.ts";

/** A module that may run. */
export interface AllowedModule extends ModuleManifest {
  /** Absolute path of its folder. */
  readonly dir: string;
}

/** The modules of a home. */
export interface ModuleSet {
  /** Those that may run, by name. */
  readonly modules: readonly AllowedModule[];
  /** Why others that the operator allowed cannot; one line each. */
  readonly problems: readonly string[];
  /** What the modules that may run are granted, all together. */
  readonly grants: ModuleGrants;
}

/** Where modules are looked for, and what they must keep away from. */
export type ModulePaths = Pick<
  PathsConfig,
  "extensionsDir" | "launcher" | "stateDir" | "agentConf" | "launchParams" | "terminatorFile"
>;

/** What {@link findModules} needs. */
export interface ModuleSearch {
  readonly config: Pick<ExtensionsConfig, "allowedModules">;
  readonly paths: ModulePaths;
  /** Events that extensions can be installed for. */
  readonly events: readonly string[];
}

type Allowable = ModulePermission | ModuleAbility;

const allowables: readonly Allowable[] = [...modulePermissions, ...moduleAbilities];
const setting = "extension.modules.allow";
const longestManifest = 64 * 1024;
const noGrants: ModuleGrants = { net: [], read: [], write: [], env: [] };

/**
 * Reads the manifests of the modules that the operator allows; no other file is looked at.
 *
 * The setting `extension.modules.allow` names a module to let it run without any permission, and
 * `module:permission` to give it what its manifest asks for of that kind. A module that asks for more
 * does not run: one that half works is worse.
 *
 * @throws AgentError `configuration` when the setting itself is wrong, or when two modules provide
 *   what only one can; it names both.
 */
export async function findModules({ config, paths, events }: ModuleSearch): Promise<ModuleSet> {
  const allowed = allowedPermissions(config.allowedModules);
  const modules: AllowedModule[] = [];
  const problems: string[] = [];
  for (const [name, permissions] of [...allowed].sort(([a], [b]) => a < b ? -1 : 1)) {
    const dir = join(paths.extensionsDir, "modules", name);
    const found = await readManifest(dir, name, events);
    const faults = "problems" in found
      ? found.problems
      : [...lacking(found.manifest, permissions), ...outOfBounds(found.manifest, dir, paths)];
    if ("manifest" in found && faults.length === 0) modules.push({ ...found.manifest, dir });
    problems.push(...faults.map((fault) => `extension module ${name} does not run: ${fault}`));
  }
  refuseSharedPoints(modules);
  const all = (permission: ModulePermission) => modules.flatMap(({ asks }) => asks[permission]);
  const grants = Object.fromEntries(
    modulePermissions.map((permission) => [permission, all(permission)]),
  ) as unknown as ModuleGrants;
  return { modules, problems, grants: { ...noGrants, ...grants } };
}

/** @throws AgentError `configuration`. */
function allowedPermissions(
  items: readonly string[],
): ReadonlyMap<string, ReadonlySet<Allowable>> {
  const allowed = new Map<string, Set<Allowable>>();
  for (const item of items) {
    const [name = "", wanted] = item.split(/:(.*)/s);
    const permissions = allowed.get(name) ?? new Set();
    allowed.set(name, permissions);
    if (wanted === undefined) continue;
    const permission = allowables.find((one) => one === wanted);
    if (!permission) {
      throw cannot(
        "use the setting",
        setting,
        `"${item}" names no permission; ${allowables.join(", ")} are`,
        { kind: "configuration" },
      );
    }
    permissions.add(permission);
  }
  return allowed;
}

async function readManifest(dir: string, name: string, events: readonly string[]) {
  const path = join(dir, "module.json");
  try {
    const { size } = await Deno.stat(path);
    if (size > longestManifest) return { problems: [`${path} is larger than 64 KiB`] };
    const parsed = parseManifest(await Deno.readTextFile(path), { dir, name, events });
    if ("manifest" in parsed) return parsed;
    return { problems: parsed.problems.map((problem) => `${path}: ${problem}`) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { problems: [`there is no ${path}`] };
    return { problems: [reasonOf(error)] };
  }
}

function lacking(
  { name, asks, abilities }: ModuleManifest,
  allowed: ReadonlySet<Allowable>,
): readonly string[] {
  const remedy = (wanted: Allowable) => `add ${name}:${wanted} to ${setting} to allow that`;
  return [
    ...modulePermissions
      .filter((permission) => asks[permission].length > 0 && !allowed.has(permission))
      .map((permission) =>
        `it asks for ${permission} (${asks[permission].join(", ")}); ${remedy(permission)}`
      ),
    ...abilities.filter((ability) => !allowed.has(ability))
      .map((ability) => `it asks for ${ability}; ${remedy(ability)}`),
  ];
}

/** What no module gets, whoever allows it: the agent's secrets and state, and other people's code. */
function outOfBounds(
  { asks, entry }: ModuleManifest,
  dir: string,
  paths: ModulePaths,
): readonly string[] {
  const { stateDir, agentConf, launchParams, extensionsDir, launcher, terminatorFile } = paths;
  const secret = [stateDir, agentConf, launchParams].filter((path) => path !== undefined);
  const code = [extensionsDir, launcher, join(dir, "module.json"), entry, terminatorFile];
  const isOwn = (path: string) =>
    path.startsWith(`${dir}/`) && !entry.startsWith(`${path}/`) &&
    path !== entry && path !== join(dir, "module.json");
  const refused = (permission: "read" | "write", guarded: readonly string[]) =>
    asks[permission].filter((path) => guarded.some((other) => overlaps(path, other)))
      .map((path) => `it asks to ${permission} ${path}, which belongs to the agent`);
  return [
    ...refused("read", secret),
    ...refused("write", secret),
    ...asks.write
      .filter((path) => code.some((other) => overlaps(path, other)) && !isOwn(path))
      .map((path) => `it asks to write ${path}, where code of extensions lies`),
    ...asks.env.filter((name) => isWithheld(name))
      .map((name) => `it asks for the variable ${name}, which belongs to the agent`),
  ];
}

function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

/** @throws AgentError `configuration` that names both. */
function refuseSharedPoints(modules: readonly AllowedModule[]): void {
  const providers = new Map<string, string>();
  for (const { name, provides } of modules) {
    for (const point of provides) {
      const other = providers.get(point);
      if (other !== undefined) {
        throw cannot(
          "use the setting",
          setting,
          `the modules "${other}" and "${name}" both provide ${point}; only one of them can`,
          { kind: "configuration", data: { point, modules: [other, name] } },
        );
      }
      providers.set(point, name);
    }
  }
}
