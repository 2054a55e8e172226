import assert from "node:assert/strict";
import { Secret } from "../../src/base/secret.ts";
import { ActivityJournal } from "../../src/status/activity_journal.ts";
import { EventStreams, mostStreams } from "../../src/status/event_stream.ts";
import { SharedSnapshot } from "../../src/status/shared_snapshot.ts";
import type { StatusSnapshot } from "../../src/status/snapshot.ts";
import { statusHandler } from "../../src/status/status_handler.ts";
import { FakeClock } from "../fake_clock.ts";
import { exampleSnapshot } from "./example_snapshot.ts";
import { parseMetrics } from "./prometheus_text.ts";

const page = { html: "<!doctype html>page", securityPolicy: "default-src 'none'; script-src 'x'" };

function open(change: Partial<StatusSnapshot> = {}, token: Secret | undefined = undefined) {
  const clock = new FakeClock();
  const journal = new ActivityJournal({ clock, redact: (text) => text });
  const snapshot = new SharedSnapshot(
    () => ({ ...exampleSnapshot, ...change }),
    clock,
    () => journal.revision,
  );
  const streams = new EventStreams({ journal, snapshot, clock, epoch: "e" });
  const access = { listen: { host: "127.0.0.1", port: 1 }, ...(token ? { token } : {}) };
  const handler = statusHandler({ access, snapshot, streams, page: () => page });
  const gone = new AbortController();
  return {
    gone,
    ask: (path: string, init?: RequestInit) =>
      handler(new Request(`http://localhost${path}`, init), gone.signal),
  };
}

Deno.test("endpoint: /status.json is the snapshot", async () => {
  const response = open().ask("/status.json");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.deepEqual(await response.json(), exampleSnapshot);
});

Deno.test("endpoint: /readyz is 503 with the reasons until the agent is ready", async () => {
  const not = open().ask("/readyz");
  assert.equal(not.status, 503);
  assert.equal(await not.text(), "not ready: lane topology is stuck\n");
  const ready = open({ readiness: { ready: true, reasons: [] } }).ask("/readyz");
  assert.equal(ready.status, 200);
  assert.equal(await ready.text(), "ready\n");
});

Deno.test("endpoint: /livez is 200 although the agent is not ready", () => {
  assert.equal(open().ask("/livez").status, 200);
});

Deno.test("endpoint: /metrics is text that a strict reader takes", async () => {
  const response = open().ask("/metrics");
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.ok(parseMetrics(await response.text()).length > 20);
});

Deno.test("endpoint: the page comes with its own security policy, all else with the strictest", async () => {
  const { ask, gone } = open();
  const response = ask("/");
  assert.equal(await response.text(), page.html);
  assert.equal(response.headers.get("content-security-policy"), page.securityPolicy);
  for (const path of ["/status.json", "/livez", "/readyz", "/metrics", "/nothing", "/events"]) {
    const { headers, body } = ask(path);
    assert.equal(
      headers.get("content-security-policy"),
      "default-src 'none'; frame-ancestors 'none'",
    );
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("cache-control"), "no-store");
    await body?.cancel();
  }
  gone.abort();
});

Deno.test("endpoint: an unknown path is 404, names of objects too", () => {
  const { ask } = open();
  for (const path of ["/x", "/status.json/", "//", "/constructor", "/__proto__", "/toString"]) {
    assert.equal(ask(path).status, 404, path);
  }
});

Deno.test("endpoint: /events answers 503 when there are too many streams, HEAD with none", async () => {
  const { ask, gone } = open();
  const head = ask("/events", { method: "HEAD" });
  assert.equal(head.status, 200);
  const streams = Array.from({ length: mostStreams }, () => ask("/events"));
  assert.ok(streams.every(({ status }) => status === 200));
  assert.equal(streams[0]?.headers.get("content-type"), "text/event-stream");
  const refused = ask("/events");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "10");
  gone.abort();
  for (const { body } of streams) await body?.cancel();
});

Deno.test("endpoint: without the token no path says anything, with it every one does", () => {
  const token = new Secret("0123456789abcdef");
  const { ask, gone } = open({}, token);
  const authorization = `Bearer ${token.open()}`;
  for (const path of ["/", "/status.json", "/livez", "/readyz", "/metrics", "/events", "/x"]) {
    const refused = ask(path);
    assert.equal(refused.status, 401, path);
    assert.equal(refused.headers.get("www-authenticate"), "Bearer");
    assert.notEqual(ask(path, { headers: { authorization } }).status, 401, path);
  }
  gone.abort();
});

Deno.test("endpoint: a host that is not this machine is misdirected", () => {
  const { ask } = open();
  assert.equal(ask("/status.json").status, 200);
  const clock = new FakeClock();
  const snapshot = new SharedSnapshot(() => exampleSnapshot, clock, () => 0);
  const journal = new ActivityJournal({ clock, redact: (text) => text });
  const streams = new EventStreams({ journal, snapshot, clock, epoch: "e" });
  const access = { listen: { host: "127.0.0.1", port: 1 } };
  const handler = statusHandler({ access, snapshot, streams, page: () => page });
  const response = handler(
    new Request("http://evil.example/status.json"),
    new AbortController().signal,
  );
  assert.equal(response.status, 421);
});
