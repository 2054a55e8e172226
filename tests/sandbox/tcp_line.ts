/** A line to a TCP server that can be cut and mended. */
export interface TcpLine extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Ends every connection and takes no new one. */
  cut(): Promise<void>;
  mend(): void;
}

/** Passes everything on to a port of this machine. */
export function openTcpLine(target: number): TcpLine {
  const hostname = "127.0.0.1";
  let port = 0;
  let listener: Deno.TcpListener | undefined;
  const connections = new Set<Deno.TcpConn>();
  const passing = new Set<Promise<unknown>>();
  const pass = async (near: Deno.TcpConn) => {
    const far = await Deno.connect({ hostname, port: target });
    connections.add(near).add(far);
    await Promise.allSettled([
      near.readable.pipeTo(far.writable),
      far.readable.pipeTo(near.writable),
    ]);
    connections.delete(near);
    connections.delete(far);
  };
  const accept = async (from: Deno.TcpListener) => {
    for await (const connection of from) {
      const passed = pass(connection);
      passing.add(passed);
    }
  };
  const line = {
    host: hostname,
    get port() {
      return port;
    },
    mend: () => {
      listener = Deno.listen({ hostname, port });
      port = listener.addr.port;
      passing.add(accept(listener));
    },
    cut: async () => {
      listener?.close();
      listener = undefined;
      for (const connection of connections) closeQuietly(connection);
      await Promise.allSettled(passing);
      passing.clear();
    },
    [Symbol.asyncDispose]: () => line.cut(),
  };
  line.mend();
  return line;
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // The other side was faster.
  }
}
