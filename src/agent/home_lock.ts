import { join } from "node:path";
import { cannot } from "../base/errors.ts";

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
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  if (!await file.tryLock(true)) {
    file.close();
    throw cannot("start in this home", path, "another agent holds it; stop that one first", {
      kind: "locked",
    });
  }
  await file.truncate();
  await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  return file;
}
