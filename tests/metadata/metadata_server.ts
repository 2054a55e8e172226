import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import { MetadataClient, type MetadataClientOptions } from "../../src/metadata/metadata_client.ts";

/** A request as the service got it. */
export interface SeenRequest {
  /** Method, path as sent, body. */
  readonly line: string;
  readonly authorization: string | null;
  readonly contentType: string | null;
}

/** A server that answers as a test says. */
export interface MetadataServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly SeenRequest[];
}

/** What a test's server answers. */
export type Answer = (request: Request, count: number) => Response | Promise<Response>;

/** Serves on a free port of 127.0.0.1, over TLS with a certificate. */
export function serveMetadata(
  answer: Answer,
  certificate?: { readonly cert: string; readonly key: string },
): MetadataServer {
  const seen: SeenRequest[] = [];
  const ending = new AbortController();
  const handler = async (request: Request) => {
    const body = await request.text();
    const path = request.url.replace(/^https?:\/\/[^/]*/, "");
    seen.push({
      line: `${request.method} ${path}${body === "" ? "" : ` ${body}`}`,
      authorization: request.headers.get("authorization"),
      contentType: request.headers.get("content-type"),
    });
    return await answer(request, seen.length);
  };
  const options = {
    port: 0,
    hostname: "127.0.0.1",
    signal: ending.signal,
    onListen: () => {},
    onError: () => new Response(null, { status: 599 }),
  };
  const server = certificate
    ? Deno.serve({ ...options, ...certificate }, handler)
    : Deno.serve(options, handler);
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `${certificate ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    seen,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await server.finished;
    },
  };
}

/** The token that no output may hold. */
export const canaryToken = "canary-token-0123456789";

/** The usual JSON answer. */
export function properties(...list: readonly (readonly [string, ...string[]])[]): Response {
  return Response.json({ properties: list.map(([key, ...values]) => ({ key, values })) });
}

/** A client of the server that does not wait between its attempts. */
export function clientOf(
  { url }: { readonly url: string },
  options: Partial<MetadataClientOptions> = {},
): MetadataClient {
  return new MetadataClient({
    url,
    applicationId: "app 1",
    cartridgeAlias: "php/x",
    token: new Secret(canaryToken),
    tls: { verify: true, verifyName: true },
    clock: systemClock,
    random: () => 0,
    retry: { firstMs: 1, maxMs: 1, attempts: 3 },
    ...options,
  });
}

/** A signal that never fires. */
export const never: AbortSignal = new AbortController().signal;
