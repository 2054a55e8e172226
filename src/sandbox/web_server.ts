import { cannot, reasonOf } from "../base/errors.ts";

/** A web server of the sandbox. */
export interface WebServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves the page of an application, as whatever runs on a real instance would.
 *
 * @param port 0 for any free one.
 * @param page File that is read anew for each request.
 * @throws AgentError `unavailable` when the port is taken.
 */
export function openWebServer(port: number, page: string): WebServer {
  const server = listen(port, async () => {
    try {
      const body = await Deno.readFile(page);
      return new Response(body, { headers: { "content-type": "text/html; charset=utf-8" } });
    } catch {
      return new Response("Nothing has been checked out yet.\n", { status: 404 });
    }
  });
  let closed: Promise<void> | undefined;
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => closed ??= server.shutdown(),
  };
}

function listen(port: number, answer: () => Promise<Response>): Deno.HttpServer<Deno.NetAddr> {
  const hostname = "127.0.0.1";
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, answer);
  } catch (error) {
    throw cannot("listen on", `${hostname}:${port}`, reasonOf(error), {
      kind: "unavailable",
      cause: error,
    });
  }
}

/** A TCP port that nobody else gets until it is let go. */
export interface ReservedPort extends Disposable {
  readonly port: number;
}

/** Reserves a free port, for what has to be configured before it is opened. */
export function reservePort(): ReservedPort {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { port: listener.addr.port, [Symbol.dispose]: () => listener.close() };
}
