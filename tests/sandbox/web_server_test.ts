import assert from "node:assert/strict";
import { join } from "node:path";
import { openWebServer, reservePort } from "../../src/sandbox/web_server.ts";

Deno.test("web server: shows the page as it is at each request", async () => {
  const directory = await Deno.makeTempDir();
  const page = join(directory, "index.html");
  {
    await using server = openWebServer(0, page);
    const get = async () => {
      const response = await fetch(`http://127.0.0.1:${server.port}/`);
      return [response.status, await response.text()];
    };
    assert.deepEqual(await get(), [404, "Nothing has been checked out yet.\n"]);
    await Deno.writeTextFile(page, "first");
    assert.deepEqual(await get(), [200, "first"]);
    await Deno.writeTextFile(page, "second");
    assert.deepEqual(await get(), [200, "second"]);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("web server: says which port when it is taken", () => {
  using taken = reservePort();
  const { port } = taken;
  assert.throws(() => openWebServer(port, "/nowhere"), {
    kind: "unavailable",
    message: new RegExp(`^Cannot listen on "127.0.0.1:${port}": `),
  });
});
