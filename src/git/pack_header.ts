import { cannot } from "../base/errors.ts";
import { damaged } from "./pack_object.ts";

/** A pack begins with so many bytes: signature, version, number of objects. */
export const packHeaderBytes = 12;

const signature = 0x5041434b;

/**
 * Reads a pack's header.
 *
 * @param bytes {@link packHeaderBytes} or more.
 * @param mostObjects Above this the pack is refused: nothing is kept for a claim alone.
 * @returns How many objects are announced.
 * @throws AgentError of kind `input` when it is none, `limit` when there are too many.
 */
export function parsePackHeader(bytes: Uint8Array, mostObjects: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(4);
  if (view.getUint32(0) !== signature || version !== 2 && version !== 3) {
    throw damaged("it is not a pack");
  }
  const count = view.getUint32(8);
  if (count <= mostObjects) return count;
  const reason = `there are ${count}, more than ${mostObjects}`;
  throw cannot("accept", "the received objects", reason, { kind: "limit" });
}
