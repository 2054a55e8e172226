import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cepCaFile } from "../cep_receiver.ts";
import {
  type Answer,
  canaryToken,
  properties,
  serveMetadata,
} from "../metadata/metadata_server.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const base = "/metadata/api/applications/app1";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Place {
  readonly home: string;
  run(
    args: readonly string[],
    options?: { readonly env?: Record<string, string>; readonly input?: string },
  ): Promise<Ended>;
}

/** Runs scripts/agent metadata from a folder that is no home. */
async function inHome(
  conf: string,
  work: (place: Place) => Promise<void>,
  launchParams =
    `APPLICATION_ID=app1,CARTRIDGE_ALIAS=php,TOKEN=${canaryToken},REPO_URL=https://h/r`,
): Promise<void> {
  await using place = await temporaryDirectory();
  const home = join(place.path, "the home");
  await Deno.mkdir(join(home, "payload"), { recursive: true });
  await Deno.writeTextFile(join(home, "agent.conf"), `[agent]\n${conf}\n`);
  await Deno.writeTextFile(join(home, "payload/launch-params"), launchParams);
  const run: Place["run"] = async (args, { env = {}, input } = {}) => {
    const child = new Deno.Command(join(project, "scripts/agent"), {
      args: ["metadata", ...args],
      env: { NO_COLOR: "1", DENO: Deno.execPath(), AGENT_HOME: home, ...env },
      cwd: place.path,
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (input !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.ok(!`${out}${err}`.includes(canaryToken), `${out}${err}`);
    return { code, out: `${out}`, err: `${err}` };
  };
  await work({ home, run });
}

const answer: Answer = (request) => {
  if (request.method !== "GET") return new Response(null, { status: 201 });
  if (request.url.includes("clusters")) return properties(["c", "of the cluster"]);
  return properties(["k", "a b", "ü"], ["lines", "x\ny"], ["none"]);
};

Deno.test("metadata: reads and writes for the home's application, and says by its status what is not there", async () => {
  await using server = serveMetadata(answer);
  await inHome(`metadata.service.url = ${server.url}/`, async ({ run }) => {
    assert.deepEqual(await run(["get", "k"]), { code: 0, out: "a b\nü\n", err: "" });
    assert.deepEqual(await run(["get", "other"]), { code: 1, out: "", err: "" });
    assert.deepEqual(await run(["get", "none", "--json"]), { code: 1, out: "[]\n", err: "" });
    assert.deepEqual(await run(["get", "--json", "lines"]), {
      code: 0,
      out: '["x\\ny"]\n',
      err: "",
    });
    assert.deepEqual(await run(["get", "--cluster"]), {
      code: 0,
      out: "c\tof the cluster\n",
      err: "",
    });
    const refused = await run(["get"]);
    assert.equal(refused.code, 70);
    assert.equal(refused.out, "");
    assert.match(refused.err, /"lines".*--json/);
    const before = server.seen.length;
    assert.equal((await run(["put", "k", "1", "--", "-2"])).code, 0);
    assert.equal(
      (await run(["put", "--cluster", "k", "--stdin"], { input: "s 1\r\n\ns2" })).code,
      0,
    );
    assert.equal((await run(["delete", "k", "a/b"])).code, 0);
    assert.deepEqual(server.seen.slice(before).map(({ line }) => line), [
      `POST ${base}/properties {"key":"k","values":["1","-2"]}`,
      `POST ${base}/clusters/php/properties {"key":"k","values":["s 1","s2"]}`,
      `DELETE ${base}/properties/k/value/a%2Fb`,
    ]);
    assert.ok(server.seen.every(({ authorization }) => authorization === `Bearer ${canaryToken}`));
  });
});

Deno.test("metadata: ends with 1 when the value to delete is not there", async () => {
  await using server = serveMetadata(() => new Response(null, { status: 404 }));
  await inHome(`metadata.service.url = ${server.url}`, async ({ run }) => {
    assert.deepEqual(await run(["delete", "k", "v"]), { code: 1, out: "", err: "" });
  });
});

Deno.test("metadata: finds its agent's home from what an extension is told", async () => {
  await using server = serveMetadata(answer);
  await inHome(`metadata.service.url = ${server.url}`, async ({ home, run }) => {
    const env = { AGENT_HOME: "", STRATOS_PARAM_FILE_PATH: join(home, "payload/launch-params") };
    assert.equal((await run(["get", "k"], { env })).out, "a b\nü\n");
  });
});

Deno.test("metadata: takes what an extension is told when there are no launch parameters", async () => {
  await using server = serveMetadata(answer);
  await inHome("", async ({ home, run }) => {
    await Deno.remove(join(home, "payload/launch-params"));
    const env = {
      STRATOS_APPLICATION_ID: "app1",
      STRATOS_TOKEN: canaryToken,
      STRATOS_CARTRIDGE_ALIAS: "php",
      METADATA_SERVICE_URL: server.url,
    };
    assert.equal((await run(["get", "c", "--cluster"], { env })).out, "of the cluster\n");
    assert.equal(server.seen[0]?.authorization, `Bearer ${canaryToken}`);
  });
});

Deno.test("metadata: verifies the service against metadata.tls.ca.file, relative to the home", async () => {
  const file = (name: string) =>
    Deno.readTextFile(cepCaFile("selfleaf").replace("selfleaf.pem", name));
  const certificate = { cert: await file("leaf.pem"), key: await file("leaf.key") };
  await using server = serveMetadata(answer, certificate);
  const conf = `metadata.service.url = ${server.url.replace("127.0.0.1", "localhost")}`;
  await inHome(`${conf}\nmetadata.tls.ca.file = ca.pem`, async ({ home, run }) => {
    await Deno.copyFile(cepCaFile("leaf"), join(home, "ca.pem"));
    const { code, out, err } = await run(["get", "k"]);
    assert.equal(code, 0, err);
    assert.equal(out, "a b\nü\n");
  });
  await inHome(conf, async ({ run }) => {
    const { code, err } = await run(["get", "k"]);
    assert.equal(code, 69);
    assert.match(err, /metadata\.tls\.ca\.file/);
  });
});

Deno.test("metadata: needs its host and its CA alone", async () => {
  const conf = "metadata.service.url = https://Mds.example/x\nmetadata.tls.ca.file = ca.pem";
  await inHome(conf, async ({ home, run }) => {
    assert.equal(
      (await run(["permissions"])).out,
      `--allow-net=mds.example:443\n--allow-read=${home}/ca.pem\n`,
    );
  });
});

for (
  const [what, args, code, text] of [
    ["there is no verb", [], 64, /say get, put/],
    ["a key is missing", ["put"], 64, /put needs a key/],
    ["a value is missing", ["put", "k"], 64, /put needs a value/],
    ["there are values and --stdin", ["put", "k", "v", "--stdin"], 64, /not both/],
    [
      "a value of the cluster is to be deleted",
      ["delete", "k", "v", "--cluster"],
      64,
      /application/,
    ],
    ["an option belongs to another verb", ["put", "k", "v", "--json"], 64, /--json is for get/],
    ["a token is given", ["get", "--token", "x"], 64, /--token/],
    ["nobody is at the service", ["get"], 69, /metadata service at "http:\/\/127\.0\.0\.1:1\//],
  ] as const
) {
  Deno.test(`metadata: ends with ${code} and says why when ${what}`, async () => {
    await inHome("metadata.service.url = http://127.0.0.1:1", async ({ run }) => {
      const ended = await run(args);
      assert.equal(ended.code, code, ended.err);
      assert.match(ended.err, text);
      assert.equal(ended.out, "");
    });
  });
}

Deno.test("metadata: ends with 78 and names all that is missing", async () => {
  await inHome("", async ({ run }) => {
    const { code, err } = await run(["get"]);
    assert.equal(code, 78);
    assert.match(err, /APPLICATION_ID: not set/);
    assert.match(err, /metadata\.service\.url: not set/);
  }, "A=b");
});
