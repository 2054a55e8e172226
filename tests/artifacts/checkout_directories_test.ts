import assert from "node:assert/strict";
import { join } from "node:path";
import { StagingDirectory } from "../../src/artifacts/checkout_directories.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

Deno.test("staging directory: what cannot be removed once is tried again", async () => {
  await using place = await temporaryDirectory();
  const app = join(place.path, "app");
  const left = join(`${app}.agent`, "7");
  await Deno.mkdir(left, { recursive: true });
  const staging = new StagingDirectory(app);
  const { remove } = Deno;
  Deno.remove = (path, options) => {
    if (path !== left) return remove(path, options);
    return Promise.reject(Object.assign(new Error("busy"), { code: "EBUSY" }));
  };
  try {
    assert.equal(await staging.enter(1), undefined);
    await staging.leave();
  } finally {
    Deno.remove = remove;
  }
  assert.equal(await staging.enter(1), join(`${app}.agent`, "1"));
  await assert.rejects(Deno.lstat(left), Deno.errors.NotFound);
  await staging.leave();
  await assert.rejects(Deno.lstat(`${app}.agent`), Deno.errors.NotFound);
});
