import { cannot, reasonOf } from "../base/errors.ts";

/**
 * Refuses a home whose launcher cannot be started: no extension would ever run.
 *
 * @throws AgentError of kind `configuration` that says what to do.
 */
export async function requireLauncher(path: string): Promise<void> {
  const refuse = (reason: string) =>
    cannot("start extensions with", path, reason, { kind: "configuration" });
  const copy = 'the command "init" lays it out';
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    throw refuse(isMissing ? `it is not there; ${copy}` : reasonOf(error));
  }
  if (!info.isFile) throw refuse(`it is not a file; ${copy}`);
  if (((info.mode ?? 0) & 0o111) === 0) throw refuse(`it is not executable: chmod +x ${path}`);
}
