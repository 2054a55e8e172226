import type { Answer, DataBridgeCall } from "../../src/cep/data_bridge_messages.ts";

/** Longest reply, as over TLS. */
const replyBytes = 64 * 1024;

/**
 * Makes one call on a plain port. The agent itself never does: what it sends goes over TLS; the calls are
 * the same.
 *
 * @throws What the call's `decode` throws; Error when the other side closes first or nothing comes.
 */
export async function plainCall<T>(
  port: number,
  call: DataBridgeCall<T>,
  limitMs = 5_000,
): Promise<Answer<T>> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    connection.close();
  }, limitMs);
  try {
    await connection.write(call.encode(1));
    let all = new Uint8Array();
    const buffer = new Uint8Array(4096);
    while (true) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error("closed without an answer");
      const joined = new Uint8Array(all.length + count);
      joined.set(all);
      joined.set(buffer.subarray(0, count), all.length);
      all = joined;
      const answer = call.decode(all, 1, replyBytes);
      if (answer) return answer;
    }
  } catch (error) {
    throw isOver ? new Error("no answer in time") : error;
  } finally {
    clearTimeout(timer);
    if (!isOver) connection.close();
  }
}
