import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { renderFlags } from "../../src/scope/render_scope.ts";
import type { RuntimeScope } from "../../src/scope/runtime_scope.ts";

const granted = JSON.stringify(new URL("../../src/scope/granted.ts", import.meta.url).href);

/** Runs code in a real Deno with exactly these flags; its only output is JSON. */
async function underFlags(flags: readonly string[], code: string, env = {}): Promise<unknown> {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/under_flags.ts`;
    await Deno.writeTextFile(file, code);
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", `--config=${config}`, ...flags, file],
      stdin: "null",
      env,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const missing = (scope: RuntimeScope) =>
  `import { missingGrants } from ${granted};
   console.log(JSON.stringify(await missingGrants(${JSON.stringify(scope)})));`;

async function withScope(run: (scope: RuntimeScope) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "a home " });
  try {
    await Deno.writeTextFile(`${home}/launcher`, "#!/bin/sh\n", { mode: 0o755 });
    await run({
      net: ["*.example.com:443", "10.0.0.1:80", "[::1]:1883", "a_b.c:2", "localhost:1884"],
      read: [`${home}/absent file`, `${home}/state`],
      write: [`${home}/state`],
      run: [`${home}/launcher`],
      sys: ["loadavg", "systemMemoryInfo"],
      env: ["LOG_LEVEL", "MB_URLS"],
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("grants: are complete when Deno runs with the rendered flags", async () => {
  await withScope(async (scope) => {
    assert.deepEqual(await underFlags(renderFlags(scope), missing(scope)), []);
    assert.deepEqual(await underFlags(["--allow-all"], missing(scope)), []);
  });
});

Deno.test("grants: are all named at once when they are missing", async () => {
  await withScope(async (scope) => {
    assert.deepEqual(
      await underFlags([], missing(scope)),
      renderFlags(scope).filter((flag) => flag.startsWith("--allow-")),
    );
  });
});

Deno.test("grants: are named alone when others are there", async () => {
  await withScope(async (scope) => {
    const fewer = { ...scope, net: scope.net.slice(1), write: [], env: ["LOG_LEVEL"] };
    assert.deepEqual(await underFlags(renderFlags(fewer), missing(scope)), [
      "--allow-net=*.example.com:443",
      `--allow-write=${scope.write[0]}`,
      "--allow-env=MB_URLS",
    ]);
  });
});

Deno.test("grants: are missing when a part of a directory is denied", async () => {
  await withScope(async (scope) => {
    const flags = [...renderFlags(scope), `--deny-read=${scope.write[0]}/secret`];
    assert.deepEqual(await underFlags(flags, missing(scope)), [`--allow-read=${scope.write[0]}`]);
  });
});

Deno.test("grants: let a name through and nothing else when the broker is localhost", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const accepted = listener.accept();
  const scope = { net: [`localhost:${port}`], read: [], write: [], run: [], sys: [], env: ["SET"] };
  const outcome = await underFlags(
    renderFlags(scope),
    `const attempt = async (hostname: string, port: number) => {
       try { (await Deno.connect({ hostname, port })).close(); return "connected"; }
       catch (error) { return (error as Error).name; }
     };
     console.log(JSON.stringify([
       await attempt("localhost", ${port}),
       await attempt("127.0.0.1", ${port}),
       await attempt("localhost", ${port === 1 ? 2 : 1}),
       Deno.env.get("SET"), Deno.env.get("OTHER") ?? "unset",
       await import("https://" + "deno.land/none.ts").catch((error) => error.message.includes("--no-remote")),
     ]));`,
    { SET: "yes", OTHER: "hidden" },
  );
  (await accepted).close();
  assert.deepEqual(outcome, ["connected", "NotCapable", "NotCapable", "yes", "unset", true]);
});
