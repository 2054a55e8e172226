/** Objects that the agent makes itself: single files below `objects`, as Git calls loose. */
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import { cannot } from "../base/errors.ts";
import {
  assertObjectSize,
  type GitObject,
  mostObjectBytes,
  objectIdOf,
  type ObjectType,
} from "./pack_object.ts";
import {
  lstatIfPresentSync,
  readIfPresentSync,
  removeSync,
  replaceFileSync,
} from "./synchronous_file.ts";

const longestHeaderBytes = 32;

/** The loose objects of a Git directory; synchronous, for use in a worker. */
export class LooseObjects {
  readonly #objects: string;

  /** @param gitDirectory Its path. */
  constructor(gitDirectory: string) {
    this.#objects = join(gitDirectory, "objects");
  }

  /** Whether the object is here. */
  has(id: string): boolean {
    return lstatIfPresentSync(this.#pathOf(id))?.isFile === true;
  }

  /**
   * Reads an object and recomputes its id.
   *
   * @returns `undefined` when it is not here.
   * @throws AgentError of kind `input` when it is damaged.
   */
  find(id: string): GitObject | undefined {
    const bytes = readIfPresentSync(this.#pathOf(id));
    if (bytes === undefined) return undefined;
    const object = decoded(bytes);
    if (object === undefined || objectIdOf(object) !== id) {
      throw cannot("read object", id, "it is damaged", {
        kind: "input",
        data: { damaged: true, own: true, missing: id },
      });
    }
    return object;
  }

  /**
   * Writes an object, unless it is here.
   *
   * @returns Its id.
   * @throws AgentError of kind `limit` when it is too large.
   */
  write(object: GitObject): string {
    assertObjectSize(object.data.length);
    const id = objectIdOf(object);
    const path = this.#pathOf(id);
    if (lstatIfPresentSync(path)) return id;
    Deno.mkdirSync(join(this.#objects, id.slice(0, 2)), { recursive: true, mode: 0o700 });
    const header = new TextEncoder().encode(`${object.type} ${object.data.length}\0`);
    const whole = new Uint8Array(header.length + object.data.length);
    whole.set(header);
    whole.set(object.data, header.length);
    replaceFileSync(path, deflateSync(whole, { level: 1 }));
    return id;
  }

  /** Removes all of them. */
  forget(): void {
    for (const { name } of Deno.readDirSync(this.#objects)) {
      if (/^[0-9a-f]{2}$/.test(name)) removeSync(join(this.#objects, name));
    }
  }

  #pathOf(id: string): string {
    return join(this.#objects, id.slice(0, 2), id.slice(2));
  }
}

function decoded(bytes: Uint8Array): GitObject | undefined {
  let whole: Uint8Array;
  try {
    whole = inflateSync(bytes, { maxOutputLength: mostObjectBytes + longestHeaderBytes });
  } catch {
    return undefined;
  }
  const nul = whole.indexOf(0);
  const header = new TextDecoder().decode(whole.subarray(0, Math.max(0, nul)));
  const [, type] = /^(commit|tree|blob|tag) \d+$/.exec(header) ?? [];
  return type === undefined
    ? undefined
    : { type: type as ObjectType, data: whole.subarray(nul + 1) };
}
