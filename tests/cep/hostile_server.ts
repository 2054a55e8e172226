/** A TCP server that speaks no TLS. */
export interface HostileServer extends AsyncDisposable {
  readonly port: number;
  /** Resolves when a client has connected and sent something. */
  accepted(): Promise<void>;
}

/** @param answer Sent after the client's first bytes, then the connection is closed; absent: silence. */
export function hostileServer(answer?: Uint8Array): HostileServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.TcpConn>();
  const first = Promise.withResolvers<void>();
  const serve = async (connection: Deno.TcpConn) => {
    connections.add(connection);
    const buffer = new Uint8Array(16 * 1024);
    try {
      while (await connection.read(buffer) !== null) {
        first.resolve();
        if (!answer) continue;
        await connection.write(answer);
        break;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset) && connections.has(connection)) {
        throw error;
      }
    } finally {
      if (connections.delete(connection)) connection.close();
    }
  };
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) serving.push(serve(connection));
  })();
  return {
    port: listener.addr.port,
    accepted: () => first.promise,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await accepting;
      for (const connection of connections) {
        connections.delete(connection);
        connection.close();
      }
      await Promise.all(serving);
    },
  };
}
