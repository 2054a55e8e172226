import { isIPv6 } from "node:net";
import { join, normalize, resolve } from "node:path";

/** What of the machine a module may ask for. */
export type ModulePermission = "net" | "read" | "write" | "env";

/** All of {@link ModulePermission}. */
export const modulePermissions: readonly ModulePermission[] = ["net", "read", "write", "env"];

/** What of the agent a module may ask for: to be told repository passwords, to use the metadata service. */
export type ModuleAbility = "credentials" | "metadata";

/** All of {@link ModuleAbility}. */
export const moduleAbilities: readonly ModuleAbility[] = ["credentials", "metadata"];

/** Values of Deno's permission flags, by permission; paths absolute. */
export type ModuleGrants = Readonly<Record<ModulePermission, readonly string[]>>;

/** What only one module can provide, in place of or beside the agent's own. */
export type PlugInPoint = "health" | "artifactCheckout" | "artifactCommit";

/** All of {@link PlugInPoint}. */
export const plugInPoints: readonly PlugInPoint[] = [
  "health",
  "artifactCheckout",
  "artifactCommit",
];

/** A `module.json` that is right. */
export interface ModuleManifest {
  readonly name: string;
  /** Absolute path of the entry file. */
  readonly entry: string;
  readonly events: readonly string[];
  readonly provides: readonly PlugInPoint[];
  readonly asks: ModuleGrants;
  readonly abilities: readonly ModuleAbility[];
  /** Limit of one call. */
  readonly timeoutMs: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** What a manifest is checked against. */
export interface ManifestSurroundings {
  /** Absolute path of the module's folder; its last part is the module's name. */
  readonly dir: string;
  readonly name: string;
  /** Events that extensions can be installed for. */
  readonly events: readonly string[];
}

const artifactPoints: readonly PlugInPoint[] = ["artifactCheckout", "artifactCommit"];
const keys = ["name", "entry", "events", "provides", "permissions", "timeoutSeconds", "settings"];
const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const hostPort = new RegExp(`^(?:\\[([0-9a-f:.]+)\\]|((?:${label}\\.)*${label})):([0-9]{1,5})$`);
const defaultTimeoutSeconds = 30;
const longestTimeoutSeconds = 3600;
const mostEntries = 64;
const longestText = 4096;

/**
 * Reads a manifest; unknown keys are problems, like everything else that is not as it must be.
 *
 * @returns The manifest, or every problem at once.
 */
export function parseManifest(
  text: string,
  { dir, name, events }: ManifestSurroundings,
): { readonly manifest: ModuleManifest } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const json = parseObject(text);
  if (!json) return { problems: ["it is not a JSON object"] };
  for (const key of Object.keys(json)) {
    if (!keys.includes(key)) problems.push(`"${key}" is not known; known are ${keys.join(", ")}`);
  }
  if (json["name"] !== name) problems.push(`"name" must be the folder's name, "${name}"`);

  const subscribed = texts("events", json["events"] ?? [], problems);
  for (const event of subscribed) {
    if (!events.includes(event)) problems.push(`"events": there is no event "${event}"`);
  }
  const provides = texts("provides", json["provides"] ?? [], problems);
  for (const point of provides) {
    if (!plugInPoints.some((known) => known === point)) {
      problems.push(`"provides": "${point}" is not known; known are ${plugInPoints.join(", ")}`);
    }
  }
  if (subscribed.length + provides.length === 0) {
    problems.push('it needs "events", "provides" or both');
  }

  const { entry } = json;
  const path = typeof entry === "string" ? inside(dir, entry) : undefined;
  if (path === undefined || !/\.[jt]s$/.test(path)) {
    problems.push('"entry" must be a .ts or .js file inside the module\'s folder');
  }
  const timeout = json["timeoutSeconds"] ?? defaultTimeoutSeconds;
  if (typeof timeout !== "number" || !(timeout > 0 && timeout <= longestTimeoutSeconds)) {
    problems.push(`"timeoutSeconds" must be a number from 0 to ${longestTimeoutSeconds}`);
  }
  const settings = json["settings"] ?? {};
  if (!isObject(settings) || !Object.values(settings).every(isText)) {
    problems.push('"settings" must be an object of texts');
  }
  const { asks, abilities } = readAsks(json["permissions"] ?? {}, dir, problems);
  if (
    abilities.includes("credentials") && !artifactPoints.some((point) => provides.includes(point))
  ) {
    problems.push(
      '"credentials" are told only who provides "artifactCheckout" or "artifactCommit"',
    );
  }
  if (problems.length > 0) return { problems };
  return {
    manifest: {
      name,
      entry: path!,
      events: subscribed,
      provides: provides as PlugInPoint[],
      asks,
      abilities,
      timeoutMs: (timeout as number) * 1000,
      settings: settings as Record<string, string>,
    },
  };
}

interface Asked {
  readonly asks: ModuleGrants;
  readonly abilities: readonly ModuleAbility[];
}

function readAsks(given: unknown, dir: string, problems: string[]): Asked {
  const asks = { net: [], read: [], write: [], env: [] } as Record<ModulePermission, string[]>;
  const abilities: ModuleAbility[] = [];
  if (!isObject(given)) {
    problems.push('"permissions" must be an object');
    return { asks, abilities };
  }
  for (const [key, value] of Object.entries(given)) {
    const ability = moduleAbilities.find((one) => one === key);
    if (ability) {
      if (value === true) abilities.push(ability);
      else if (value !== false) problems.push(`"permissions.${key}" must be true or false`);
      continue;
    }
    const permission = modulePermissions.find((one) => one === key);
    if (!permission) {
      const known = [...modulePermissions, ...moduleAbilities].join(", ");
      problems.push(`"permissions": "${key}" cannot be asked for, only ${known}`);
      continue;
    }
    for (const item of texts(`permissions.${key}`, value, problems)) {
      const granted = readers[permission](item, dir);
      if (granted !== undefined) asks[permission].push(granted);
      else problems.push(`"permissions.${key}": "${item}" must be ${expected[permission]}`);
    }
  }
  return { asks, abilities };
}

/** Each gives the value of Deno's flag, or nothing when it is not what it must be. */
const readers: Readonly<
  Record<ModulePermission, (item: string, dir: string) => string | undefined>
> = {
  net: (item) => {
    const [, ipv6, , port] = hostPort.exec(item) ?? [];
    const isPort = Number(port) >= 1 && Number(port) <= 65_535;
    return isPort && (ipv6 === undefined || isIPv6(ipv6)) ? item : undefined;
  },
  read: pathAsked,
  write: pathAsked,
  env: (item) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(item) ? item : undefined,
};

const expected: Readonly<Record<ModulePermission, string>> = {
  net: "host:port in lower case, IPv6 in brackets",
  read: "an absolute path, or one inside the module's folder",
  write: "an absolute path, or one inside the module's folder",
  env: "the name of a variable",
};

function pathAsked(item: string, dir: string): string | undefined {
  // deno-lint-ignore no-control-regex
  if (item === "" || /[,\u0000-\u001f]/.test(item)) return undefined;
  if (!item.startsWith("/")) return inside(dir, item);
  const path = resolve(item);
  return path === "/" ? undefined : path;
}

/** An absolute path for a relative one that stays inside, and is not, the folder. */
function inside(dir: string, relative: string): string | undefined {
  if (relative === "" || relative.startsWith("/") || relative.includes("\0")) return undefined;
  const path = normalize(join(dir, relative)).replace(/\/$/, "");
  return path.startsWith(`${dir}/`) ? path : undefined;
}

function texts(key: string, value: unknown, problems: string[]): readonly string[] {
  if (Array.isArray(value) && value.length <= mostEntries && value.every(isText)) {
    return [...new Set<string>(value)];
  }
  problems.push(`"${key}" must be a list of at most ${mostEntries} texts`);
  return [];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= longestText;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
