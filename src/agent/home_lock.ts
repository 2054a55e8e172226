import { join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import { prepareStateDirectory } from "./state_directory.ts";

const lockAttempts = 3;
const lockPauseMs = 50;

/**
 * Makes the state directory ready and takes the lock of the home; before anything is written there.
 *
 * @throws AgentError of kind `configuration` or `locked`.
 */
export async function claimHome(stateDir: string): Promise<Disposable> {
  await prepareStateDirectory(stateDir);
  return await lockHome(stateDir);
}

/**
 * Takes the lock of a home: two agents of one member would publish against each other.
 *
 * The system gives it back when the process ends, however it ends.
 *
 * @param stateDir Where the lock file lies.
 * @returns Releases the lock when disposed.
 * @throws AgentError of kind `locked` when another agent holds it.
 */
export async function lockHome(stateDir: string): Promise<Disposable> {
  const path = join(stateDir, "lock");
  const file = await openLock(path);
  for (let attempt = 1; !await file.tryLock(true); attempt++) {
    // Somebody may just be looking whether an agent runs.
    if (attempt < lockAttempts) {
      await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
      continue;
    }
    file.close();
    throw cannot("start in this home", path, "another agent holds it; stop that one first", {
      kind: "locked",
    });
  }
  return file;
}

async function openLock(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    throw cannot("lock", path, reasonOf(error), { kind: "configuration", cause: error });
  }
}
