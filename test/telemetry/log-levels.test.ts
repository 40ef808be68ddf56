// An error in the log means that a person must act now. What a client sent, and what other people's servers do, is none.
import http from "node:http";
import type net from "node:net";
import { beforeAll, expect, test } from "vitest";
import { atEnd } from "../support/at-end.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
let behindDirect: TestServer;

beforeAll(async () => {
  const redirecting = http.createServer((_, res) => res.writeHead(302, { location: "http://10.1.2.3/secret" }).end());
  await new Promise<void>((done) => redirecting.listen(0, "127.0.0.1", done));
  atEnd(() => new Promise((done) => redirecting.close(done)));
  const { port } = redirecting.address() as net.AddressInfo;
  server = await testServer({
    environment: { GOKURA_UPSTREAM: `http://127.0.0.1:${port}`, GOKURA_VULNDB: `http://127.0.0.1:${port}` },
  });
  behindDirect = await testServer({ environment: { GOKURA_UPSTREAM: "direct" } });
});

const errorsOf = ({ logged }: TestServer): string[] => logged.filter((line) => JSON.parse(line).level === "error");

test("a name of a persisted query that is not that of its text, or of another version", async () => {
  for (const persistedQuery of [
    { version: 1, sha256Hash: "0".repeat(64) },
    { version: 2, sha256Hash: "0".repeat(64) },
  ]) {
    const body = JSON.stringify({ query: "{ currentUser { username } }", extensions: { persistedQuery } });
    const headers = { "content-type": "application/json" };
    const answer = await ask(server.url, "/api/graphql", { method: "POST", headers, body });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).errors[0].extensions.code).toBe("BAD_REQUEST");
  }
  expect(errorsOf(server)).toEqual([]);
});

test("redirects that are refused", async () => {
  for (const name of ["a", "b", "c", "d", "e"]) {
    const { status } = await ask(server.url, `/api/v4/packages/go/example.com/${name}/@v/v1.0.0.info`);
    expect(status).toBeGreaterThanOrEqual(500);
  }
  expect(errorsOf(server)).toEqual([]);
});

test("a host that does not exist, behind direct", async () => {
  const { status } = await ask(behindDirect.url, "/api/v4/packages/go/no-such-host.invalid/x/@v/v1.0.0.info");
  expect(status).toBeGreaterThanOrEqual(400);
  expect(errorsOf(behindDirect)).toEqual([]);
});

test("a vulnerability database that cannot be had", async () => {
  const told = (): string[] => server.logged.filter((line) => line.includes("could not be mirrored"));
  await expect.poll(told).toHaveLength(1);
  expect(JSON.parse(told()[0]!)).toMatchObject({ level: "warn", reason: expect.any(String) });
  expect(errorsOf(server)).toEqual([]);
});
