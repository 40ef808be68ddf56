// What a browser gets at the address of GraphQL, in production too: a page that is whole in itself.
import { createHash } from "node:crypto";
import { Script } from "node:vm";
import { beforeAll, expect, test } from "vitest";
import { testRegistry } from "../../support/registry.ts";
import { type GraphqlServer, serveGraphql } from "../graphql-server.ts";

const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

let server: GraphqlServer;

beforeAll(async () => {
  server = await serveGraphql(await testRegistry()); // a production server
});

test("a browser gets a page in which nothing comes from elsewhere, and nothing else may run", async () => {
  const response = await fetch(server.url, { headers: BROWSER });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const page = await response.text();
  expect(page).not.toMatch(/https?:|\ssrc=|<link|@import|url\(/);
  const policy = response.headers.get("content-security-policy")!;
  const texts = (tag: string) =>
    [...page.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, "gs"))].map(([, text]) => text!);
  for (const [tag, directive] of [
    ["script", "script-src"],
    ["style", "style-src"],
  ] as const) {
    const sums = texts(tag).map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
    expect([directive, sums.length]).toEqual([directive, 1]);
    expect(policy).toContain(`${directive} ${sums[0]};`);
  }
  expect(policy).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/);
});

test("the form asks this address with what was typed, and shows the answer", async () => {
  const page = await (await fetch(server.url, { headers: BROWSER })).text();
  const [, script] = /<script>(.*?)<\/script>/s.exec(page)!;
  const fields: Record<string, { value: string; textContent: string; submit?: (event: object) => Promise<void> }> = {};
  for (const id of ["form", "query", "variables", "token", "answer"]) fields[id] = { value: "", textContent: "" };
  const document = {
    getElementById: (id: string) =>
      Object.assign(fields[id]!, {
        addEventListener: (_: string, listener: (event: object) => Promise<void>) => (fields[id]!.submit = listener),
      }),
  };
  const location = { pathname: new URL(server.url).pathname };
  const ask = (path: string, init: RequestInit) => fetch(new URL(path, server.url), init);
  new Script(script!).runInNewContext({ document, location, fetch: ask });
  fields.query!.value = "query ($path: String!) { goModule(path: $path) { path } }";
  fields.variables!.value = '{"path": "example.com/none"}';
  await fields.form!.submit!({ preventDefault() {} });
  expect(fields.answer!.textContent).toBe(`200\n${JSON.stringify({ data: { goModule: null } }, undefined, 2)}`);
});

test("programs that ask with GET are no browsers", async () => {
  const response = await fetch(`${server.url}?query={__typename}`, { headers: BROWSER });
  expect(response.headers.get("content-type")).toMatch(/json/);
  expect((await fetch(server.url, { headers: { accept: "application/json" } })).status).toBe(400);
});
