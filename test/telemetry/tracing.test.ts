// Traces over OpenTelemetry's real SDK and its protocol (OTLP over HTTP, in its JSON form), to a receiver of this test: which
// spans there are, what belongs to what, who is told of it, and that without them nothing is any different.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { startApp } from "../../src/app.ts";
import { PRODUCT_VERSION, readConfig } from "../../src/config.ts";
import { generateSignerKey } from "../../src/sumdb/note.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";
import { temporary } from "../support/temporary.ts";

/** As the protocol has it (opentelemetry/proto/trace/v1/trace.proto). */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined, or empty: it is the first of its trace. */
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number };
}

const SERVER = 2;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

const spans: Span[] = [];
const services = new Set<unknown>();
const logged: string[] = [];
let upstream: FakeUpstream;
let stranger: FakeUpstream;
let url: string;
let variables: Record<string, string>;
let flush: () => Promise<void>;

beforeAll(async () => {
  const receiver = http.createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    expect([req.url, req.headers["content-type"]]).toEqual(["/v1/traces", "application/json"]);
    for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString("utf8")).resourceSpans) {
      for (const { key, value } of resource.attributes) if (key === "service.name") services.add(value.stringValue);
      for (const { scope, spans: some } of scopeSpans) {
        expect(scope).toEqual({ name: "gokura", version: PRODUCT_VERSION });
        spans.push(...some);
      }
    }
    res.setHeader("content-type", "application/json").end("{}");
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  atEnd(() => void receiver.close());
  upstream = await fakeUpstream();
  stranger = await fakeUpstream();
  await stranger.version("example.com/far", "v1.0.0");
  const forSdk = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "50",
  };
  Object.assign(process.env, forSdk); // the SDK reads them by itself
  variables = {
    ...forSdk,
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: temporary("traced"),
    GOKURA_LISTEN: "127.0.0.1:0",
    GOKURA_MODULE_HOST: "gokura.test",
    GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
    GOKURA_UPSTREAM: `${upstream.url},${stranger.url}`,
    GOKURA_UPSTREAM_VERIFY: "off",
    GOKURA_TRACE_HOSTS: upstream.host,
    GOKURA_SUMDB_KEY: generateSignerKey("gokura.test/sumdb"),
    GOKURA_SECRET_KEY: "k".repeat(43),
  };
  const app = await startApp(
    readConfig(variables),
    createLog("info", { write: (line: string) => void logged.push(line) }),
  );
  let stopped: Promise<void> | undefined;
  flush = () => (stopped ??= app.stop());
  atEnd(() => flush());
  url = app.url;
});

const attribute = (span: Span | undefined, name: string): unknown =>
  Object.values(span?.attributes.find(({ key }) => key === name)?.value ?? {})[0];
/** The names of the spans from one up to the request or job that it belongs to. */
function waysUp(span: Span): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [span.name, ...(parent ? waysUp(parent) : [])];
}
const find = (condition: (span: Span) => boolean): Promise<Span> =>
  expect
    .poll(() => spans.find(condition), { timeout: 10_000 })
    .toBeDefined()
    .then(() => spans.find(condition)!);

test("a request is a span of the caller's trace, with what it asked of the database and of upstreams below it", async () => {
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, baggage: "secret=of-ours" };
  const answer = await ask(url, "/api/v4/packages/go/example.com/far/@v/v1.0.0.info", { headers });
  expect(answer.status).toBe(200);
  const request = await find(({ traceId, kind }) => traceId === TRACE && kind === SERVER);
  expect(request).toMatchObject({ name: "GET go", parentSpanId: PARENT });
  expect(attribute(request, "http.response.status_code")).toBe(200);
  expect(attribute(request, "url.path")).toBe("/api/v4/packages/go/example.com/far/@v/v1.0.0.info");
  expect(attribute(request, "url.scheme")).toBe("http");
  const ofHost = ({ url: host }: FakeUpstream) =>
    find((span) => span.traceId === TRACE && attribute(span, "url.full") === `${host}/example.com/far/@v/v1.0.0.info`);
  const asked = [await ofHost(upstream), await ofHost(stranger)];
  expect(asked.map((span) => `${attribute(span, "server.address")}:${attribute(span, "server.port")}`)).toEqual([
    upstream.host,
    stranger.host,
  ]);
  expect(asked.map((span) => attribute(span, "http.response.status_code"))).toEqual([404, 200]);
  for (const span of asked) expect(waysUp(span)).toEqual(["upstream", "GET go"]);
  const statement = await find((span) => span.traceId === TRACE && span.name === "SELECT");
  expect(waysUp(statement).at(-1)).toBe("GET go");
  expect(attribute(statement, "db.system.name")).toBe("postgresql");
  expect([...services]).toEqual(["gokura"]);
});

test("only upstreams that were named are told of the trace", async () => {
  const [named] = upstream.headers("example.com/far/@v/v1.0.0.info");
  expect(named!.traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  const [other] = stranger.headers("example.com/far/@v/v1.0.0.info");
  expect([other!.traceparent, other!.baggage]).toEqual([undefined, undefined]);
});

test("lines of the log name the trace", async () => {
  const line = await expect
    .poll(() => logged.map((text) => JSON.parse(text)).find(({ path = "" }) => path.includes("far/@v/v1.0.0.info")))
    .toBeDefined()
    .then(() => logged.map((text) => JSON.parse(text)).find(({ path = "" }) => path.includes("far/@v/v1.0.0.info")));
  expect(line).toMatchObject({ trace_id: TRACE, span_id: expect.stringMatching(/^[0-9a-f]{16}$/) });
});

test("a push has spans of git, its jobs and zips have their own, and no span holds a secret", async () => {
  await ask(url, "/api/v4/groups", {
    method: "POST",
    headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" },
    body: JSON.stringify({ name: "acme", path: "acme" }),
  });
  await pushRecipe(remoteOf(url, "acme/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/acme/lib\n" }));
  });
  const zip = await ask(url, "/api/v4/packages/go/gokura.test/acme/lib/@v/v1.0.0.zip", {
    headers: bearer(ADMIN_TOKEN),
  });
  expect(zip.status).toBe(200);
  const push = await find(({ name, kind }) => name === "POST git" && kind === SERVER);
  await find(({ name, parentSpanId }) => name === "git receive-pack" && parentSpanId === push.spanId);
  expect(attribute(await find(({ name }) => name === "zip"), "gokura.module")).toBe("gokura.test/acme/lib");
  await find(({ name }) => name.startsWith("job "));
  expect(spans.map(({ name }) => name).filter((name) => /^git (?![a-z-]+$)/.test(name))).toEqual([]);
  expect(JSON.stringify(spans)).not.toContain(ADMIN_TOKEN);
});

test("what another server passes on is a part of the same trace, below that server's span", async () => {
  const settings = { ...variables, GOKURA_ROLE: "read", GOKURA_DATA_DIR: sharingBlobs(variables.GOKURA_DATA_DIR!) };
  const reader = await startApp(readConfig(settings), createLog("silent"));
  atEnd(() => reader.stop());
  const path = "/api/v4/projects/acme%2Flib/repository/branches";
  expect((await ask(reader.url, path, { headers: bearer(ADMIN_TOKEN) })).status).toBe(200);
  const both = (): Span[] => spans.filter((span) => String(attribute(span, "url.path")).endsWith("/branches"));
  await expect.poll(() => both().length).toBe(2);
  const [first, second] = both();
  const [passed, passing] = first!.parentSpanId ? [first!, second!] : [second!, first!];
  expect([passed.traceId, passed.parentSpanId, passing.parentSpanId]).toEqual([
    passing.traceId,
    passing.spanId,
    undefined,
  ]);
});

test("an answer from memory has no span", async () => {
  const path = "/api/v4/packages/go/gokura.test/acme/lib/@v/v1.0.0.mod";
  const get = () => ask(url, path, { headers: { ...bearer(ADMIN_TOKEN), traceparent: `00-${TRACE}-${PARENT}-01` } });
  await get();
  const hot = await get();
  expect(hot.status).toBe(200);
  await ask(url, "/-/health"); // comes later, and has one
  await find((span) => attribute(span, "url.path") === "/-/health");
  expect(spans.filter((span) => attribute(span, "url.path") === path)).toHaveLength(1);
});

test("the last spans are sent when the server stops", async () => {
  const answer = await ask(url, "/api/v4/packages/go/example.com/far/@v/v1.0.0.zip?last", {
    headers: { traceparent: `00-${TRACE.replace("0af", "fff")}-${PARENT}-01` },
  });
  expect(answer.status).toBe(200);
  await flush();
  expect(spans.some(({ traceId }) => traceId === TRACE.replace("0af", "fff"))).toBe(true);
});
