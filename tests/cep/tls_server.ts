import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";

/** A TLS server that does what a test wants with what it is sent. */
export interface TlsServer extends AsyncDisposable {
  readonly port: number;
}

const certificates = new URL("../peers/certs/", import.meta.url);

/** @param onData Called with each piece that a client sends. */
export async function tlsServer(
  onData: (socket: TLSSocket, bytes: Uint8Array) => void,
  onConnection: (socket: TLSSocket) => void = () => {},
): Promise<TlsServer> {
  const sockets = new Set<TLSSocket>();
  const server = createServer({
    key: Deno.readTextFileSync(new URL("selfleaf.key", certificates)),
    cert: Deno.readTextFileSync(new URL("selfleaf.pem", certificates)),
  }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes: Uint8Array) => onData(socket, bytes));
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
