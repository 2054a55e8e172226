/**
 * Run as a program with exactly the permissions of an agent that uses the system's git: checks out,
 * asks once, and says how it went. Settings come on standard input, so that no secret is in argv.
 */
import { systemClock } from "../../src/base/clock.ts";
import { makeLog } from "../../src/base/log.ts";
import { Secret } from "../../src/base/secret.ts";
import { ArtifactSync } from "../../src/artifacts/artifact_sync.ts";
import { systemGitOptions } from "./system_git_playground.ts";

const { config, stateDir, source, cartridgeKey } = await new Response(Deno.stdin.readable).json();
const lines: string[] = [];
await using sync = new ArtifactSync({
  ...systemGitOptions(config),
  config: { ...config, cartridgeKey: new Secret(cartridgeKey) },
  stateDir,
  log: makeLog(({ message }) => void lines.push(message), "artifacts"),
  clock: systemClock,
  random: Math.random,
  addSecret: () => () => {},
});
const outcome = await sync.checkOut(source, new AbortController().signal);
const { promise: updated, resolve } = Promise.withResolvers<void>();
sync.startUpdates(source.tenantId, resolve);
console.log(JSON.stringify({ outcome, lines }));
await updated;
console.log("updated");
