import { type AccessRules, refusalOf } from "./access.ts";
import type { EventStreams } from "./event_stream.ts";
import type { Handler } from "./http_connection.ts";
import { metricsText } from "./metrics.ts";
import type { SharedSnapshot } from "./shared_snapshot.ts";

/** The page that shows the status, as the endpoint serves it. */
export interface StatusPage {
  readonly html: string;
  readonly securityPolicy: string;
}

/** What {@link statusHandler} needs. */
export interface StatusHandlerOptions {
  readonly access: AccessRules;
  readonly snapshot: SharedSnapshot;
  readonly streams: EventStreams;
  /** Asked when somebody wants to see it. */
  readonly page: () => StatusPage;
}

const alwaysSaid = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
} as const;
const nothingAllowed = "default-src 'none'; frame-ancestors 'none'";
const plainType = "text/plain; charset=utf-8";

/** Answers GET and HEAD requests to the status endpoint. Nothing that it does changes anything. */
export function statusHandler(options: StatusHandlerOptions): Handler {
  const { access, snapshot, streams, page } = options;
  const routes: Readonly<Record<string, Handler>> = {
    "/": () => {
      const { html, securityPolicy } = page();
      return answer(200, "text/html; charset=utf-8", html, {
        "content-security-policy": securityPolicy,
      });
    },
    "/status.json": () => answer(200, "application/json", `${snapshot.text}\n`),
    "/livez": () => answer(200, plainType, "alive\n"),
    "/readyz": () => {
      const { ready, reasons } = snapshot.value.readiness;
      return ready ? answer(200, plainType, "ready\n") : answer(
        503,
        plainType,
        `not ready: ${reasons.join("; ")}\n`,
      );
    },
    "/metrics": () =>
      answer(200, "text/plain; version=0.0.4; charset=utf-8", metricsText(snapshot.value)),
    "/events": (request, signal) => {
      if (request.method === "HEAD") return answer(200, "text/event-stream", "");
      const stream = streams.stream(request.headers.get("last-event-id"), signal);
      return stream
        ? answer(200, "text/event-stream", stream)
        : answer(503, plainType, "too many event streams\n", { "retry-after": "10" });
    },
  };
  return (request, signal) => {
    switch (refusalOf(request, access)) {
      case "misdirected":
        return answer(421, plainType, "this is not the host that you asked for\n");
      case "unauthorized":
        return answer(401, plainType, "a token is needed\n", { "www-authenticate": "Bearer" });
    }
    const { pathname } = new URL(request.url);
    const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
    return route ? route(request, signal) : answer(404, plainType, "there is no such page\n");
  };
}

function answer(
  status: number,
  type: string,
  body: BodyInit,
  further: Readonly<Record<string, string>> = {},
): Response {
  const headers = {
    ...alwaysSaid,
    "content-security-policy": nothingAllowed,
    ...further,
    "content-type": type,
  };
  return new Response(body, { status, headers });
}
