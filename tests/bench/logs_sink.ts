/**
 * A monitoring server that answers without decoding: it only looks for the end of each call. Runs in a
 * process of its own and prints its port.
 */
const certificates = new URL("../peers/certs/", import.meta.url);
const bufferBytes = 1024 * 1024;
const listener = Deno.listenTls({
  hostname: "127.0.0.1",
  port: 0,
  cert: Deno.readTextFileSync(new URL("selfleaf.pem", certificates)),
  key: Deno.readTextFileSync(new URL("selfleaf.key", certificates)),
});
console.log((listener.addr as Deno.NetAddr).port);
for await (const connection of listener) void serve(connection);

async function serve(connection: Deno.TlsConn): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
  const view = new DataView(buffer.buffer);
  let filled = 0;
  while (true) {
    const read = await connection.read(buffer.subarray(filled)).catch(() => null);
    if (read === null) return connection.close();
    filled += read;
    if (!isWhole(view, filled)) continue;
    await connection.write(answer(buffer, view.getInt32(4)));
    filled = 0;
  }
}

/** Whether the buffer holds a whole call; there is one at a time. */
function isWhole(view: DataView, filled: number): boolean {
  if (filled < 8) return false;
  return skipStruct(view, 8 + view.getInt32(4) + 4, filled) === filled;
}

function skipStruct(view: DataView, from: number, filled: number): number {
  let at = from;
  while (at < filled) {
    const type = view.getUint8(at);
    if (type === 0) return at + 1;
    at = skipValue(view, type, at + 3, filled);
  }
  return Infinity;
}

function skipValue(view: DataView, type: number, at: number, filled: number): number {
  switch (type) {
    case 8:
      return at + 4;
    case 10:
      return at + 8;
    case 11:
      return at + 4 <= filled ? at + 4 + view.getInt32(at) : Infinity;
    case 12:
      return skipStruct(view, at, filled);
    default: {
      if (at + 5 > filled) return Infinity;
      const element = view.getUint8(at);
      const count = view.getInt32(at + 1);
      let next = at + 5;
      for (let index = 0; index < count && next < filled; index++) {
        next = skipValue(view, element, next, filled);
      }
      return next;
    }
  }
}

/** The reply: a session or stream id, or nothing for publish. */
function answer(call: Uint8Array, nameLength: number): Uint8Array {
  const name = new TextDecoder().decode(call.subarray(8, 8 + nameLength));
  const text = new TextEncoder().encode(name === "publish" || name === "disconnect" ? "" : "sink");
  const bytes = new Uint8Array(8 + nameLength + 4 + (text.length > 0 ? 7 + text.length : 0) + 1);
  bytes.set(call.subarray(0, 8 + nameLength + 4));
  bytes[3] = 2;
  if (text.length > 0) {
    const view = new DataView(bytes.buffer);
    view.setUint8(8 + nameLength + 4, 11);
    view.setInt32(8 + nameLength + 7, text.length);
    bytes.set(text, 8 + nameLength + 11);
  }
  return bytes;
}
