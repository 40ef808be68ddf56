// Pages of lists (src/http/rest/pages.ts): the headers byte for byte as GitLab's clients want them, by number and by
// position, with the addresses that the client uses.
import pg from "pg";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Answer, ask, bearer } from "../../support/http.ts";
import { type Rest, restOf } from "../../support/rest-document.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let rest: Rest;

beforeAll(async () => {
  server = await testServer();
  rest = await restOf(server.url);
  for (const name of ["x1", "x2", "x3", "x4", "x5", "other"])
    await rest("POST", "/projects", ADMIN_TOKEN, { body: { name } });
});

const PAGING = /^(x-(total|total-pages|per-page|page|next-page|prev-page)|link)$/;
const paging = ({ headers }: Answer) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => PAGING.test(name)));
const paths = (json: { path: string }[]) => json.map((project) => project.path);

describe("by number", () => {
  test("the second of three pages", async () => {
    const answer = await rest("GET", "/projects?page=2&per_page=2&search=x", ADMIN_TOKEN);
    const at = (page: number) => `<${server.url}/api/v4/projects?page=${page}&per_page=2&search=x>`;
    expect(paging(answer)).toEqual({
      "x-total": "5",
      "x-total-pages": "3",
      "x-per-page": "2",
      "x-page": "2",
      "x-next-page": "3",
      "x-prev-page": "1",
      link: `${at(1)}; rel="prev", ${at(3)}; rel="next", ${at(1)}; rel="first", ${at(3)}; rel="last"`,
    });
    expect(paths(answer.json)).toEqual(["x3", "x2"]);
    expect(paging(await rest("HEAD", "/projects?page=2&per_page=2&search=x", ADMIN_TOKEN))).toEqual(paging(answer));
  });

  test("both ends, and past the end", async () => {
    const first = await rest("GET", "/projects?per_page=2&search=x", ADMIN_TOKEN);
    expect(first.headers).toMatchObject({ "x-page": "1", "x-next-page": "2", "x-prev-page": "" });
    expect(String(first.headers.link).match(/rel="\w+"/g)).toEqual(['rel="next"', 'rel="first"', 'rel="last"']);
    const last = await rest("GET", "/projects?per_page=2&search=x&page=3", ADMIN_TOKEN);
    expect(last.headers).toMatchObject({ "x-page": "3", "x-next-page": "", "x-prev-page": "2" });
    expect(String(last.headers.link).match(/rel="\w+"/g)).toEqual(['rel="prev"', 'rel="first"', 'rel="last"']);
    const past = await rest("GET", "/projects?per_page=2&search=x&page=9", ADMIN_TOKEN);
    expect([past.status, past.json, past.headers["x-total"]]).toEqual([200, [], "5"]);
    const far = await rest("GET", "/projects?page=999999999999&per_page=100", ADMIN_TOKEN);
    expect([far.status, far.json]).toEqual([200, []]);
    const none = await rest("GET", "/projects?search=nothing", ADMIN_TOKEN);
    expect(none.headers).toMatchObject({ "x-total": "0", "x-total-pages": "1", "x-next-page": "", "x-prev-page": "" });
  });

  test.each([
    ["per_page=1000", "100"],
    ["per_page=100", "100"],
    ["", "20"],
    ["per_page=", "20"],
  ])("per_page: %s", async (query, perPage) => {
    expect((await rest("GET", `/projects?${query}`, ADMIN_TOKEN)).headers["x-per-page"]).toBe(perPage);
  });

  test.each([
    ["per_page=0", "per_page does not have a valid value"],
    ["per_page=-1", "per_page does not have a valid value"],
    ["page=0", "page does not have a valid value"],
    ["page=two", "page is invalid"],
    ["page=1.5", "page is invalid"],
    ["sort=up", "sort does not have a valid value"],
  ])("refused: %s", async (query, error) => {
    const answer = await rest("GET", `/projects?${query}`, ADMIN_TOKEN);
    expect([answer.status, answer.json]).toEqual([400, { error, reason: "invalid_request" }]);
  });

  test("addresses keep what was given, and hold no comma and no semicolon", async () => {
    const { headers } = await rest(
      "GET",
      "/projects?topic=a%2Cb&search=a;b,c&skip[]=1&skip[]=2&per_page=1",
      ADMIN_TOKEN,
    );
    const link = String(headers.link);
    expect(link.split(", ").every((one) => /^<[^,;<>]+>; rel="\w+"$/.test(one))).toBe(true);
    const url = new URL(/<([^>]+)>; rel="first"/.exec(link)![1]!);
    expect([...url.searchParams]).toEqual([
      ["page", "1"],
      ["per_page", "1"],
      ["search", "a;b,c"],
      ["skip[]", "1"],
      ["skip[]", "2"],
      ["topic", "a,b"],
    ]);
    const group = await rest("POST", "/groups", ADMIN_TOKEN, { body: { name: "g", path: "g.x" } });
    expect(group.status).toBe(201);
    const of = await rest("GET", "/groups/g%2Ex//projects/", ADMIN_TOKEN);
    expect(of.headers.link).toContain(`<${server.url}/api/v4/groups/g%2Ex/projects?page=1&per_page=20>; rel="first"`);
  });
});

describe("by position", () => {
  test.each(["asc", "desc"])("all of them, one link after the other: %s", async (sort) => {
    const seen: string[] = [];
    let path = `/projects?search=x&pagination=keyset&order_by=id&sort=${sort}&per_page=2`;
    for (let pages = 1; ; pages++) {
      const answer = await rest("GET", path, ADMIN_TOKEN);
      seen.push(...paths(answer.json));
      const headers = paging(answer);
      if (pages === 3) {
        expect(headers).toEqual({});
        break;
      }
      expect(Object.keys(headers)).toEqual(["link"]);
      const match = /^<([^>]+)>; rel="next"$/.exec(String(headers.link))!;
      const url = new URL(match[1]!);
      expect(url.origin).toBe(server.url);
      expect([...url.searchParams.keys()]).toEqual([
        ...(sort === "asc" ? ["id_after"] : ["id_before"]),
        "order_by",
        "pagination",
        "per_page",
        "search",
        "sort",
      ]);
      // one that comes in between is not seen twice and hides nothing
      path = `${url.pathname.slice("/api/v4".length)}${url.search}`;
    }
    expect(seen).toEqual(sort === "asc" ? ["x1", "x2", "x3", "x4", "x5"] : ["x5", "x4", "x3", "x2", "x1"]);
  });

  test("another order is refused; without one it is by number; where there is no such thing pages are numbered", async () => {
    const wrong = await rest("GET", "/projects?pagination=keyset&order_by=name", ADMIN_TOKEN);
    expect([wrong.status, wrong.json]).toEqual([
      400,
      { error: "order_by does not have a valid value", reason: "invalid_request" },
    ]);
    expect(paths((await rest("GET", "/projects?pagination=keyset&per_page=1", ADMIN_TOKEN)).json)).toEqual(["other"]);
    const members = await rest("GET", "/groups/g%2Ex/members?pagination=keyset", ADMIN_TOKEN);
    expect(members.headers["x-total"]).toBe("1");
  });
});

describe("addresses begin with what the client used", () => {
  const linkOf = async (url: string, headers: Record<string, string>) => {
    const answer = await ask(url, "/api/v4/projects", { headers: { ...bearer(ADMIN_TOKEN), ...headers } });
    return /^<(.*?)\/api\/v4\//.exec(String(answer.headers.link))?.[1];
  };

  test("the Host that it asked for; strangers cannot say otherwise", async () => {
    expect(await linkOf(server.url, { host: "go.acme.test:81" })).toBe("http://go.acme.test:81");
    expect(await linkOf(server.url, { host: "a,b;c" })).toBe(server.url);
    const forwarded = { host: "go.acme.test", "x-forwarded-host": "evil.test", "x-forwarded-proto": "https" };
    expect(await linkOf(server.url, forwarded)).toBe("http://go.acme.test");
  });

  test("a trusted proxy says what it was asked", async () => {
    const behind = await testServer({ environment: { GOKURA_TRUST_PROXY: "127.0.0.1" } });
    const said = { host: "inner", "x-forwarded-host": "go.acme.test", "x-forwarded-proto": "https" };
    expect(await linkOf(behind.url, said)).toBe("https://go.acme.test");
    expect(await linkOf(behind.url, { ...said, "x-forwarded-port": "8443", "x-forwarded-prefix": "/go" })).toBe(
      "https://go.acme.test:8443/go",
    );
    expect(await linkOf(behind.url, { ...said, "x-forwarded-host": "a b" })).toBe("https://inner");
  });

  test("the configured one goes before all", async () => {
    const configured = await testServer({
      environment: { GOKURA_URL: "https://go.acme.test", GOKURA_TRUST_PROXY: "127.0.0.1" },
    });
    const base = `http://127.0.0.1:${configured.port}`;
    expect(await linkOf(base, { host: "other", "x-forwarded-host": "third" })).toBe("https://go.acme.test");
  });
});

test("more than ten thousand rows are not counted, and the page after is known all the same", async () => {
  const { pool } = server.registry.database;
  const { rows } = await pool.query<{ id: number }>(`SELECT id FROM "group" WHERE full_path = 'g.x'`);
  await pool.query(
    `INSERT INTO project (name, path, full_path, group_id, updated_at)
      SELECT 'p' || n, 'p' || n, 'g.x/p' || n, $1, now() FROM generate_series(1, 10001) n`,
    [rows[0]!.id],
  );
  const many = await rest("GET", "/groups/g.x/projects?page=2&per_page=100", ADMIN_TOKEN);
  expect(Object.keys(paging(many)).sort()).toEqual(["link", "x-next-page", "x-page", "x-per-page", "x-prev-page"]);
  expect(many.headers).toMatchObject({ "x-next-page": "3", "x-prev-page": "1" });
  expect(String(many.headers.link).match(/rel="\w+"/g)).toEqual(['rel="prev"', 'rel="next"', 'rel="first"']);
  await pool.query("DELETE FROM project WHERE full_path = 'g.x/p1'");
  expect((await rest("GET", "/groups/g.x/projects", ADMIN_TOKEN)).headers["x-total"]).toBe("10000");
});

/** What a connection is opened with (src/database/client.ts), and what the server asks by itself: jobs, and hooks that are due. */
const OF_ITS_OWN = /^SET |pgboss|hook_delivery|pg_listening_channels/;
const textOf = (asked: unknown): string =>
  typeof asked === "string" ? asked : String((asked as { text?: string })?.text);

test("a page of a hundred costs no more statements than a page of one", async () => {
  const counted = async (perPage: number): Promise<number> => {
    const query = vi.spyOn(pg.Client.prototype, "query");
    try {
      const answer = await rest("GET", `/projects?per_page=${perPage}&statistics=true`, ADMIN_TOKEN);
      expect(answer.json).toHaveLength(perPage);
      return query.mock.calls.filter(([asked]) => !OF_ITS_OWN.test(textOf(asked))).length;
    } finally {
      query.mockRestore();
    }
  };
  /** What the server does by itself meanwhile, such as a look at hooks that are due, only ever adds to it. */
  const fewest = async (perPage: number): Promise<number> => {
    const counts: number[] = [];
    for (let round = 0; round < 5; round++) counts.push(await counted(perPage));
    return Math.min(...counts);
  };
  await counted(1); // so that the token is known
  const [one, hundred] = [await fewest(1), await fewest(100)];
  expect(one).toBeGreaterThan(2);
  expect(hundred).toBeLessThanOrEqual(one);
});
