// Traces, as OpenTelemetry has them: what one request, or one job, did and waited for, as a tree of spans. Whether there are any
// is decided by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT and its kin), which its SDK reads by itself. The SDK is
// not installed with Gokura: whoever wants traces installs it, and nobody else pays for it. Without it, and while no variable asks
// for traces, every function here does the work that it is given and nothing else, and not even the API is loaded.
//
// Answers from memory have no spans: they take 12 µs, and a span costs as much. Nothing here is instrumented by itself, because
// that wraps the very path that answers them.
import type { Attributes, Context, Span, SpanKind, Tracer } from "@opentelemetry/api";
import type { Logger } from "pino";
import type { TraceSettings } from "./trace-settings.ts";

/** The version of the SDK that is known to work. */
const SDK = "@opentelemetry/sdk-node";
const SDK_VERSION = "0.301.0";

type Api = typeof import("@opentelemetry/api");
interface Tracing {
  readonly api: Api;
  readonly tracer: Tracer;
  readonly hosts: ReadonlySet<string>;
}

let tracing: Tracing | undefined;

/** Whether there are traces. */
export function isTracing(): boolean {
  return tracing !== undefined;
}

/**
 * Begins to trace, if settings ask for it. Warns where the SDK is missing. What it returns ends it, and sends what is left.
 */
export async function startTracing(settings: TraceSettings | undefined, log: Logger): Promise<() => Promise<void>> {
  if (settings === undefined || tracing) return async () => {};
  const name = SDK; // not as a literal, so that nothing takes it for a dependency
  const sdk = await import(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    return undefined;
  });
  if (!sdk) {
    log.warn(
      `OpenTelemetry's variables ask for traces, but its SDK is not installed, so there are none: npm install --no-save ${SDK}@${SDK_VERSION}, or unset OTEL_EXPORTER_OTLP_ENDPOINT`,
    );
    return async () => {};
  }
  const api = await import("@opentelemetry/api");
  // Metrics are Prometheus' and logs are lines: traces alone are sent.
  const { serviceName, version, hosts } = settings;
  const node = new sdk.NodeSDK({ serviceName, metricReaders: [], logRecordProcessors: [], instrumentations: [] });
  node.start();
  tracing = { api, tracer: api.trace.getTracer("gokura", version), hosts };
  log.info("traces are sent as OpenTelemetry's variables say");
  return async () => {
    tracing = undefined;
    await node.shutdown().catch((error: unknown) => log.warn({ err: error }, "the last traces could not be sent"));
    api.trace.disable();
    api.context.disable();
    api.propagation.disable();
  };
}

/** What a span is of: work here, or a question to somebody else. */
export type SpanOf = "internal" | "client";

/**
 * Does some work as a span, below the one that it belongs to. What it throws is noted and thrown on. Without traces it is done
 * and nothing else; `attributes` is asked only with them.
 */
export function inSpan<T>(
  name: string,
  of: SpanOf,
  attributes: () => Attributes,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  if (!tracing) return work(undefined);
  const { api, tracer } = tracing;
  const kind: SpanKind = of === "client" ? api.SpanKind.CLIENT : api.SpanKind.INTERNAL;
  return tracer.startActiveSpan(name, { kind, attributes: attributes() }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      fail(api, span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/**
 * Does some work as a span that lasts longer: until what it names last is over. Without traces it is done and nothing else.
 */
export async function inLastingSpan<T>(
  name: string,
  attributes: () => Attributes,
  begin: () => Promise<readonly [begun: T, over: Promise<unknown>]>,
): Promise<T> {
  if (!tracing) return (await begin())[0];
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  inSpan(name, "internal", attributes, async () => {
    const [begun, over] = await begin();
    resolve(begun);
    await over;
  }).catch(reject); // after it began nobody hears that here, but whoever waits for its end
  return promise;
}

/** A request to the server, whose span ends when its answer does. */
export interface RequestSpan {
  /** What the line of the log says of it. */
  readonly fields: Readonly<Record<string, string>>;
  /** Does work of the request within it. */
  run<T>(work: () => Promise<T>): Promise<T>;
  end(attributes: Attributes, failed: boolean): void;
}

/** Begins the span of a request, as a part of the trace that its headers name (W3C Trace Context). */
export function beginRequest(
  name: string,
  headers: NodeJS.Dict<string | string[]>,
  attributes: () => Attributes,
): RequestSpan | undefined {
  if (!tracing) return undefined;
  const { api, tracer } = tracing;
  const parent: Context = api.propagation.extract(api.ROOT_CONTEXT, headers);
  const span = tracer.startSpan(name, { kind: api.SpanKind.SERVER, attributes: attributes() }, parent);
  const within = api.trace.setSpan(parent, span);
  return {
    fields: fieldsOf(span),
    run: (work) => api.context.with(within, work),
    end(more, failed) {
      span.setAttributes(more);
      if (failed) span.setStatus({ code: api.SpanStatusCode.ERROR });
      span.end();
    },
  };
}

/** The headers that tell a host which trace a request belongs to; none for a host that is not to know. */
export function traceHeaders(host: string): Readonly<Record<string, string>> {
  return tracing?.hosts.has(host) ? ownTraceHeaders() : {};
}

/** The headers that tell another server of ours which trace a request belongs to; none without traces. */
export function ownTraceHeaders(): Readonly<Record<string, string>> {
  if (!tracing) return {};
  const headers: Record<string, string> = {};
  tracing.api.propagation.inject(tracing.api.context.active(), headers);
  return headers;
}

/** What a line of the log says of the trace in which it was written. */
export function traceFields(): Readonly<Record<string, string>> {
  if (!tracing) return {};
  const span = tracing.api.trace.getActiveSpan();
  return span === undefined ? {} : fieldsOf(span);
}

function fieldsOf(span: Span): Readonly<Record<string, string>> {
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId };
}

/** Whether work that is done now belongs to a span. */
export function isWithinSpan(): boolean {
  return tracing?.api.trace.getActiveSpan() !== undefined;
}

function fail(api: Api, span: Span, error: unknown): void {
  if (error instanceof Error) span.recordException(error);
  span.setStatus({ code: api.SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
}
