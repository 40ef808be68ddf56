// GOKURA_LOG_REQUESTS: which requests have a line in the log.
import { expect, test } from "vitest";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const requestsOf = ({ logged }: TestServer): { path: string; status: number }[] =>
  logged.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "request");

test("none: only pushes and what broke", async () => {
  const server = await testServer({
    environment: { GOKURA_LOG_REQUESTS: "none", GOKURA_UPSTREAM: "http://127.0.0.1:1" },
  });
  const token = await server.token("alice");
  await pushRecipe(remoteOf(server.url, "alice/lib", token), (r) => r.tag("v1.0.0", r.commit({ "a.go": "package a" })));
  expect((await ask(server.url, "/-/health")).status).toBe(200);
  expect((await ask(server.url, "/nothing")).status).toBe(404);
  const { status } = await ask(server.url, "/api/v4/packages/go/example.com/a/@v/v1.0.0.info");
  expect(status).toBeGreaterThanOrEqual(500);
  expect(requestsOf(server).map(({ path }) => path.split("/").at(-1))).toEqual(["git-receive-pack", "v1.0.0.info"]);
});

test("one in so many", async () => {
  const server = await testServer({ environment: { GOKURA_LOG_REQUESTS: "1/4" } });
  const before = requestsOf(server).length;
  for (let n = 0; n < 200; n++) await ask(server.url, "/-/health");
  const logged = requestsOf(server).length - before;
  expect(logged).toBeGreaterThan(15); // 50, give or take: less than one run in a million is outside
  expect(logged).toBeLessThan(95);
});
