// The real OpenTelemetry Collector, to which servers send their traces in each form that OTLP has (over HTTP as protobuf, which
// is the default, and as JSON, and by gRPC): what it takes in is whole, and is what OpenTelemetry's conventions demand.
// Building the collector takes minutes, so it is done where GOKURA_COLLECTOR is set:
// GOKURA_COLLECTOR=1 npx vitest run test/conformance/telemetry
// Sources: OpenTelemetry, "Semantic Conventions" 1.38 (HTTP spans, database client spans, "Resource: service"); "OTLP
// Specification" 1.9, "JSON Protobuf Encoding" (what the collector writes down).
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goProgram, required } from "../../clients/installed.ts";
import { atEnd } from "../../support/at-end.ts";
import { testDatabase } from "../../support/database.ts";
import { fakeUpstream } from "../../support/fake-upstream.ts";
import { freePort } from "../../support/free-port.ts";
import { serveGokura } from "../../support/gokura-process.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN } from "../../support/server.ts";
import { temporary } from "../../support/temporary.ts";

const TIMEOUT_MS = 900_000;
const LIB = "gokura.test/root/lib";
const FAR = "example.com/far";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

/** opentelemetry/proto/trace/v1/trace.proto, Span.SpanKind. */
const [INTERNAL, SERVER, CLIENT] = [1, 2, 3];

type Attributes = Readonly<Record<string, unknown>>;
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly about: Attributes;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

const attributesOf = (all: readonly KeyValue[] = []): Attributes =>
  Object.fromEntries(all.map(({ key, value }) => [key, Object.values(value)[0]]));

interface Collector {
  /** Where it takes in what comes over HTTP, and by gRPC. */
  readonly endpoints: { readonly http: string; readonly grpc: string };
  /** What it has taken in so far. */
  taken(): { readonly resources: Attributes[]; readonly spans: Span[] };
  /** Has it write down what it has. */
  stop(): Promise<void>;
}

async function startCollector(program: string): Promise<Collector> {
  const [http, grpc] = [await freePort(), await freePort()];
  const directory = temporary("collector");
  const [settings, traces] = [join(directory, "collector.yaml"), join(directory, "traces.json")];
  const protocols = { http: { endpoint: `127.0.0.1:${http}` }, grpc: { endpoint: `127.0.0.1:${grpc}` } };
  const text = JSON.stringify({
    receivers: { otlp: { protocols } },
    exporters: { file: { path: traces } },
    service: {
      pipelines: { traces: { receivers: ["otlp"], exporters: ["file"] } },
      telemetry: { metrics: { level: "none" } },
    },
  });
  writeFileSync(settings, text); // YAML holds all JSON
  const child = spawn(program, [`--config=file:${settings}`], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
  });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  atEnd(() => void child.kill("SIGKILL"));
  for (const port of [http, grpc])
    await expect.poll(() => (child.exitCode === null ? answers(port) : said), { timeout: 30_000 }).toBe(true);
  return {
    endpoints: { http: `http://127.0.0.1:${http}`, grpc: `http://127.0.0.1:${grpc}` },
    taken() {
      const resources: Attributes[] = [];
      const spans: Span[] = [];
      for (const line of readFileSync(traces, "utf8").split("\n").filter(Boolean))
        for (const { resource, scopeSpans } of JSON.parse(line).resourceSpans) {
          resources.push(attributesOf(resource.attributes));
          for (const scope of scopeSpans)
            for (const span of scope.spans) spans.push({ ...span, about: attributesOf(span.attributes) });
        }
      return { resources, spans };
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = net.connect(port, "127.0.0.1", () => done(true));
    socket.once("error", () => done(false)).once("connect", () => socket.destroy());
  });

for (const protocol of ["http/protobuf", "http/json", "grpc"] as const)
  test.runIf(process.env.GOKURA_COLLECTOR !== undefined)(
    `the collector takes in what a server sends as ${protocol}`,
    { timeout: TIMEOUT_MS },
    async (context) => {
      const collector = await startCollector(
        required(await goProgram(join(import.meta.dirname, "collector")), context),
      );
      const upstream = await fakeUpstream();
      await upstream.version(FAR, "v1.0.0");
      const server = await serveGokura({
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoints[protocol === "grpc" ? "grpc" : "http"],
        ...(protocol === "http/protobuf" ? {} : { OTEL_EXPORTER_OTLP_PROTOCOL: protocol }),
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
        DATABASE_URL: await testDatabase(),
        GOKURA_DATA_DIR: temporary("collected"),
        GOKURA_MODULE_HOST: "gokura.test",
        GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
        GOKURA_UPSTREAM: upstream.url,
        GOKURA_UPSTREAM_VERIFY: "off",
      });
      const get = (path: string, headers: Record<string, string> = {}) =>
        ask(server.url, `/api/v4/packages/go/${path}`, { headers: { ...bearer(ADMIN_TOKEN), ...headers } });
      const traceparent = `00-${TRACE}-${PARENT}-01`;
      expect((await get(`${FAR}/@v/v1.0.0.zip`, { traceparent })).status).toBe(200);
      await pushRecipe(remoteOf(server.url, "root/lib", ADMIN_TOKEN), (r) => {
        r.tag("v1.0.0", r.commit({ "go.mod": `module ${LIB}\n` }));
      });
      expect((await get(`${LIB}/@v/v1.0.0.zip`)).status).toBe(200);
      expect((await get(`${LIB}/@v/v9.9.9.info`)).status).toBe(404);
      const { stderr } = await server.stop();
      await collector.stop();

      const { resources, spans } = collector.taken();
      expect(new Set(resources.map((about) => about["service.name"]))).toEqual(new Set(["gokura"]));
      expect(resources[0]).toMatchObject({
        "service.instance.id": expect.any(String),
        "deployment.environment.name": "test",
        "telemetry.sdk.language": "nodejs",
      });
      const known = new Map(spans.map((span) => [span.spanId, span]));
      expect(known.size).toBe(spans.length);
      const lost = spans.filter(
        ({ parentSpanId }) => parentSpanId && parentSpanId !== PARENT && !known.has(parentSpanId),
      );
      expect(lost.map(({ name }) => name)).toEqual([]);
      for (const span of spans) {
        const parent = known.get(span.parentSpanId);
        if (parent) expect(span.traceId).toBe(parent.traceId);
        expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
      }
      const named = (name: string): Span[] => spans.filter((span) => span.name === name);
      expect(named("GET go").find(({ traceId }) => traceId === TRACE)).toMatchObject({ parentSpanId: PARENT });
      // What was asked for is here, each with the kind that it has, below the request or the job that it belongs to.
      expect(new Set(named("GET go").map(({ kind }) => kind))).toEqual(new Set([SERVER]));
      expect(new Set(named("upstream").map(({ kind }) => kind))).toEqual(new Set([CLIENT]));
      expect(new Set(named("git receive-pack").map(({ kind }) => kind))).toEqual(new Set([INTERNAL]));
      expect(named("zip").map(({ about }) => about["gokura.module"])).toEqual([LIB]);
      expect(spans.filter(({ name }) => name.startsWith("job ")).length).toBeGreaterThan(0);
      expect(named("SELECT").length).toBeGreaterThan(0);
      for (const { kind, about } of spans) {
        if (kind === SERVER)
          expect(about).toMatchObject({
            "http.request.method": expect.any(String),
            "http.response.status_code": expect.anything(),
            "url.path": expect.any(String),
            "url.scheme": "http",
          });
        if (kind === CLIENT && about["db.system.name"] === undefined)
          expect(about).toMatchObject({
            "http.request.method": expect.any(String),
            "url.full": expect.stringMatching(/^https?:/),
            "server.address": expect.any(String),
            "server.port": expect.anything(),
          });
      }
      expect(JSON.stringify(spans)).not.toContain(ADMIN_TOKEN);
      // Lines of the log lead to spans that the collector has.
      const lines = stderr.split("\n").filter((line) => line.includes('"trace_id"'));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        const { trace_id, span_id } = JSON.parse(line);
        expect([line, known.get(span_id)?.traceId]).toEqual([line, trace_id]);
      }
    },
  );
