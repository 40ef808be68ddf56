// A GOKURA_URL with a path, behind a reverse proxy that has more than us: whether the proxy leaves the path in what it hands
// on or takes it off, go, git and REST work, and every address that we give out has it.
import http from "node:http";
import type net from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { atEnd } from "../support/at-end.ts";
import { eventually } from "../support/eventually.ts";
import { goCommand } from "../support/go.ts";
import { ask, basic, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

const PREFIX = "/tools/gokura";

/** A reverse proxy that has us at PREFIX and knows nothing else. */
async function reverseProxy(takesOff: boolean): Promise<{ url: string; to(port: number): void }> {
  let port = 0;
  const proxy = http.createServer((incoming, outgoing) => {
    const asked = incoming.url!;
    if (!asked.startsWith(PREFIX)) return void outgoing.writeHead(404).end("the proxy has no such place\n");
    const { method, headers } = incoming;
    const path = takesOff ? asked.slice(PREFIX.length) || "/" : asked;
    const onwards = http.request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    onwards.on("error", () => outgoing.destroy());
    incoming.pipe(onwards);
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  atEnd(() => new Promise((done) => proxy.close(done)));
  return {
    url: `http://127.0.0.1:${(proxy.address() as net.AddressInfo).port}${PREFIX}`,
    to(target) {
      port = target;
    },
  };
}

describe.each([
  ["leaves the path", false],
  ["takes the path off", true],
])("a proxy that %s", (_, takesOff) => {
  let server: TestServer;
  let url: string;

  beforeAll(async () => {
    const proxy = await reverseProxy(takesOff);
    ({ url } = proxy);
    server = await testServer({ environment: { GOKURA_URL: `${url}/` } });
    proxy.to(server.port);
    await pushRecipe(remoteOf(url, "root/lib", ADMIN_TOKEN), (r) =>
      r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/root/lib\n`, "a.go": "package lib\n" })),
    );
  });

  test("the go command", async () => {
    // go sends credentials over https only
    const query = `mutation { a: groupUpdate(input: { fullPath: "root", visibility: PUBLIC }) { errors }
      b: projectUpdate(input: { fullPath: "root/lib", visibility: PUBLIC }) { errors } }`;
    const changed = await ask(new URL(url).origin, `${PREFIX}/api/graphql`, {
      ...{ method: "POST", headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" } },
      body: JSON.stringify({ query }),
    });
    expect(JSON.parse(changed.text)).toEqual({ data: { a: { errors: [] }, b: { errors: [] } } });
    const go = goCommand({ GOPROXY: `${url}/api/v4/packages/go`, GONOSUMDB: MODULE_HOST });
    const list = await eventually(
      () => go.must("list", "-m", "-versions", `${MODULE_HOST}/root/lib`),
      (text) => text.includes("v1.0.0"),
      5_000,
    );
    expect(list).toBe(`${MODULE_HOST}/root/lib v1.0.0\n`);
    await go.must("mod", "download", `${MODULE_HOST}/root/lib@v1.0.0`);
  });

  test("git, and what is asked for ?go-get=1", async () => {
    const refs = await tryGit(["ls-remote", remoteOf(url, "root/lib", ADMIN_TOKEN)]);
    expect(refs.output).toContain("refs/tags/v1.0.0");
    const page = await ask(new URL(url).origin, `${PREFIX}/root/lib?go-get=1`, { headers: basic("root", ADMIN_TOKEN) });
    expect(page.text).toContain(`git ${url}/root/lib.git`);
  });

  test("REST, whose addresses can be followed, GraphQL, and the first page", async () => {
    const get = (path: string) => ask(new URL(url).origin, path, { headers: bearer(ADMIN_TOKEN) });
    for (const name of ["a", "b"])
      await ask(new URL(url).origin, `${PREFIX}/api/v4/groups`, {
        ...{ method: "POST", headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" } },
        body: JSON.stringify({ name, path: name }),
      });
    const groups = await get(`${PREFIX}/api/v4/groups?per_page=1`);
    const next = /<([^>]+)>; rel="next"/.exec(String(groups.headers.link))?.[1];
    expect(next).toMatch(new RegExp(`^${url}/api/v4/groups\\?`));
    expect((await get(next!.slice(new URL(url).origin.length))).status).toBe(200);
    expect((await get(PREFIX)).text).toContain(`${url}/api/graphql`);
    expect((await get(`${PREFIX}/-/health`)).status).toBe(200);
    expect((await get("/api/v4/groups")).text).toBe("the proxy has no such place\n");
  });
});
