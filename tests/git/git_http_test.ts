import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import { GitHttp, type GitHttpOptions } from "../../src/git/git_http.ts";
import { canarySpellings, username } from "../artifacts/playground.ts";
import { canaryPassword } from "../artifacts/playground.ts";

const service = "info/refs?service=git-upload-pack";
const contentType = "application/x-git-upload-pack-advertisement";
const fine = () => new Response("fine", { headers: { "content-type": contentType } });

/** A server that answers as told and remembers the headers it got. */
async function serve(
  answer: (request: Request) => Response | Promise<Response>,
  test: (url: string, seen: Headers[]) => Promise<void>,
) {
  const seen: Headers[] = [];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      seen.push(new Headers(request.headers));
      return answer(request);
    },
  );
  await test(`http://127.0.0.1:${server.addr.port}/r.git`, seen);
}

function open(url: string, options: Partial<GitHttpOptions> = {}): GitHttp {
  return new GitHttp({
    access: { url, credentials: { username, password: new Secret(canaryPassword) } },
    maxBytes: 100_000,
    idleTimeoutMs: 10_000,
    clock: systemClock,
    ...options,
  });
}

async function failure(url: string, options: Partial<GitHttpOptions> = {}): Promise<AgentError> {
  using http = open(url, options);
  try {
    await http.read(service);
  } catch (error) {
    assert(error instanceof AgentError, String(error));
    for (const spelling of canarySpellings) assert(!Deno.inspect(error).includes(spelling));
    return error;
  }
  throw new Error("it did not fail");
}

Deno.test("GitHttp: sends credentials and follows a redirect within the origin", async () => {
  await serve((request) => {
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith("/r.git/")) return fine();
    // User information of the server's choice changes nothing.
    const location = `http://x:y@${new URL(request.url).host}/moved.git/info/refs${search}`;
    return new Response(null, { status: 301, headers: { location } });
  }, async (url, seen) => {
    using http = open(url);
    assert.equal(new TextDecoder().decode(await http.read(service)), "fine");
    // What comes later goes to the new place at once.
    await http.read(service);
    assert.equal(seen.length, 3);
    for (const headers of seen) {
      assert.equal(headers.get("authorization"), `Basic ${canarySpellings[3]}`);
    }
    assert.match(seen[0]?.get("user-agent") ?? "", /^git\//);
    assert.equal(http.receivedBytes, 8);
  });
});

Deno.test("GitHttp: sends nothing to another origin when redirected there", async () => {
  const stolen: Headers[] = [];
  await using thief = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      stolen.push(request.headers);
      return fine();
    },
  );
  for (const host of [`127.0.0.1:${thief.addr.port}`, `localhost:${thief.addr.port}`]) {
    const location = `http://${host}/r.git/${service}`;
    await serve(
      () => new Response(null, { status: 302, headers: { location } }),
      async (url) => assert.match((await failure(url)).message, /another origin/),
    );
  }
  assert.equal(stolen.length, 0);
});

Deno.test("GitHttp: ends a chain of redirects", async () => {
  await serve(
    (request) => new Response(null, { status: 302, headers: { location: request.url } }),
    async (url, seen) => {
      assert.match((await failure(url)).message, /more than 5 times/);
      assert.equal(seen.length, 6);
    },
  );
});

Deno.test("GitHttp: says what a status means and whether a repetition may help", async () => {
  const cases: [number, AgentError["kind"], RegExp][] = [
    [401, "refused", /does not accept the credentials/],
    [403, "refused", /forbids/],
    [404, "refused", /no such repository/],
    [429, "unavailable", /429/],
    [503, "unavailable", /503/],
    [418, "refused", /418/],
  ];
  for (const [status, kind, reason] of cases) {
    await serve(() => new Response("x", { status }), async (url) => {
      const error = await failure(url);
      assert.equal(error.kind, kind);
      assert.match(error.message, reason);
      assert.equal(error.retryable, true);
    });
  }
});

Deno.test("GitHttp: refuses a page that is no Git answer", async () => {
  const page = () => new Response("<html>", { headers: { "content-type": "text/html" } });
  await serve(page, async (url) => {
    assert.match((await failure(url)).message, /text\/html: no Git repository/);
  });
});

Deno.test("GitHttp: stops an answer that has no end", async () => {
  let cancelled = false;
  const endless = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
        cancel: () => {
          cancelled = true;
        },
      }),
      { headers: { "content-type": contentType } },
    );
  await serve(endless, async (url) => {
    const error = await failure(url);
    assert.equal(error.kind, "limit");
    assert.match(error.message, /more than 100000 bytes \(artifact.limit.bytes\)/);
  });
  assert.equal(cancelled, true);
});

Deno.test("GitHttp: counts what a compressed answer becomes", async () => {
  const bomb = new Blob([new Uint8Array(5_000_000)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const compressed = await new Response(bomb).bytes();
  assert(compressed.length < 10_000);
  const headers = { "content-type": contentType, "content-encoding": "gzip" };
  await serve(() => new Response(compressed, { headers }), async (url) => {
    using http = open(url);
    // Either it is not unpacked, or what it becomes is counted.
    const outcome = await http.read(service).then(({ length }) => length, (error) => error.kind);
    assert(outcome === "limit" || outcome === compressed.length, String(outcome));
  });
});

Deno.test("GitHttp: gives up on a server that is silent, before or within its answer", async () => {
  const released = Promise.withResolvers<void>();
  const silent = async () => {
    await released.promise;
    return fine();
  };
  await serve(silent, async (url) => {
    const error = await failure(url, { idleTimeoutMs: 50 });
    assert.equal(error.kind, "unavailable");
    assert.match(error.message, /silent for 0.05 s/);
    released.resolve();
  });
  const stuck = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
      }),
      { headers: { "content-type": contentType } },
    );
  await serve(stuck, async (url) => {
    assert.match((await failure(url, { idleTimeoutMs: 50 })).message, /silent/);
  });
});

Deno.test("GitHttp: ends with the signal's reason", async () => {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const silent = async () => {
    arrived.resolve();
    await released.promise;
    return fine();
  };
  await serve(silent, async (url) => {
    const abort = new AbortController();
    using http = open(url, { signal: abort.signal });
    const read = http.read(service);
    await arrived.promise;
    abort.abort(new DOMException("enough", "AbortError"));
    await assert.rejects(read, /enough/);
    released.resolve();
  });
});

Deno.test("GitHttp: names the server that cannot be reached", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const error = await failure(`http://127.0.0.1:${port}/r.git`);
  assert.equal(error.kind, "unavailable");
  assert.equal(error.retryable, true);
});

Deno.test("GitHttp: takes what the server echoes of the credentials out of errors", async () => {
  await serve((request) => {
    const echo = request.headers.get("authorization") ?? "";
    return new Response("x", { headers: { "content-type": `${echo} ${canarySpellings[2]}` } });
  }, async (url) => {
    assert.match((await failure(url)).message, /\*\*\*/);
  });
});
