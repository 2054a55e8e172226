/**
 * Run as a program with exactly the permissions of an agent: checks out twice, removes, says how it
 * went, and tries what it may not do. Settings come on standard input, so that no secret is in argv.
 */
import { systemClock } from "../../src/base/clock.ts";
import { makeLog } from "../../src/base/log.ts";
import { Secret } from "../../src/base/secret.ts";
import { LinkLauncher } from "../../src/extensions/link_launcher.ts";
import { ArtifactSync } from "../../src/artifacts/artifact_sync.ts";

const { config, stateDir, source, cartridgeKey, launcher } = await new Response(Deno.stdin.readable)
  .json();
const lines: string[] = [];
const log = makeLog(({ message }) => void lines.push(message), "artifacts");
const links = launcher === undefined ? undefined : new LinkLauncher(launcher, log, systemClock);
await using sync = new ArtifactSync({
  config: { ...config, cartridgeKey: new Secret(cartridgeKey) },
  stateDir,
  log,
  ...(links ? { makeLinks: (path, signal) => links.makeLinks(path, signal) } : {}),
  clock: systemClock,
  random: Math.random,
  addSecret: () => () => {},
});
const never = new AbortController().signal;
const outcomes = [];
outcomes.push(await sync.checkOut(source, never));
outcomes.push(await sync.checkOut(source, never));
outcomes.push(await sync.checkOut({ ...source, repoUrl: "http://127.0.0.1:9/x.git" }, never));
const published = [...Deno.readDirSync(config.applicationPath)].map(({ name }) => name).sort();
outcomes.push(await sync.remove(source.tenantId, never));
const denied = [];
for (
  const attempt of [
    () => Deno.readTextFileSync("/etc/passwd"),
    () => Deno.env.get("HOME"),
    () => new Deno.Command("git").outputSync(),
  ]
) {
  try {
    denied.push(attempt() === undefined);
  } catch (error) {
    denied.push(error instanceof Deno.errors.NotCapable);
  }
}
console.log(JSON.stringify({ outcomes, published, lines, denied }));
