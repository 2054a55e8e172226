import { cannot, reasonOf } from "../base/errors.ts";

/**
 * Makes the state directory fit for secrets and locks: it exists, and nobody else can look into it.
 *
 * @throws AgentError of kind `configuration` when it cannot be made or somebody else can write there.
 */
export async function prepareStateDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const { isDirectory, mode } = await Deno.stat(path);
    if (!isDirectory) throw new Error("it is not a directory");
    if (mode !== null && (mode & 0o022) !== 0) {
      throw new Error("others may write there; take that away with: chmod go-w");
    }
    if (mode !== null && (mode & 0o055) !== 0) await Deno.chmod(path, 0o700);
  } catch (error) {
    const isRefused = error instanceof Deno.errors.NotCapable;
    const reason = isRefused
      ? "Deno does not grant this directory; choose another one with state.dir"
      : reasonOf(error);
    throw cannot("use the state directory", path, reason, {
      kind: "configuration",
      cause: error,
    });
  }
}
