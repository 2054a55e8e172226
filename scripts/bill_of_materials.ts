/**
 * The software bill of materials: what a program consists of, in the CycloneDX 1.6 format. Libraries
 * are those of the lock file; what only tests use is left out.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** What is read of a lock file of Deno. */
export interface LockFile {
  /** Specifier, such as `npm:mqtt@5.16.0`, to the version chosen for it. */
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  /** As in `sha512-…`, with the digest in base64. */
  readonly integrity: string;
  /** Names, with the version where the lock file holds several. */
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

/** What the bill is made for. */
export interface BilledProgram {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** The version of Deno that runs it. */
  readonly denoVersion: string;
  /** The specifiers of its own imports. */
  readonly imports: readonly string[];
}

/** The parts of the format that are written here. */
export interface BillOfMaterials {
  readonly $schema: string;
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Component {
  readonly type: "application" | "library" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly group?: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly { readonly license: { readonly id: string } }[];
}

/** Makes the bill: the same program and lock file give the same one. */
export function billOfMaterials(program: BilledProgram, lock: LockFile): BillOfMaterials {
  const direct = program.imports.map((specifier) => {
    const version = lock.specifiers[specifier];
    if (version === undefined) throw new Error(`the lock file does not know ${specifier}`);
    return `${nameOf(specifier.replace(/^npm:/, ""))}@${version}`;
  });
  const reached = new Map<string, readonly string[]>();
  const waiting = [...direct];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (reached.has(key)) continue;
    const { dependencies = [], optionalDependencies = [] } = locked(key, lock);
    const needed = [...dependencies, ...optionalDependencies].map((name) => keyOf(name, lock));
    reached.set(key, needed);
    waiting.push(...needed);
  }
  const deno: Component = {
    type: "platform",
    "bom-ref": `pkg:github/denoland/deno@v${program.denoVersion}`,
    name: "deno",
    version: program.denoVersion,
    purl: `pkg:github/denoland/deno@v${program.denoVersion}`,
    licenses: [{ license: { id: "MIT" } }],
  };
  const own: Component = {
    type: "application",
    "bom-ref": `pkg:generic/${program.name}@${program.version}`,
    name: program.name,
    version: program.version,
    purl: `pkg:generic/${program.name}@${program.version}`,
    licenses: [{ license: { id: program.licence } }],
  };
  const keys = [...reached.keys()].sort();
  const refs = (of: readonly string[]) => [...new Set(of.map(reference))].sort();
  const body = {
    version: 1,
    metadata: { component: own },
    components: [deno, ...keys.map((key) => component(key, lock))],
    dependencies: [
      { ref: own["bom-ref"], dependsOn: [deno["bom-ref"], ...refs(direct)] },
      { ref: deno["bom-ref"], dependsOn: [] },
      ...keys.map((key) => ({ ref: reference(key), dependsOn: refs(reached.get(key)!) })),
    ],
  } as const;
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: serialNumber(JSON.stringify(body)),
    ...body,
  };
}

/** The key of the lock file for a dependency, whose version is left out where there is only one. */
function keyOf(dependency: string, { npm }: LockFile): string {
  if (dependency in npm) return dependency;
  const name = nameOf(dependency);
  const found = Object.keys(npm).filter((key) =>
    nameOf(key) === name && (dependency === name || key.startsWith(`${dependency}_`))
  );
  if (found.length !== 1) throw new Error(`the lock file holds ${found.length} of ${dependency}`);
  return found[0]!;
}

function locked(key: string, { npm }: LockFile): LockedPackage {
  return npm[key] ?? (() => {
    throw new Error(`the lock file does not hold ${key}`);
  })();
}

function component(key: string, lock: LockFile): Component {
  const [group, name] = nameOf(key).startsWith("@") ? nameOf(key).split("/") : [, nameOf(key)];
  const [, digest] = locked(key, lock).integrity.split("sha512-");
  if (digest === undefined) throw new Error(`${key} has no SHA-512 in the lock file`);
  return {
    type: "library",
    "bom-ref": reference(key),
    ...group === undefined ? {} : { group },
    name: name!,
    version: versionOf(key),
    purl: purlOf(key),
    hashes: [{ alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") }],
  };
}

/** Unique even where one version is there twice, with other peers. */
function reference(key: string): string {
  const peers = key.slice(nameOf(key).length + 1 + versionOf(key).length);
  return peers === "" ? purlOf(key) : `${purlOf(key)}#${peers.slice(1)}`;
}

function purlOf(key: string): string {
  return `pkg:npm/${nameOf(key).replace("@", "%40")}@${versionOf(key)}`;
}

/** The package's name, of a key of the lock file or a specifier without `npm:`. */
function nameOf(key: string): string {
  const at = key.indexOf("@", 1);
  return at < 0 ? key : key.slice(0, at);
}

/** The version alone: what follows an underscore are the peers that were chosen for it. */
function versionOf(key: string): string {
  return key.slice(nameOf(key).length + 1).split("_")[0]!;
}

/** A UUID made of the content. */
function serialNumber(content: string): string {
  const hex = createHash("sha256").update(content).digest("hex");
  const variant = (8 | (parseInt(hex[16]!, 16) & 3)).toString(16);
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${groups.join("-")}`;
}
