import { join } from "node:path";
import { replaceFile } from "../base/durable_file.ts";
import type { Log } from "../base/log.ts";
import type { IdentityConfig } from "../config/agent_config.ts";
import { statuses } from "../lifecycle/effect.ts";
import type { Memory, Remembered } from "../lifecycle/ports.ts";

/** Whose memory it is. */
type Owner = Pick<IdentityConfig, "memberId" | "clusterInstanceId">;

/** Files that belong to one member, by name in the state directory. */
const memberFiles = ["lifecycle.json", "outbox.jsonl"] as const;
/** The memory is one short line. */
const mostBytes = 64 * 1024;

/**
 * How far the member has come, in `lifecycle.json` of the state directory.
 *
 * It says whose it is: an image that was made of a used instance, or a volume that outlives one, must
 * not make a new member believe that it is ready to shut down, nor send what an old one had to say.
 */
export class StateMemory implements Memory {
  readonly #stateDir: string;
  readonly #owner: Owner;

  constructor(stateDir: string, { memberId, clusterInstanceId }: Owner) {
    this.#stateDir = stateDir;
    this.#owner = { memberId, clusterInstanceId };
  }

  /**
   * What was saved last, empty at the member's first start. Must be called before the outbox is
   * opened: what another member left there is set aside with the rest.
   *
   * A file that cannot be read as such is set aside too and said loudly; the agent then begins anew,
   * which the platform takes well before maintenance, and after it tells by the topology how far
   * things are.
   */
  async load(log: Log, nowMs: number): Promise<Remembered> {
    const text = await this.#read();
    const parsed = text === undefined ? {} : parse(text);
    if (parsed === undefined) {
      const aside = `${this.#path}.corrupt-${nowMs}`;
      await Deno.rename(this.#path, aside);
      log.error(`${this.#path} is not what this agent wrote; set aside as ${aside}`);
    } else if (text !== undefined && !this.#isOwn(parsed.owner)) {
      log.warning("The state belongs to another member: it is set aside, this one begins anew", {
        member: parsed.owner?.memberId ?? "",
      });
      for (const name of memberFiles) await setAside(join(this.#stateDir, name), nowMs);
    } else if (text !== undefined) {
      return parsed.remembered ?? {};
    }
    await this.save({});
    return {};
  }

  /** Replaces what was saved; on disk when it resolves. */
  async save(remembered: Remembered): Promise<void> {
    await replaceFile(this.#path, `${JSON.stringify({ ...this.#owner, ...remembered })}\n`);
  }

  /** What is no file, or one that nobody could have written here, reads as one that is damaged. */
  async #read(): Promise<string | undefined> {
    try {
      const { isFile, size } = await Deno.lstat(this.#path);
      return isFile && size <= mostBytes ? await Deno.readTextFile(this.#path) : "";
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.PermissionDenied) return "";
      throw error;
    }
  }

  get #path(): string {
    return join(this.#stateDir, memberFiles[0]);
  }

  #isOwn(owner: Owner | undefined): boolean {
    return owner?.memberId === this.#owner.memberId &&
      owner.clusterInstanceId === this.#owner.clusterInstanceId;
  }
}

async function setAside(path: string, nowMs: number): Promise<void> {
  try {
    await Deno.rename(path, `${path}.other-member-${nowMs}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

interface Parsed {
  readonly owner?: Owner;
  readonly remembered?: Remembered;
}

function parse(text: string): Parsed | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { memberId, clusterInstanceId, published, cleanUp, cleaned } = value as Record<
    string,
    unknown
  >;
  const status = statuses.find((name) => name === published);
  if (published !== undefined && status === undefined) return undefined;
  if (typeof memberId !== "string" || typeof clusterInstanceId !== "string") return undefined;
  return {
    owner: { memberId, clusterInstanceId },
    remembered: {
      ...(status === undefined ? {} : { published: status }),
      ...(cleanUp === true ? { cleanUp } : {}),
      ...(cleaned === true ? { cleaned } : {}),
    },
  };
}
