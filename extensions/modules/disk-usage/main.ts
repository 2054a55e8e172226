/**
 * Adds how full the application's directory is to the health values, percent of a quota.
 *
 * To use it: put the directory into `settings.directory` and `permissions.read`, and
 * `disk-usage,disk-usage:read` into `extension.modules.allow` of agent.conf.
 */
import type { ReadHealth } from "cartridge-agent/extension";

/** Every so many files the time limit gets a chance to end the module. */
const filesAtOnce = 256;

/** `disk_usage`, percent of `settings.quotaMiB`. */
export const readHealth: ReadHealth = async ({ settings }) => {
  const { directory, quotaMiB } = settings;
  const quotaBytes = Number(quotaMiB) * 1024 * 1024;
  if (directory === undefined || !(quotaBytes > 0)) {
    throw new Error('module.json needs "directory" and "quotaMiB" in its settings');
  }
  const percent = await bytesBelow(directory) / quotaBytes * 100;
  return { further: { disk_usage: Math.round(percent * 10) / 10 } };
};

async function bytesBelow(directory: string): Promise<number> {
  let bytes = 0;
  const directories = [directory];
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    const files: string[] = [];
    for await (const { name, isDirectory, isFile } of Deno.readDir(path)) {
      if (isDirectory) directories.push(`${path}/${name}`);
      else if (isFile) files.push(`${path}/${name}`);
    }
    for (let at = 0; at < files.length; at += filesAtOnce) {
      const sizes = await Promise.all(files.slice(at, at + filesAtOnce).map(sizeOf));
      bytes += sizes.reduce((sum, size) => sum + size, 0);
    }
  }
  return bytes;
}

/** 0 for a file that went away meanwhile. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.lstat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
