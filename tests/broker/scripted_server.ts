/** One connection of a client to a {@link ScriptedServer}. */
export interface ScriptedPeer {
  /** Counted from 1. */
  readonly number: number;
  write(bytes: Uint8Array): Promise<void>;
  /** The next packet, `undefined` when the client has gone. */
  read(): Promise<Uint8Array | undefined>;
  /** Reads packets until one of this kind (upper half of the first byte) comes. */
  readKind(kind: number): Promise<Uint8Array | undefined>;
}

/** A TCP server that does what a test says; dropped with everything at the end. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  /** How many connections have come so far. */
  readonly connections: number;
}

/** Serves every connection with a script; the connection is dropped when it ends. */
export function openScriptedServer(
  script: (peer: ScriptedPeer) => Promise<void>,
): ScriptedServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const running: Promise<void>[] = [];
  let connections = 0;
  const serve = async (connection: Deno.TcpConn, number: number) => {
    open.add(connection);
    try {
      await script(peerOf(connection, number));
    } catch {
      // The client went away in the middle of the script; what it saw is what the test looks at.
    } finally {
      if (open.delete(connection)) connection.close();
    }
  };
  running.push((async () => {
    try {
      for await (const connection of listener) running.push(serve(connection, ++connections));
    } catch {
      // Closed.
    }
  })());
  return {
    port: listener.addr.port,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      listener.close();
      for (const connection of open) {
        open.delete(connection);
        connection.close();
      }
      await Promise.all(running);
    },
  };
}

function peerOf(connection: Deno.TcpConn, number: number): ScriptedPeer {
  let buffered = new Uint8Array(0);
  const more = async () => {
    const chunk = new Uint8Array(65_536);
    const count = await connection.read(chunk).catch(() => null);
    if (count === null) return false;
    buffered = Uint8Array.from([...buffered, ...chunk.subarray(0, count)]);
    return true;
  };
  const read = async () => {
    while (true) {
      const total = totalOf(buffered);
      if (total !== undefined && buffered.length >= total) {
        const whole = buffered.slice(0, total);
        buffered = buffered.slice(total);
        return whole;
      }
      if (!await more()) return undefined;
    }
  };
  return {
    number,
    read,
    write: async (bytes) => {
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    },
    readKind: async (kind) => {
      while (true) {
        const packet = await read();
        if (!packet || packet[0]! >> 4 === kind) return packet;
      }
    },
  };
}

function totalOf(bytes: Uint8Array): number | undefined {
  let length = 0;
  for (let at = 1; at < bytes.length; at++) {
    length += (bytes[at]! & 0x7f) * 128 ** (at - 1);
    if (bytes[at]! < 0x80) return 1 + at + length;
  }
  return undefined;
}
