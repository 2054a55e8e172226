import {
  type Attributes,
  context,
  type Counter,
  type Histogram,
  metrics,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { describeEffect } from "../lifecycle/describe_effect.ts";
import type { Effect, LaneEffect } from "../lifecycle/effect.ts";
import type { Input } from "../lifecycle/input.ts";
import type { StepTrace, TracePort } from "../lifecycle/trace_port.ts";

const scopeName = "cartridge-agent";

/**
 * Spans and metrics of the lifecycle by OpenTelemetry, through Deno's own exporter: a span for each
 * input, with a span for each effect that takes time below it. What comes of an effect is below that
 * one, so that a trace holds everything that an event of the platform led to.
 *
 * Attributes are kinds, names and ids; no value of an event and no output of a script.
 */
export class LifecycleTrace implements TracePort {
  readonly #tracer: Tracer;
  readonly #inputs: Counter;
  readonly #work: Histogram;
  readonly #nowMs: () => number;

  /** @param nowMs Milliseconds that never jump back. */
  constructor(version: string, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#tracer = trace.getTracer(scopeName, version);
    const meter = metrics.getMeter(scopeName, version);
    this.#inputs = meter.createCounter("cartridge_agent.inputs", {
      description: "What happened to the agent, by kind",
    });
    this.#work = meter.createHistogram("cartridge_agent.work.duration", {
      description: "How long effects took, by kind and outcome",
      unit: "s",
    });
  }

  step(input: Input, effects: readonly Effect[]): StepTrace {
    const name = nameOf(input);
    this.#inputs.add(1, { kind: name });
    const parent = context.active();
    const failure = outcomeOf(input) === "failed";
    // The work that this is the outcome of.
    if (failure) trace.getSpan(parent)?.setStatus({ code: SpanStatusCode.ERROR });
    const span = this.#tracer.startSpan(name, { attributes: attributesOf(input, effects) }, parent);
    const below = trace.setSpan(parent, span);
    return {
      work: (effect, run) => this.#run(effect, run, below),
      ended: () => span.end(),
    };
  }

  async #run(
    effect: LaneEffect,
    run: () => Promise<void>,
    parent: ReturnType<typeof context.active>,
  ): Promise<void> {
    const attributes = { "cartridge_agent.lane": effect.lane, ...tenantOf(effect) };
    const span = this.#tracer.startSpan(workName(effect), { attributes }, parent);
    const startMs = this.#nowMs();
    try {
      await context.with(trace.setSpan(parent, span), run);
    } finally {
      this.#work.record((this.#nowMs() - startMs) / 1000, { kind: workName(effect) });
      span.end();
    }
  }
}

/**
 * Whether spans go anywhere: Deno decides that when it starts, from its environment.
 *
 * @returns Why not, in words for the log; `undefined` when they do.
 */
export function whyNotRecording(): string | undefined {
  const span = trace.getTracer(scopeName).startSpan("start");
  const isRecording = span.isRecording();
  span.end();
  return isRecording
    ? undefined
    : "OTEL_EXPORTER_OTLP_ENDPOINT is set, but Deno records nothing: it needs OTEL_DENO=true in its " +
      "environment when it starts, and a compiled binary must have been built with it";
}

function nameOf(input: Input): string {
  return input.kind === "event" ? `event ${input.event.kind}` : input.kind;
}

function workName(effect: LaneEffect): string {
  switch (effect.kind) {
    case "runExtension":
      return `extension ${effect.event}`;
    case "publish":
      return `publish ${effect.status}`;
    default:
      return effect.kind;
  }
}

function attributesOf(input: Input, effects: readonly Effect[]): Attributes {
  const outcome = outcomeOf(input);
  return {
    "cartridge_agent.effects": effects.filter(({ kind }) => kind !== "log").map(describeEffect),
    ...tenantOf(input),
    ...outcome === undefined ? {} : { "cartridge_agent.outcome": outcome },
    ...input.kind === "extensionEnded" ? { "cartridge_agent.event": input.event } : {},
  };
}

function outcomeOf(input: Input): string | undefined {
  return "outcome" in input ? input.outcome.kind : undefined;
}

function tenantOf(value: object): Attributes {
  return "tenantId" in value && typeof value.tenantId === "number"
    ? { "cartridge_agent.tenant": value.tenantId }
    : {};
}
