import assert from "node:assert/strict";
import { embeddedPeers } from "../e2e/peer_kit.ts";
import { canaries, openScene, patience } from "../e2e/scene.ts";
import { peerTest } from "../system_peers.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
}

/** A collector of traces and metrics, as OTLP over HTTP with JSON. */
function openCollector() {
  const spans: Span[] = [];
  const metricNames = new Set<string>();
  let text = "";
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.text();
      text += body;
      const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(body);
      for (const { scopeSpans } of resourceSpans) {
        for (const scope of scopeSpans) {
          if (scope.scope.name === "cartridge-agent") spans.push(...scope.spans);
        }
      }
      for (const { scopeMetrics } of resourceMetrics) {
        for (const { metrics } of scopeMetrics) {
          for (const { name } of metrics) metricNames.add(name);
        }
      }
      return Response.json({});
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    spans,
    metricNames,
    text: () => text,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

peerTest("telemetry: a span for each event has what came of it below it", ["git"], async () => {
  await using collector = openCollector();
  await using scene = await openScene(embeddedPeers, { files: { "index.html": "first" } });
  const { platform } = scene;
  const agent = await scene.start({
    environment: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    },
    // What the scope of its files does not know of.
    flags: ["--allow-all"],
  });
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
  // What was recorded is sent at the end at the latest.
  assert.equal(await agent.end(), 0, agent.output());
  const { spans } = collector;
  const named = (name: string) => spans.filter((span) => span.name === name);
  const parentOf = (span: Span) => spans.find(({ spanId }) => spanId === span.parentSpanId)?.name;
  const [started] = named("extension InstanceStartedEvent");
  assert.ok(started, spans.map(({ name }) => name).join());
  // The event, the step of the platform that it answers, and the extension are one trace.
  const [ended] = named("extensionEnded").filter((span) =>
    parentOf(span) === "extension InstanceStartedEvent"
  );
  assert.ok(ended);
  const [published] = named("publish started");
  assert.ok(published);
  assert.equal(published.parentSpanId, ended.spanId);
  assert.equal(published.traceId, started.traceId);
  const [checkout] = named("checkOut");
  // It may have waited for the member to be started.
  assert.ok(checkout && /^(event artifactUpdated|extensionEnded)$/.test(parentOf(checkout) ?? ""));
  assert.ok(collector.metricNames.has("cartridge_agent.inputs"));
  assert.ok(collector.metricNames.has("cartridge_agent.work.duration"));
  for (const canary of Object.values(canaries)) {
    assert.ok(!collector.text().includes(canary), canary);
  }
});

Deno.test("telemetry: nothing is sent, and that is said, when Deno does not record", async () => {
  await using collector = openCollector();
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const agent = await scene.start({
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    flags: ["--allow-all"],
  });
  await scene.platform.until("CompleteTopologyRequestEvent", patience);
  assert.equal(await agent.end(), 0, agent.output());
  assert.equal(collector.text(), "");
  const log = await Deno.readTextFile(`${scene.home.logDir}/agent.log`);
  assert.match(log, /WARNING .*it needs OTEL_DENO=true/);
});
