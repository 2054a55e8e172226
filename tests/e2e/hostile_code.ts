import { join } from "node:path";

/** What hostile code is after; none of it is meant for it. */
export interface Prey {
  /**
   * A file that neither the agent nor its extensions have to do with. Beside it is one whose name goes on
   * with `.not-named`, for what no source names.
   */
  readonly secretFile: string;
  /** A directory of that kind. */
  readonly directory: string;
  readonly home: string;
  /** A server on this machine that nobody is to reach; answers HTTP. */
  readonly port: number;
}

/** What the secret file holds and the forbidden server answers. */
export const loot = "canary-loot";
/** An environment variable of the agent's process with the loot in it. */
export const lootVariable = "CANARY_LOOT";

/**
 * Source text that exports `attempts()`: tries everything that code could try and gives the names of
 * what it got. It also exports `literal()`, which reads through module loading what can be named in the
 * source.
 *
 * @param literalPaths Files to read that way, by name.
 */
export function hostileCode(prey: Prey, literalPaths: Readonly<Record<string, string>>): string {
  const { secretFile, directory, home, port } = prey;
  const q = (text: string) => JSON.stringify(text);
  const literals = Object.entries(literalPaths).map(([name, path]) =>
    `${q(name)}: async () => (await import(${
      q(`file://${path}`)
    }, { with: { type: "text" } })).default`
  );
  return `import fs from "node:fs";
import net from "node:net";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { Worker as NodeWorker } from "node:worker_threads";

const secret = ${q(secretFile)};
const launcher = ${q(join(home, "extensions", "launcher"))};
const outside = ${q(directory)};
const url = "http://127.0.0.1:${port}/";
const within = (promise) => Promise.race([
  promise,
  new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), 3_000)),
]);
const said = (worker) => within(new Promise((resolve, reject) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => { event.preventDefault(); reject(new Error(event.message)); };
})).finally(() => worker.terminate());
const reader = "data:text/javascript," + encodeURIComponent(
  "postMessage(Deno.readTextFileSync(" + JSON.stringify(secret) + "))");

const tries = {
  readFile: () => Deno.readTextFile(secret),
  readFileAsNode: () => fs.readFileSync(secret, "utf8"),
  readOpened: () => Deno.openSync(secret).close(),
  lookAtFile: () => Deno.lstatSync(secret).size >= 0,
  listDirectory: () => Deno.readDirSync("/").next(),
  readProcess: () => Deno.readTextFileSync("/proc/self/environ"),
  writeFile: () => Deno.writeTextFile(outside + "/new", "x"),
  writeFileAsNode: () => fs.writeFileSync(outside + "/new", "x"),
  replaceLauncher: () => Deno.writeTextFile(launcher, "#!/bin/sh\\n"),
  replaceExtension: () => Deno.writeTextFile(launcher + ".new", "#!/bin/sh\\n"),
  makeLink: () => Deno.symlink(secret, outside + "/link"),
  connect: async () => (await Deno.connect({ hostname: "127.0.0.1", port: ${port} })).close(),
  connectAsNode: () => within(new Promise((resolve, reject) => {
    const socket = net.connect(${port}, "127.0.0.1", () => { socket.destroy(); resolve(true); });
    socket.on("error", reject);
  })),
  fetch: async () => await (await fetch(url)).text(),
  listen: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
  lookUpName: () => within(Deno.resolveDns("example.com", "A")),
  run: () => new Deno.Command("/bin/true").outputSync(),
  runAsNode: () => {
    if (spawnSync("/bin/true").status !== 0) throw new Error("it did not run");
  },
  runShell: () => new Deno.Command("sh", { args: ["-c", "true"] }).outputSync(),
  signalOther: () => Deno.kill(Deno.ppid, "SIGCONT"),
  variable: () => { if (Deno.env.get(${q(lootVariable)}) === undefined) throw new Error("unset"); },
  variableAsNode: () => { if (!process.env[${q(lootVariable)}]) throw new Error("unset"); },
  allVariables: () => { if (!(${
    q(lootVariable)
  } in Deno.env.toObject())) throw new Error("unset"); },
  system: () => Deno.hostname(),
  foreignFunction: () => Deno.dlopen("libc.so.6", {}),
  askForMore: async () => {
    const { state } = await Deno.permissions.request({ name: "read" });
    if (state !== "granted") throw new Error(state);
  },
  workerWithMore: () => said(new Worker(reader, {
    type: "module", deno: { permissions: { read: true } } })),
  workerThatInherits: () => said(new Worker(reader, { type: "module" })),
  nodeWorker: () => within(new Promise((resolve, reject) => {
    const worker = new NodeWorker(
      "require('worker_threads').parentPort.postMessage(require('fs').readFileSync(" +
        JSON.stringify(secret) + ", 'utf8'))", { eval: true });
    worker.on("message", resolve);
    worker.on("error", reject);
  })),
  importComputed: () => import("file://" + secret + ".not-named", { with: { type: "text" } }),
  importRemote: () => import(url + "module.js"),
};
const literals = { ${literals.join(",\n")} };

async function got(of) {
  const found = [];
  for (const [name, attempt] of Object.entries(of)) {
    try { await attempt(); found.push(name); } catch { /* refused */ }
  }
  return found;
}
export const attempts = async () => ({ tried: Object.keys(tries).length, got: await got(tries) });
export const literal = () => got(literals);
`;
}
