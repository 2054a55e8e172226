import assert from "node:assert/strict";
import { problemText } from "../../src/config/reader.ts";
import { configOf, resolved } from "./sample_sources.ts";

Deno.test("artifact.publish=symlink: is taken, and warned of no more", () => {
  const sources = { env: { ARTIFACT_PUBLISH: "symlink" } };
  assert.equal(configOf(sources).artifacts.publish, "symlink");
  assert.deepEqual(resolved(sources).warnings.filter((line) => line.includes("publish")), []);
});

Deno.test("artifact.publish=symlink: refuses auto.commit", () => {
  const env = { ARTIFACT_PUBLISH: "symlink", COMMIT_ENABLED: "true" };
  const [text = "", ...others] = resolved({ env }).problems.map(problemText);
  assert.match(text, /^auto\.commit: .*does not work with artifact\.publish=symlink/);
  assert.deepEqual(others, []);
});
