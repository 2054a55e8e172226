import { join } from "node:path";
import { readIfPresent, replaceFile } from "../base/durable_file.ts";
import type { Log } from "../base/log.ts";
import { statuses } from "../lifecycle/effect.ts";
import type { Memory, Remembered } from "../lifecycle/ports.ts";

/** How far the member has come, in `lifecycle.json` of the state directory. */
export class StateMemory implements Memory {
  readonly #path: string;

  constructor(stateDir: string) {
    this.#path = join(stateDir, "lifecycle.json");
  }

  /**
   * What was saved last, empty at the first start.
   *
   * A file that cannot be read as such is set aside and said loudly; the agent then begins anew, which
   * the platform takes well before maintenance, and after it tells the topology how far things are.
   */
  async load(log: Log, nowMs: number): Promise<Remembered> {
    const text = await readIfPresent(this.#path);
    if (text === undefined) return {};
    const remembered = parse(text);
    if (remembered) return remembered;
    const aside = `${this.#path}.corrupt-${nowMs}`;
    await Deno.rename(this.#path, aside);
    log.error(`${this.#path} is not what this agent wrote; set aside as ${aside}`);
    return {};
  }

  /** Replaces what was saved; on disk when it resolves. */
  async save(remembered: Remembered): Promise<void> {
    await replaceFile(this.#path, `${JSON.stringify(remembered)}\n`);
  }
}

function parse(text: string): Remembered | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { published, cleanUp, cleaned } = value as Record<string, unknown>;
  const status = statuses.find((name) => name === published);
  if (published !== undefined && status === undefined) return undefined;
  return {
    ...(status === undefined ? {} : { published: status }),
    ...(cleanUp === true ? { cleanUp } : {}),
    ...(cleaned === true ? { cleaned } : {}),
  };
}
