import assert from "node:assert/strict";
import { peerTest } from "../system_peers.ts";
import { Playground, repository } from "./playground.ts";
import { openSync, sourceFor } from "./sync_playground.ts";

const certificates = new URL("../peers/certs/", import.meta.url);
const read = (name: string) => Deno.readTextFileSync(new URL(name, certificates));

peerTest(
  "artifact.ca.file: makes a private authority trusted, for checkout and polls",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "a": "1" });
    await using server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      cert: read("leaf.pem"),
      key: read("leaf.key"),
      onListen: () => {},
    }, (request) => playground.remote.handle(request));
    const address = `127.0.0.1:${server.addr.port}`;
    const source = sourceFor(playground, { repoUrl: `https://${address}/${repository}.git` });
    const config = { allowedHosts: [address], cloneRetries: 1 };
    const never = new AbortController().signal;
    {
      const { sync } = openSync(playground, config);
      await using _ = sync;
      const outcome = await sync.checkOut(source, never);
      assert(outcome.kind === "failed");
      assert.match(outcome.reason, /certificate/i);
      assert.deepEqual(playground.files(), {});
    }
    const caFile = new URL("ca.pem", certificates).pathname;
    const { sync } = openSync(playground, { ...config, caFile, updateIntervalMs: 20 });
    await using _ = sync;
    assert.deepEqual(await sync.checkOut(source, never), { kind: "checkedOut", files: 1, commit });
    const updated = Promise.withResolvers<void>();
    sync.startUpdates(1, () => updated.resolve());
    await playground.commit({ "a": "2" });
    await updated.promise;
    assert.deepEqual(playground.files(), { "a": "2" });
  },
);
