import { peerTest, type SystemPeer } from "../system_peers.ts";
import { type ExtensionHome, openExtensionHome } from "./extension_home.ts";

/** Programs that are `/bin/sh` somewhere. */
const shells: readonly SystemPeer[] = ["dash", "busybox", "bash"];

/** Process ids of the launchers of a home that wait for an order, lowest first. */
export async function waitingIn(home: Pick<ExtensionHome, "launcher">): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (words.endsWith(`\0${home.launcher}\0await\0`)) found.push(Number(name));
  }
  return found.sort((a, b) => a - b);
}

/** A test with a launcher whose interpreter is each shell, called as `sh`. */
export function withEachShell(
  name: string,
  fn: (home: ExtensionHome) => Promise<void>,
): void {
  for (const shell of shells) {
    peerTest(`launcher by ${shell}: ${name}`, [shell], async () => {
      await using home = await openExtensionHome();
      const program = ["/bin", "/usr/bin"].map((dir) => `${dir}/${shell}`)
        .find((path) => isThere(path));
      const sh = `${home.dir}/sh`;
      await Deno.symlink(program ?? shell, sh);
      await rewriteLauncher(home, (text) => {
        return text.replace("#!/usr/bin/setsid /bin/sh\n", `#!/usr/bin/setsid ${sh}\n`);
      });
      await fn(home);
    });
  }
}

/** Changes the launcher of a home; a change that changes nothing is an error of the test. */
export async function rewriteLauncher(
  home: ExtensionHome,
  change: (text: string) => string,
): Promise<void> {
  const text = await Deno.readTextFile(home.launcher);
  const changed = change(text);
  if (changed === text) throw new Error("the launcher is not what the test takes it for");
  await Deno.writeTextFile(home.launcher, changed);
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
