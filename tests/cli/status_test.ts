import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lockHome } from "../../src/agent/home_lock.ts";
import { messageLine } from "../../src/broker/outbox_records.ts";
import { activeSnapshot } from "../status/sample_snapshot.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const agent = fileURLToPath(new URL("../../scripts/agent", import.meta.url));
const ready = { ready: true, reasons: [] };
const { memberId } = activeSnapshot().agent;
const notReady = { ready: false, reasons: ["lane topology is stuck"] };

/** A home whose agent listens on a port, or on none. */
async function openHome(listen: string, further: Readonly<Record<string, string>> = {}) {
  const dir = await temporaryDirectory();
  const at = (path: string) => join(dir.path, path);
  const settings = { "mb.urls": "127.0.0.1:1", "status.listen": listen, ...further };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`).join("");
  await Deno.writeTextFile(at("agent.conf"), `[agent]\n${lines}`);
  await Deno.mkdir(at("payload"));
  await Deno.mkdir(at("state"), { mode: 0o700 });
  await Deno.writeTextFile(
    at("payload/launch-params"),
    `APPLICATION_ID=a,SERVICE_NAME=s,CLUSTER_ID=c,CLUSTER_INSTANCE_ID=ci,MEMBER_ID=${memberId},` +
      "NETWORK_PARTITION_ID=n,PARTITION_ID=p,MULTITENANT=false,TENANT_ID=1",
  );
  return {
    at,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
    /** Runs the command as an operator does, with exactly the permissions that it needs. */
    status: async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(agent, {
        args: ["status", "--home", dir.path, ...args],
        env: { DENO: Deno.execPath(), NO_COLOR: "1" },
        stdin: "null",
      }).output();
      return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
    },
  };
}

/** An endpoint that answers like this. */
function serve(answer: (request: Request) => Response) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return {
    listen: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("status: shows what the agent says, and whether it is ready by its exit status", async () => {
  let readiness: typeof notReady | typeof ready = ready;
  await using endpoint = serve(() => Response.json(activeSnapshot({ readiness })));
  await using home = await openHome(endpoint.listen);
  const shown = await home.status();
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^phase +active/m);
  const json = await home.status("--json");
  assert.deepEqual(JSON.parse(json.out), JSON.parse(JSON.stringify(activeSnapshot({ readiness }))));
  assert.deepEqual(await home.status("--ready"), { code: 0, out: "", err: "" });
  readiness = notReady;
  assert.equal((await home.status()).code, 1);
  assert.deepEqual(await home.status("--ready"), {
    code: 1,
    out: "lane topology is stuck\n",
    err: "",
  });
  assert.equal((await home.status("--live")).code, 0);
});

Deno.test("status: is not that of another agent on the same port", async () => {
  const { agent: shown, ...rest } = activeSnapshot({ readiness: ready });
  await using endpoint = serve(() =>
    Response.json({ ...rest, agent: { ...shown, memberId: "another-member" } })
  );
  await using home = await openHome(endpoint.listen);
  assert.deepEqual(await home.status("--ready"), { code: 69, out: "nobody answers\n", err: "" });
  assert.deepEqual(await home.status("--live"), {
    code: 69,
    out: "no agent runs here\n",
    err: "",
  });
});

Deno.test("status: shows nothing of an answer that is none, so no terminal obeys it", async () => {
  await using endpoint = serve(() => new Response("<html>\x1b]0;title\x07"));
  await using home = await openHome(endpoint.listen);
  const { code, out } = await home.status();
  assert.equal(code, 69);
  assert.doesNotMatch(out, /[^\P{Cc}\n]/u);
});

Deno.test("status: shows the token that the endpoint asks for, from its file", async () => {
  await using endpoint = serve((request) =>
    request.headers.get("authorization") === "Bearer the-token-of-this-test"
      ? Response.json(activeSnapshot())
      : new Response(null, { status: 401 })
  );
  await using files = await temporaryDirectory();
  const file = join(files.path, "token");
  await Deno.writeTextFile(file, "the-token-of-this-test\n", { mode: 0o600 });
  await using home = await openHome(endpoint.listen, { "status.token.file": file });
  using _lock = await lockHome(home.at("state"));
  const { out, err } = await home.status();
  assert.match(out, /^phase +active/m, err);
});

Deno.test("status: shows its token to nobody while no agent holds the home", async () => {
  let asked = 0;
  await using endpoint = serve(() => {
    asked++;
    return Response.json(activeSnapshot());
  });
  await using files = await temporaryDirectory();
  const file = join(files.path, "token");
  await Deno.writeTextFile(file, "the-token-of-this-test\n", { mode: 0o600 });
  await using home = await openHome(endpoint.listen, { "status.token.file": file });
  const { code, out } = await home.status();
  assert.equal(asked, 0);
  assert.equal(code, 69);
  assert.match(out, /^No agent runs here: .*no agent holds this home/);
});

Deno.test("status: tells what the state directory knows when nobody answers", async () => {
  await using home = await openHome("off");
  const none = await home.status();
  assert.equal(none.code, 69);
  assert.match(none.out, /No agent runs here: status\.listen is off/);
  await Deno.writeTextFile(
    home.at("state/lifecycle.json"),
    JSON.stringify({ memberId: "m", clusterInstanceId: "ci", published: "activated" }),
  );
  const waiting = [1, 2].map((sequence) =>
    messageLine({ sequence, topic: "instance/status/InstanceActivatedEvent", payload: "{}" })
  );
  await Deno.writeTextFile(home.at("state/outbox.jsonl"), waiting.join(""));
  using _lock = await lockHome(home.at("state"));
  const known = await home.status();
  assert.equal(known.code, 1, known.err);
  assert.match(known.out, /An agent runs here, and does not answer/);
  assert.match(known.out, /of m:\nlast status event activated\n/);
  assert.match(known.out, /acknowledged: 2/);
  assert.equal((await home.status("--live")).code, 0);
  assert.equal((await home.status("--ready")).code, 1);
});

const strange: readonly (readonly [string, () => Response])[] = [
  ["another program", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
  ["an agent of another version", () => Response.json({ format: 2 })],
  ["a redirect", () => Response.redirect("http://127.0.0.1:1/status.json")],
  ["an endless answer", () => {
    const chunk = new Uint8Array(1 << 20).fill(32);
    return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
  }],
];
for (const [title, answer] of strange) {
  Deno.test(`status: falls back on the state directory when the port is that of ${title}`, async () => {
    await using endpoint = serve(answer);
    await using home = await openHome(endpoint.listen);
    const { code, out } = await home.status();
    assert.equal(code, 69);
    assert.match(out, /^No agent runs here: /);
  });
}

peerTest(
  "status: stops watching without a word when nobody reads it any more",
  ["bash"],
  async () => {
    await using home = await openHome("off");
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: [
        "-c",
        'set -o pipefail; "$0" status --home "$1" --watch | head -n 1',
        agent,
        home.at(""),
      ],
      env: { DENO: Deno.execPath() },
      stdin: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.match(new TextDecoder().decode(stdout), /No agent runs here/);
  },
);

Deno.test("status: has no permission beyond the endpoint, the state and the home", async () => {
  await using home = await openHome("127.0.0.1:9463");
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", main, "status", "permissions", "--home", home.at("")],
    stdin: "null",
  }).output();
  assert.equal(code, 0);
  const out = new TextDecoder().decode(stdout);
  assert.equal(out, `--allow-net=127.0.0.1:9463\n--allow-read=${home.at("state")}\n`);
});
