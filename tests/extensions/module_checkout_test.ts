import assert from "node:assert/strict";
import { join } from "node:path";
import type { ArtifactJob } from "../../src/extensions/extension.ts";
import type { ModuleHost } from "../../src/extensions/module_host.ts";
import type { ModuleCall } from "../../src/extensions/module_session.ts";
import { memoryLog } from "../memory_log.ts";
import { openModuleHome, shippedModules } from "./module_home.ts";
import { tarArchive, type TarEntry } from "./tar_archive.ts";

const never = new AbortController().signal;
const job: ArtifactJob = {
  tenantId: 7,
  destination: "/www",
  repoUrl: "https://git.example.com/app",
  repoUsername: "deployer",
  repoPassword: "secret",
  first: true,
};

function callOf(
  kind: "checkOutArtifacts" | "commitArtifacts",
  given: Partial<ArtifactJob> = {},
  timeoutMs = 30_000,
): ModuleCall {
  const message = { kind, job: { ...job, ...given } } as const;
  return { message, timeoutMs, answer: () => Promise.reject(new Error("no question expected")) };
}

Deno.test("checkout module: is given the job and its context, and its answer comes back", async () => {
  await using home = await openModuleHome();
  await home.module(
    "m",
    `export const checkOutArtifacts = (job, { settings }) => ({ job, settings });
     export const commitArtifacts = async ({ tenantId }) => ({ committed: tenantId === 7 });`,
    { events: [], provides: ["artifactCheckout", "artifactCommit"], settings: { a: "b" } },
  );
  await using host = await home.host(memoryLog(), "m");
  assert.equal(host.provider("artifactCheckout")?.name, "m");
  assert.equal(host.provider("artifactCommit")?.name, "m");
  assert.equal(host.provider("health"), undefined);
  assert.deepEqual(await host.call("m", callOf("checkOutArtifacts"), never), {
    kind: "done",
    value: { job, settings: { a: "b" } },
  });
  assert.deepEqual(await host.call("m", callOf("commitArtifacts"), never), {
    kind: "done",
    value: { committed: true },
  });
});

Deno.test("checkout module: has the time of artifacts, not of its events", async () => {
  await using home = await openModuleHome();
  await home.module(
    "m",
    `export const checkOutArtifacts = () =>
       new Promise((resolve) => setTimeout(resolve, 600, { changed: true }));`,
    { events: [], provides: ["artifactCheckout"], timeoutSeconds: 0.1 },
  );
  await using host = await home.host(memoryLog(), "m");
  const slow = await host.call("m", callOf("checkOutArtifacts", {}, 20_000), never);
  assert.deepEqual(slow, { kind: "done", value: { changed: true } });
  const limited = await host.call("m", callOf("checkOutArtifacts", {}, 100), never);
  assert.deepEqual(limited, { kind: "failed", reason: "stopped at its time limit" });
});

Deno.test("checkout module: fails when it lacks the function, or writes where it may not", async () => {
  await using home = await openModuleHome();
  const destination = join(home.dir, "www");
  await Deno.mkdir(destination);
  await home.module(
    "m",
    `export const checkOutArtifacts = ({ destination }) => Deno.writeTextFile(destination + "/x", "");`,
    { events: [], provides: ["artifactCheckout", "artifactCommit"] },
  );
  await using host = await home.host(memoryLog(), "m");
  const refused = await host.call("m", callOf("checkOutArtifacts", { destination }), never);
  assert.ok(refused.kind === "failed" && /write access/.test(refused.reason));
  const lacking = await host.call("m", callOf("commitArtifacts"), never);
  assert.deepEqual(lacking, {
    kind: "failed",
    reason: "it exports no function commitArtifacts",
  });
});

/** The shipped example on a directory of archives and a destination. */
async function withExample(
  work: (example: {
    readonly host: ModuleHost;
    readonly dir: string;
    readonly destination: string;
    put(entries: readonly TarEntry[]): Promise<void>;
    checkOut(first: boolean): ReturnType<ModuleHost["call"]>;
  }) => Promise<void>,
): Promise<void> {
  await using home = await openModuleHome();
  const directory = join(home.dir, "releases");
  const destination = join(home.dir, "www");
  await Deno.mkdir(directory);
  await Deno.mkdir(destination);
  const name = "unpack-archive";
  await home.module(name, await Deno.readTextFile(join(shippedModules, name, "main.ts")), {
    events: [],
    provides: ["artifactCheckout"],
    permissions: { read: [directory, destination], write: [destination, "data"] },
    settings: { directory },
  });
  await using host = await home.host(memoryLog(), `${name}:read`, `${name}:write`);
  await work({
    host,
    dir: home.dir,
    destination,
    put: (entries) => Deno.writeFile(join(directory, "7.tar"), tarArchive(entries)),
    checkOut: (first) =>
      host.call(name, callOf("checkOutArtifacts", { destination, first }), never),
  });
}

Deno.test("unpack-archive: unpacks, and again when the archive is another one", async () => {
  await withExample(async ({ put, checkOut, destination }) => {
    await put([
      { name: "pax_global_header", type: "g", content: "52 comment=0123\n" },
      { name: "css/", type: "5" },
      { name: "index.html", content: "one" },
      { name: "css/a.css", content: "x".repeat(1000) },
    ]);
    const outcome = await checkOut(true);
    assert(outcome.kind === "done", JSON.stringify(outcome));
    const { changed, commit } = outcome.value as { changed: boolean; commit: string };
    assert.equal(changed, true);
    assert.match(commit, /^[0-9a-f]{64}$/);
    assert.equal(await Deno.readTextFile(join(destination, "index.html")), "one");
    assert.equal((await Deno.readTextFile(join(destination, "css/a.css"))).length, 1000);

    await Deno.writeTextFile(join(destination, "index.html"), "touched");
    assert.deepEqual(await checkOut(false), { kind: "done", value: { changed: false, commit } });
    assert.equal(await Deno.readTextFile(join(destination, "index.html")), "touched");
    await checkOut(true);
    assert.equal(await Deno.readTextFile(join(destination, "index.html")), "one");

    await put([{ name: "index.html", content: "two" }]);
    const next = await checkOut(false);
    assert.equal((next as { value: { changed: boolean } }).value?.changed, true);
    assert.equal(await Deno.readTextFile(join(destination, "index.html")), "two");
  });
});

const hostile: readonly (readonly [string, TarEntry])[] = [
  ["a path upwards", { name: "a/../../x", content: "x" }],
  ["an absolute path", { name: "/etc/x", content: "x" }],
  ["a Git directory", { name: ".git/config", content: "x" }],
  ["a link", { name: "link", type: "2" }],
  ["more than there is", { name: "x", content: "x", size: 100_000 }],
];
for (const [title, entry] of hostile) {
  Deno.test(`unpack-archive: writes nothing when the archive holds ${title}`, async () => {
    await withExample(async ({ put, checkOut, destination }) => {
      await put([{ name: "good", content: "good" }, entry]);
      assert.equal((await checkOut(true)).kind, "failed");
      assert.deepEqual([...Deno.readDirSync(destination)], []);
    });
  });
}

Deno.test("unpack-archive: writes through no link to the outside", async () => {
  await withExample(async ({ put, checkOut, destination, dir }) => {
    await Deno.mkdir(join(dir, "outside"));
    await Deno.symlink(join(dir, "outside"), join(destination, "css"));
    await put([{ name: "css/a.css", content: "x" }]);
    const outcome = await checkOut(true);
    assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
    assert.deepEqual([...Deno.readDirSync(join(dir, "outside"))], []);
  });
});
