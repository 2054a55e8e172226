import { dirname, resolve } from "node:path";
import { AgentError, cannot, exitStatus, reasonOf } from "../base/errors.ts";
import { Redactor } from "../base/redactor.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import { secretsOf } from "../config/secrets_of.ts";
import { flag } from "../scope/render_scope.ts";
import { listenGrant } from "../scope/net_grant.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom } from "./load.ts";
import { homeParts, programParts, type SupportPart } from "./support_parts.ts";
import { type ArchivedFile, gzip, tarArchive } from "../base/tar_archive.ts";

/** Of the archive and of the files in it. */
const mode = 0o600;

/**
 * Writes one archive with what helps to understand an agent from afar: configuration, status, logs,
 * state, versions. Every text goes through the redactor with all secrets of the configuration.
 *
 * What cannot be had is said in the archive's MANIFEST.txt: an agent that is broken is the one that
 * somebody asks about.
 */
export async function supportBundleCommand(args: string[]): Promise<number> {
  const options = parseOptions("support-bundle", args, {
    ...configurationOptions,
    output: { type: "string" },
  }, 1);
  const now = new Date();
  const output = outputPath(options.values.output, now);
  if (options.positionals[0] === "permissions") {
    // Without a configuration there is a bundle all the same, see partsOfHome.
    printPermissions(await loadFrom(options).catch(() => undefined), output);
    return exitStatus.ok;
  }
  if (options.positionals.length > 0) {
    throw new AgentError("support-bundle: takes no argument", { kind: "usage" });
  }
  const redactor = new Redactor();
  const notes: string[] = [];
  const parts = [...programParts(), ...await partsOfHome(() => loadFrom(options), redactor, notes)];
  const files: ArchivedFile[] = [];
  for (const part of parts) {
    const file = await made(part, redactor);
    notes.push(`${part.name}: ${"content" in file ? `${file.content.length} bytes` : file.reason}`);
    if ("content" in file) files.push(file);
  }
  const manifest = redactor.redact([now.toISOString(), ...notes, ""].join("\n"));
  const all = [{ path: "MANIFEST.txt", content: encoded(manifest), mode }, ...files];
  await write(output, await gzip(tarArchive(all, now.getTime())));
  console.log(output);
  return exitStatus.ok;
}

async function partsOfHome(
  load: () => Promise<LoadedConfig>,
  redactor: Redactor,
  notes: string[],
): Promise<readonly SupportPart[]> {
  try {
    const loaded = await load();
    for (const secret of secretsOf(loaded.config)) redactor.add(secret);
    return await homeParts(loaded);
  } catch (error) {
    // Without it nobody knows what must not be shown: no logs then.
    notes.push(`configuration, status, state and logs: ${reasonOf(error)}`);
    return [];
  }
}

async function made(
  { name, text }: SupportPart,
  redactor: Redactor,
): Promise<ArchivedFile | { readonly reason: string }> {
  try {
    return { path: name, content: encoded(redactor.redact(await text())), mode };
  } catch (error) {
    return { reason: `missing: ${reasonOf(error)}` };
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await Deno.writeFile(path, bytes, { createNew: true, mode });
  } catch (error) {
    throw cannot("write", path, reasonOf(error), { kind: "configuration", cause: error });
  }
}

function outputPath(given: unknown, now: Date): string {
  const time = now.toISOString().slice(0, 19).replaceAll(/[:-]/g, "");
  return resolve(typeof given === "string" ? given : `cartridge-agent-support-${time}Z.tar.gz`);
}

function printPermissions(loaded: LoadedConfig | undefined, output: string): void {
  const flags = flag("--allow-write", [dirname(output)]);
  console.log([...loaded ? homeFlags(loaded) : [], ...flags].join("\n"));
}

function homeFlags({ config: { paths, status } }: LoadedConfig): readonly string[] {
  return [
    ...flag("--allow-net", status.listen === undefined ? [] : [listenGrant(status.listen)]),
    ...flag("--allow-read", [
      paths.stateDir,
      paths.logDir,
      paths.extensionsDir,
      ...status.tokenFile === undefined ? [] : [status.tokenFile],
    ]),
  ];
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
