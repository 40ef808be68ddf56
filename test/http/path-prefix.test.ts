// A GOKURA_URL with a path, behind a reverse proxy that has more than us: whether the proxy leaves the path in what it hands
// on or takes it off, go, git and REST work, and every address that we give out has it.
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { goCommand } from "../support/go.ts";
import { ask, basic, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { hasProxy, type ReverseProxy, startProxy } from "../support/reverse-proxy.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";
import { browser } from "../web/browser.ts";
import { walk } from "../web/walk.ts";

const PREFIX = "/tools/gokura";

const PROXIES: readonly [said: string, proxy: ReverseProxy, takesOff: boolean][] = [
  ["a proxy that leaves the path", "plain", false],
  ["a proxy that takes the path off", "plain", true],
  ["nginx", "nginx", false],
  ["Caddy", "caddy", false],
  ["Caddy with handle_path", "caddy", true],
];

// nginx and Caddy only where they are on the PATH.
describe.each(PROXIES.filter(([, proxy]) => hasProxy(proxy)))("%s", (_, proxy, takesOff) => {
  let server: TestServer;
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}${PREFIX}`;
    server = await testServer({ environment: { GOKURA_URL: `${url}/` } });
    await startProxy(proxy, port, server.port, { path: PREFIX, takesOff });
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
    // Outside there is nothing of us.
    expect((await get("/api/v4/groups")).text).not.toContain('"full_path"');
  });

  test("pages: signing in, and every link", async () => {
    const visitor = await browser(new URL(url).origin);
    const at = (path: string): string => `${PREFIX}${path}`;
    const asked = await visitor.get(at("/secret/lib?tab=readme"));
    const signIn = String(asked.headers.location);
    expect([asked.status, signIn]).toEqual([303, expect.stringMatching(`^${PREFIX}/-/sign-in\\?return_to=`)]);
    const returned = await visitor.submit(signIn, at("/-/sign-in"), { token: ADMIN_TOKEN });
    expect([returned.status, returned.headers.location]).toEqual([303, at("/secret/lib?tab=readme")]);
    await visitor.submit(at("/"), at("/-/sign-out"));
    const signedIn = await visitor.submit(at("/-/sign-in"), at("/-/sign-in"), { token: ADMIN_TOKEN });
    expect([signedIn.status, signedIn.headers.location]).toEqual([303, expect.stringMatching(`^${PREFIX}/`)]);
    expect((await visitor.get(at("/-/user_settings/personal_access_tokens"))).status).toBe(200);
    const feed = await visitor.get(at(`/-/go/${MODULE_HOST}/root/lib.atom`));
    const links = [...feed.text.matchAll(/href="([^"]+)"/g)].map(([, link = ""]) => link);
    expect(links).toHaveLength(3);
    for (const link of links) expect((await visitor.get(link.slice(new URL(url).origin.length))).status).toBe(200);
    const graphql = await visitor.get(at("/api/graphql"));
    expect([graphql.status, graphql.headers["content-type"]]).toEqual([200, expect.stringContaining("text/html")]);
    // The pages are the same ones, whoever stands in front: all of them once for each way of handing on the path.
    if (proxy !== (takesOff ? "caddy" : "plain")) return;
    const { pages, dead } = await walk(visitor, at("/"));
    expect(dead).toEqual([]);
    const source = at(`/-/src/${MODULE_HOST}/root/lib@v1.0.0/a.go`);
    expect([...pages.keys()]).toEqual(expect.arrayContaining([at("/root/lib"), source, at("/admin/users")]));
    expect([...pages.keys()].filter((path) => !path.startsWith(`${PREFIX}/`))).toEqual([]);
  });
});
