import assert from "node:assert/strict";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The rooms of `src/` and whom each may import at run time, besides itself; `types` allows the types
 * of the resolved configuration (`import type` from `config/agent_config.ts`). A row of "everything"
 * names its exceptions.
 */
const rooms: Readonly<Record<string, Row>> = {
  base: { may: [] },
  config: { may: ["base"] },
  scope: { may: ["base"], types: true },
  logging: { may: ["base"], types: true },
  broker: { may: ["base"], types: true },
  events: { may: ["base"] },
  topology: { may: ["base", "events"] },
  lifecycle: { may: ["base", "events", "topology"], types: true },
  extensions: { may: ["base"], types: true },
  git: { may: ["base"] },
  artifacts: { may: ["base", "git"], types: true },
  followers: { may: ["base"] },
  cep: { may: ["base", "followers"], types: true },
  metadata: { may: ["base"] },
  status: { may: ["base"], types: true },
  telemetry: { may: ["base", "lifecycle"] },
  agent: { everythingBut: ["cli", "sandbox"] },
  sandbox: { everythingBut: ["cli"] },
  cli: { everythingBut: [] },
};

type Row =
  | { readonly may: readonly string[]; readonly types?: boolean }
  | { readonly everythingBut: readonly string[] };

const configTypes = "src/config/agent_config.ts";
const longestFile = 300;
const emptyName = /(^|_)(utils?|helpers?|common|managers?|impl|misc)(_|$)/;
const snakeCase = /^[a-z0-9]+(_[a-z0-9]+)*$/;
/** Rooms without clock, chance, input and output. */
const pureRooms = ["events", "topology", "lifecycle"];
const impure =
  /\b(Deno\.|Date\.now\(|Math\.random\(|performance\.|setTimeout\(|setInterval\(|fetch\()/;
const consoleRooms = ["cli", "sandbox", "logging"];

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

interface SourceFile {
  /** From the project's root, e.g. `src/base/log.ts`. */
  readonly path: string;
  readonly lines: number;
  /** The text without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const stringsAndComments =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

function sourceFile(path: string, text: string): SourceFile {
  const code = text.replaceAll(stringsAndComments, (_, string) => string ?? "");
  const imports: Import[] = [];
  const add = (pattern: RegExp) => {
    for (const { 1: clause = "", 2: specifier = "" } of code.matchAll(pattern)) {
      const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1]?.split(",").filter((n) => n.trim());
      const allTypes = names !== undefined && names.length > 0 &&
        names.every((name) => /^\s*type\s/.test(name));
      imports.push({ specifier, typeOnly: /^\s*type\s/.test(clause) || allTypes });
    }
  };
  add(/^\s*(?:import|export)\b([^;"'`]*?)\bfrom\s*["']([^"']+)["']/gm);
  add(/^\s*(import)\s*["']([^"']+)["']/gm);
  add(/\b(import)\(\s*["'`]([^"'`]+)["'`]/g);
  // Modules of workers are named this way.
  add(/\b(new URL)\(\s*["'](\.[^"']+\.ts)["'],\s*import\.meta\.url\s*\)/g);
  const lines = text.replace(/\n$/, "").split("\n").length;
  return { path, lines, code, imports };
}

function roomOf(path: string): string {
  return path.startsWith("src/") ? path.split("/")[1] ?? "" : "";
}

/** Every violation in words, each with the file that commits it. */
function violations(sources: Readonly<Record<string, string>>): readonly string[] {
  const files = Object.entries(sources).map(([path, text]) => sourceFile(path, text));
  return [
    ...files.flatMap(arrowViolations),
    ...files.flatMap(specifierViolations),
    ...files.flatMap(textViolations),
    ...files.flatMap(nameViolations),
    ...adapterViolations(files),
  ].sort();
}

function arrowViolations({ path, imports }: SourceFile): string[] {
  const room = roomOf(path);
  if (room === "") return [];
  const row = rooms[room];
  if (row === undefined || path.split("/").length < 3) return [`${path}: lives in no known room`];
  return imports.flatMap(({ specifier, typeOnly }) => {
    if (!specifier.startsWith(".")) return [];
    const target = normalize(join(dirname(path), specifier));
    const other = roomOf(target);
    if (other === room) return [];
    // The version stands in one place.
    if (room === "cli" && target === "deno.json") return [];
    if (other === "") return [`${path}: imports ${target}, which is outside of src/`];
    if ("everythingBut" in row) {
      return row.everythingBut.includes(other) ? [`${path}: ${room} may not import ${target}`] : [];
    }
    if (row.may.includes(other)) return [];
    if (row.types && target === configTypes) {
      return typeOnly ? [] : [`${path}: ${room} may import only types from ${target}`];
    }
    return [`${path}: ${room} may not import ${target}`];
  });
}

function specifierViolations({ path, imports }: SourceFile): string[] {
  return imports.flatMap(({ specifier }) =>
    /^(jsr|https?|npm|data|blob):/.test(specifier)
      ? [`${path}: imports "${specifier}"; libraries are named in deno.json`]
      : []
  );
}

function textViolations({ path, lines, code }: SourceFile): string[] {
  const room = roomOf(path);
  const found = pureRooms.includes(room) ? impure.exec(code)?.[1] : undefined;
  const usesConsole = room !== "" && !consoleRooms.includes(room) && /\bconsole\./.test(code);
  return [
    ...lines > longestFile ? [`${path}: has ${lines} lines, more than ${longestFile}`] : [],
    ...found === undefined ? [] : [`${path}: uses ${found} in a pure room`],
    ...usesConsole ? [`${path}: writes to the console; rooms get a Log`] : [],
  ];
}

function nameViolations({ path }: SourceFile): string[] {
  const parts = path.replace(/\.ts$/, "").split("/");
  return parts.flatMap((part) => {
    if (!snakeCase.test(part)) return [`${path}: "${part}" is not in snake_case`];
    return emptyName.test(part) ? [`${path}: "${part}" says nothing about what is in it`] : [];
  });
}

/** Each library has one adapter file; the sandbox, being the other side, may have its own. */
function adapterViolations(files: readonly SourceFile[]): string[] {
  const users = new Map<string, string[]>();
  for (const { path, imports } of files) {
    const side = roomOf(path) === "sandbox" ? "sandbox" : "agent";
    for (const { specifier } of imports) {
      if (/^(\.|node:|[a-z]+:)/.test(specifier)) continue;
      const library = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
      const key = `${library} (${side})`;
      users.set(key, [...users.get(key) ?? [], path].filter((p, i, all) => all.indexOf(p) === i));
    }
  }
  return [...users].flatMap(([library, paths]) =>
    paths.length > 1 ? [`${paths.join(", ")}: import ${library}; one adapter file does`] : []
  );
}

async function readSources(): Promise<Record<string, string>> {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const sources: Record<string, string> = {};
  const read = async (directory: string) => {
    for await (const entry of Deno.readDir(directory)) {
      const path = join(directory, entry.name);
      if (entry.isDirectory) await read(path);
      else if (/\.[jt]sx?$/.test(path)) {
        sources[relative(root, path)] = await Deno.readTextFile(path);
      }
    }
  };
  await read(join(root, "src"));
  sources["main.ts"] = await Deno.readTextFile(join(root, "main.ts"));
  return sources;
}

Deno.test("architecture: has no violation", async () => {
  const sources = await readSources();
  assert.ok(Object.keys(sources).length > 50);
  const found = violations(sources);
  assert.equal(found.length, 0, `${found.length} violations:\n${found.join("\n")}`);
});

const samples: readonly [string, Record<string, string>, readonly string[]][] = [
  [
    "an arrow against the table",
    { "src/topology/a.ts": 'import { x } from "../lifecycle/step.ts";\n' },
    ["src/topology/a.ts: topology may not import src/lifecycle/step.ts"],
  ],
  [
    "an arrow out of base, over several lines, exported",
    { "src/base/a.ts": 'export {\n  x,\n  y,\n} from "../events/b.ts";\n' },
    ["src/base/a.ts: base may not import src/events/b.ts"],
  ],
  [
    "a dynamic import, a bare import and a worker",
    {
      "src/cep/a.ts": 'import "../broker/b.ts";\nawait import("../config/c.ts");\n' +
        'new Worker(new URL("../artifacts/d.ts", import.meta.url));\n',
    },
    [
      "src/cep/a.ts: cep may not import src/artifacts/d.ts",
      "src/cep/a.ts: cep may not import src/broker/b.ts",
      "src/cep/a.ts: cep may not import src/config/c.ts",
    ],
  ],
  [
    "a value from the types of the configuration",
    {
      "src/broker/a.ts": 'import { type A, b } from "../config/agent_config.ts";\n',
      "src/cep/a.ts": 'import { type A, type B } from "../config/agent_config.ts";\n',
      "src/scope/a.ts": 'import type { A } from "../config/agent_config.ts";\n',
      "src/events/a.ts": 'import type { A } from "../config/agent_config.ts";\n',
    },
    [
      "src/broker/a.ts: broker may import only types from src/config/agent_config.ts",
      "src/events/a.ts: events may not import src/config/agent_config.ts",
    ],
  ],
  [
    "the rooms that may import nearly everything",
    {
      "src/agent/a.ts": 'import { x } from "../sandbox/b.ts";\nimport { y } from "../cep/c.ts";\n',
      "src/sandbox/a.ts": 'import { x } from "../cli/b.ts";\nimport { y } from "../agent/c.ts";\n',
      "src/cli/a.ts": 'import { x } from "../sandbox/b.ts";\n',
      "main.ts": 'import { x } from "./src/cli/b.ts";\n',
    },
    [
      "src/agent/a.ts: agent may not import src/sandbox/b.ts",
      "src/sandbox/a.ts: sandbox may not import src/cli/b.ts",
    ],
  ],
  [
    "files that are in no room",
    {
      "src/a.ts": "",
      "src/attic/b.ts": "",
      "src/base/c.ts": 'import { x } from "../../tests/d.ts";\n',
    },
    [
      "src/a.ts: lives in no known room",
      "src/attic/b.ts: lives in no known room",
      "src/base/c.ts: imports tests/d.ts, which is outside of src/",
    ],
  ],
  [
    "imports that deno.json does not know",
    { "src/cli/a.ts": 'import x from "jsr:@a/b";\nimport y from "https://h/y.ts";\n' },
    [
      'src/cli/a.ts: imports "https://h/y.ts"; libraries are named in deno.json',
      'src/cli/a.ts: imports "jsr:@a/b"; libraries are named in deno.json',
    ],
  ],
  [
    "a library in two files of the agent, not one in the agent and one in the sandbox",
    {
      "src/broker/a.ts": 'import mqtt from "mqtt";\n',
      "src/broker/b.ts": 'import type { C } from "mqtt/c";\nimport { d } from "node:net";\n',
      "src/cep/c.ts": 'import x from "@scope/library";\n',
      "src/sandbox/c.ts": 'import x from "@scope/library/part";\n',
    },
    ["src/broker/a.ts, src/broker/b.ts: import mqtt (agent); one adapter file does"],
  ],
  [
    "impurity in the core, but not in its comments",
    {
      "src/events/a.ts": "// Deno.env\n/* Deno.env */ const x = 1;\n",
      "src/lifecycle/b.ts": "const x = Deno.pid;\n",
      "src/topology/c.ts": "const x = Date.now();\n",
    },
    [
      "src/lifecycle/b.ts: uses Deno. in a pure room",
      "src/topology/c.ts: uses Date.now( in a pure room",
    ],
  ],
  [
    "the console, but not in the rooms that own it",
    {
      "src/cep/a.ts": 'console.log("x");\n',
      "src/cli/a.ts": 'console.log("x");\n',
      "src/logging/a.ts": 'console.log("x");\n',
    },
    ["src/cep/a.ts: writes to the console; rooms get a Log"],
  ],
  [
    "names that say nothing, and not in snake_case",
    { "src/base/string_utils.ts": "", "src/cep/MyFile.ts": "", "src/cep/common/b.ts": "" },
    [
      'src/base/string_utils.ts: "string_utils" says nothing about what is in it',
      'src/cep/MyFile.ts: "MyFile" is not in snake_case',
      'src/cep/common/b.ts: "common" says nothing about what is in it',
    ],
  ],
  [
    "files that are too long",
    { "src/base/a.ts": "x;\n".repeat(300), "src/base/b.ts": "x;\n".repeat(301) },
    ["src/base/b.ts: has 301 lines, more than 300"],
  ],
];

for (const [title, sources, expected] of samples) {
  Deno.test(`architecture: is violated by ${title}`, () => {
    assert.deepEqual(violations(sources), expected);
  });
}
