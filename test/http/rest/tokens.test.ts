// Personal access tokens by REST (doc/api/personal_access_tokens.md): shapes, filters, rotation, and who may.
import { beforeAll, describe, expect, test } from "vitest";
import { findUser } from "../../../src/registry/forge/users.ts";
import { eventually } from "../../support/eventually.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";
import { sharingBlobs } from "../../support/shared-blobs.ts";

let server: TestServer;
let rest: Rest;
/** Tokens of two users, made once. */
const secret = { alice: "", bob: "" };
const user = { alice: 0, bob: 0 };

const DAY_MS = 24 * 3600 * 1000;
const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

beforeAll(async () => {
  server = await testServer();
  rest = await restClient(server.url, ADMIN_TOKEN);
  for (const name of ["alice", "bob"] as const) {
    secret[name] = await server.token(name, "api");
    user[name] = (await findUser(server.registry, name))!.id;
  }
});

const MOMENT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const REFUSED = { message: "401 Unauthorized", reason: "token_required" };
const OF_ANOTHER = { message: "401 Unauthorized", reason: "token_of_another" };
const DEAD = { message: "401 Unauthorized", reason: "token_revoked" };
const make = async (name: string, input: object = {}, owner = user.alice) => {
  const made = await rest("POST", `/users/${owner}/personal_access_tokens`, { name, scopes: ["api"], ...input });
  expect(made.status).toBe(201);
  return made.json;
};

describe("making a token", () => {
  test("for a user: all of it, with the secret, this once", async () => {
    const wanted = { name: "laptop", description: "two\nlines", scopes: ["read_user", "api"], expires_at: inDays(9) };
    const { status, json } = await rest("POST", `/users/${user.alice}/personal_access_tokens`, wanted);
    expect([status, json]).toEqual([
      201,
      {
        id: expect.any(Number),
        name: "laptop",
        description: "two\nlines",
        scopes: ["api", "read_user"],
        user_id: user.alice,
        revoked: false,
        active: true,
        created_at: MOMENT,
        last_used_at: null,
        expires_at: inDays(9),
        token: expect.stringMatching(/^gkpt_\w{36}$/),
      },
    ]);
    expect((await rest("GET", "/personal_access_tokens/self", undefined, json.token)).json.id).toBe(json.id);
    const { token, ...shown } = json;
    const again = (await rest("GET", `/personal_access_tokens/${json.id}`)).json;
    expect(again).toEqual({ ...shown, last_used_at: again.last_used_at });
  });

  test("for oneself, as a form", async () => {
    const { status, json } = await rest(
      "POST",
      "/user/personal_access_tokens?name=mine",
      { scopes: "read_api" },
      secret.bob,
    );
    expect([status, json.name, json.scopes, json.user_id, json.expires_at]).toEqual([
      201,
      "mine",
      ["read_api"],
      user.bob,
      null,
    ]);
  });

  test("that expires today, or long ago, is made and is refused", async () => {
    for (const expires_at of [inDays(0), "2001-02-03"]) {
      const made = await make("over", { expires_at });
      expect([made.active, made.revoked, made.expires_at]).toEqual([false, false, expires_at]);
      expect((await rest("GET", "/personal_access_tokens/self", undefined, made.token)).status).toBe(401);
    }
  });

  test.each<[string, object, string]>([
    ["no name", { scopes: ["api"] }, "name is missing"],
    ["no scopes", { name: "x" }, "scopes is missing"],
    ["empty scopes", { name: "x", scopes: [] }, "scopes is invalid"],
    ["an unknown scope", { name: "x", scopes: ["api", "sudo"] }, "scopes does not have a valid value"],
    ["a deploy token's scope", { name: "x", scopes: ["read_package_registry"] }, "scopes does not have a valid value"],
    ["a day that is none", { name: "x", scopes: ["api"], expires_at: "2026-02-30" }, "expires_at is invalid"],
    ["a name in two lines", { name: "x\ny", scopes: ["api"] }, "control characters"],
    ["NUL", { name: "x", scopes: ["api"], description: "\0" }, "description is invalid"],
  ])("400: %s", async (_, input, why) => {
    for (const path of [`/users/${user.alice}/personal_access_tokens`, "/user/personal_access_tokens"]) {
      const { status, json } = await rest("POST", path, input);
      expect([status, JSON.stringify(json)]).toEqual([400, expect.stringContaining(why)]);
    }
  });

  test("is for administrators; a user that is not there is 404 to them", async () => {
    const input = { name: "x", scopes: ["api"] };
    for (const id of [user.alice, user.bob, 999_999]) {
      const { status, json } = await rest("POST", `/users/${id}/personal_access_tokens`, input, secret.alice);
      expect([status, json.message]).toEqual([403, expect.stringContaining("403 Forbidden")]);
    }
    for (const id of ["999999", "99999999999"]) {
      const { status, json } = await rest("POST", `/users/${id}/personal_access_tokens`, input);
      expect([status, json]).toEqual([404, { message: "404 User Not Found", reason: "not_found" }]);
    }
    const nobody = await rest("POST", `/users/${user.alice}/personal_access_tokens`, input, null);
    expect([nobody.status, nobody.json]).toEqual([401, REFUSED]);
  });
});

describe("looking at tokens", () => {
  test("a user sees the own ones; what others have and what is not there look the same", async () => {
    const own = await make("seen");
    expect((await rest("GET", `/personal_access_tokens/${own.id}`, undefined, secret.alice)).json.name).toBe("seen");
    const others = await rest("GET", `/personal_access_tokens/${own.id}`, undefined, secret.bob);
    const none = await rest("GET", "/personal_access_tokens/999999", undefined, secret.bob);
    const huge = await rest("GET", "/personal_access_tokens/99999999999", undefined, secret.bob);
    for (const { status, json } of [others, none, huge]) expect([status, json]).toEqual([401, OF_ANOTHER]);
    const admin = await rest("GET", "/personal_access_tokens/999999");
    expect([admin.status, admin.json]).toEqual([404, { message: "404 Not Found", reason: "not_found" }]);
  });

  test("a token with the smallest scope looks at itself and gives itself up, and that is all", async () => {
    const { token, id } = await make("small", { scopes: ["read_repository"] });
    expect((await rest("GET", "/personal_access_tokens/self", undefined, token)).json.id).toBe(id);
    expect((await rest("GET", "/personal_access_tokens", undefined, token)).status).toBe(403);
    const rotation = await rest("POST", "/personal_access_tokens/self/rotate", undefined, token);
    expect([rotation.status, rotation.json.error]).toEqual([403, "insufficient_scope"]);
    expect((await rest("DELETE", "/personal_access_tokens/self", undefined, token)).status).toBe(204);
    expect((await rest("GET", "/personal_access_tokens/self", undefined, token)).status).toBe(401);
  });

  test("lists: one's own, or everybody's to administrators", async () => {
    await make("of bob", {}, user.bob);
    const own = await rest("GET", "/personal_access_tokens?per_page=100", undefined, secret.bob);
    expect(new Set(own.json.map((token: { user_id: number }) => token.user_id))).toEqual(new Set([user.bob]));
    const all = await rest("GET", "/personal_access_tokens?per_page=100");
    expect(all.json.length).toBe(Number(all.headers["x-total"]));
    expect(new Set(all.json.map((token: { user_id: number }) => token.user_id)).size).toBe(3);
    const ids = all.json.map((token: { id: number }) => token.id);
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    const foreign = await rest("GET", `/personal_access_tokens?user_id=${user.alice}`, undefined, secret.bob);
    expect([foreign.status, foreign.json]).toEqual([401, OF_ANOTHER]);
    expect((await rest("GET", "/personal_access_tokens", undefined, null)).status).toBe(401);
    expect((await rest("GET", "/personal_access_tokens?user_id=99999999999")).json).toEqual([]);
  });

  test("filters, and orders", async () => {
    const carol = await server.token("carol", "api");
    const { id } = (await findUser(server.registry, "carol"))!;
    await make("100% Sure", { expires_at: inDays(5) }, id);
    await make("b_old", { expires_at: "2001-02-03" }, id);
    const gone = await make("c gone", {}, id);
    await rest("DELETE", `/personal_access_tokens/${gone.id}`);
    const names = async (query: string): Promise<string[]> => {
      const { status, json } = await rest("GET", `/personal_access_tokens?${query}`, undefined, carol);
      expect(status).toBe(200);
      return json.map((token: { name: string }) => token.name);
    };
    expect(await names("")).toEqual(["c gone", "b_old", "100% Sure", "test"]);
    expect(await names("state=active")).toEqual(["100% Sure", "test"]);
    expect(await names("state=inactive")).toEqual(["c gone", "b_old"]);
    expect(await names("revoked=True")).toEqual(["c gone"]);
    expect(await names("revoked=false")).toEqual(["b_old", "100% Sure", "test"]);
    expect(await names("search=SURE")).toEqual(["100% Sure"]);
    expect(await names("search=%25")).toEqual(["100% Sure"]);
    expect(await names("search=_")).toEqual(["b_old"]);
    expect(await names(`expires_before=${inDays(5)}`)).toEqual(["b_old", "100% Sure"]);
    expect(await names(`expires_after=${inDays(5)}`)).toEqual(["100% Sure"]);
    expect(await names(`created_after=${inDays(1)}`)).toEqual([]);
    expect(await names("created_before=2001-01-01T00:00:00%2B02:00")).toEqual([]);
    expect(await names("last_used_before=2001-01-01")).toEqual([]);
    expect(await names("sort=name_asc")).toEqual(["100% Sure", "b_old", "c gone", "test"]);
    expect(await names("sort=created_asc")).toEqual(["test", "100% Sure", "b_old", "c gone"]);
    expect((await names("sort=expires_asc")).slice(0, 2)).toEqual(["b_old", "100% Sure"]);
    expect((await names("sort=expires_desc")).slice(0, 2)).toEqual(["100% Sure", "b_old"]);
    expect(await names("sort=name_desc&per_page=1&page=2")).toEqual(["c gone"]);
    for (const wrong of ["state=asleep", "sort=colour_asc", "revoked=perhaps", "created_after=yesterday"])
      expect((await rest("GET", `/personal_access_tokens?${wrong}`)).status).toBe(400);
  });
});

describe("rotation", () => {
  test("a new token with the same name and scopes; the old one is dead", async () => {
    const old = await make("turning", { scopes: ["api", "read_api"], description: "words", expires_at: inDays(3) });
    const { status, json } = await rest("POST", `/personal_access_tokens/${old.id}/rotate`, { expires_at: inDays(30) });
    expect([status, json]).toEqual([
      200,
      {
        ...old,
        id: expect.any(Number),
        token: expect.stringMatching(/^gkpt_/),
        created_at: MOMENT,
        expires_at: inDays(30),
      },
    ]);
    expect([json.id > old.id, json.token === old.token]).toEqual([true, false]);
    expect((await rest("GET", "/personal_access_tokens/self", undefined, old.token)).status).toBe(401);
    expect((await rest("GET", `/personal_access_tokens/${old.id}`)).json).toMatchObject({
      revoked: true,
      active: false,
    });
    const again = await rest("POST", `/personal_access_tokens/${old.id}/rotate`);
    expect([again.status, again.json]).toEqual([401, DEAD]);
  });

  test("of itself, with the body null, as GitLab's Go client sends it: a week", async () => {
    const old = await make("itself");
    const { status, json } = await rest("POST", "/personal_access_tokens/self/rotate", null, old.token);
    expect([status, json.expires_at, json.user_id]).toEqual([200, inDays(7), user.alice]);
    expect((await rest("GET", "/personal_access_tokens/self", undefined, json.token)).status).toBe(200);
  });

  test("ten at once: one wins, and there is one new token", async () => {
    const old = await make("raced");
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => rest("POST", `/personal_access_tokens/${old.id}/rotate`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(401)]);
    const left = await rest("GET", "/personal_access_tokens?search=raced&state=active");
    expect(left.json.length).toBe(1);
  });

  test("another server of the same database refuses the old one as well, although it remembered it", async () => {
    const environment = {
      DATABASE_URL: server.registry.database.url,
      GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory),
    };
    const other = await restClient((await testServer({ environment })).url, ADMIN_TOKEN);
    for (const end of ["rotate", "revoke"]) {
      const { id, token } = await make("known to both");
      const asked = () => other("GET", "/personal_access_tokens/self", undefined, token);
      expect((await asked()).status).toBe(200);
      const path = `/personal_access_tokens/${id}`;
      const ended = end === "rotate" ? await rest("POST", `${path}/rotate`) : await rest("DELETE", path);
      expect(ended.status).toBe(end === "rotate" ? 200 : 204);
      expect((await eventually(asked, ({ status }) => status === 401)).status).toBe(401);
    }
  });

  test("is written down", async () => {
    const old = await make("audited");
    const { json } = await rest("POST", `/personal_access_tokens/${old.id}/rotate`);
    const event = await server.registry.prisma.auditEvent.findFirstOrThrow({ orderBy: { id: "desc" } });
    expect(event).toMatchObject({ action: "token.rotate", detail: { token: json.id, instead: old.id } });
  });

  test("not of others, of expired ones, of none", async () => {
    const own = await make("not yours");
    const over = await make("over", { expires_at: "2001-02-03" });
    for (const [id, asker, refusal] of [
      [own.id, secret.bob, OF_ANOTHER],
      [999_999, secret.bob, OF_ANOTHER],
      [over.id, secret.alice, DEAD],
    ] as const) {
      const { status, json } = await rest("POST", `/personal_access_tokens/${id}/rotate`, undefined, asker);
      expect([status, json]).toEqual([401, refusal]);
    }
    expect((await rest("POST", "/personal_access_tokens/999999/rotate")).status).toBe(404);
    expect((await rest("POST", `/personal_access_tokens/${own.id}/rotate`, { expires_at: "soon" })).status).toBe(400);
    expect((await rest("GET", "/personal_access_tokens/self", undefined, own.token)).status).toBe(200);
  });
});

describe("a token that ends makes none that outlives it", () => {
  const refusal = { message: expect.stringContaining("outlives it"), reason: "token_would_outlive" };

  test("its own: until its end at the latest, and until then if nothing is said", async () => {
    const { token } = await make("a week", { expires_at: inDays(7) });
    const ask = (input: object) =>
      rest("POST", "/user/personal_access_tokens", { name: "x", scopes: ["api"], ...input }, token);
    const later = await ask({ expires_at: inDays(8) });
    expect([later.status, later.json]).toEqual([403, refusal]);
    for (const [input, end] of [
      [{}, inDays(7)],
      [{ expires_at: inDays(7) }, inDays(7)],
      [{ expires_at: inDays(2) }, inDays(2)],
    ] as const) {
      const { status, json } = await ask(input);
      expect([status, json.expires_at]).toEqual([201, end]);
    }
    const query = `mutation { tokenCreate(input: { name: "x", scopes: [API], expiresAt: "${inDays(8)}" }) { errors token { id } } }`;
    const answer = await fetch(`${server.url}/api/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "private-token": token },
      body: JSON.stringify({ query }),
    });
    expect(((await answer.json()) as { data: { tokenCreate: unknown } }).data.tokenCreate).toEqual({
      errors: [refusal.message],
      token: null,
    });
  });

  test("rotating another of the same user is no way around it; rotating itself is how one is renewed", async () => {
    const { token } = await make("three days", { expires_at: inDays(3) });
    const endless = await make("for ever");
    const rotate = (id: number | "self", input: object) =>
      rest("POST", `/personal_access_tokens/${id}/rotate`, input, token);
    const later = await rotate(endless.id, { expires_at: inDays(30) });
    expect([later.status, later.json]).toEqual([403, refusal]);
    expect((await rotate(endless.id, {})).json.expires_at).toBe(inDays(3));
    expect((await rotate("self", { expires_at: inDays(30) })).json.expires_at).toBe(inDays(30));
  });

  test("administrators make longer ones for others", async () => {
    const ending = (
      await rest("POST", "/user/personal_access_tokens", { name: "r", scopes: ["api"], expires_at: inDays(2) })
    ).json;
    const path = `/users/${user.bob}/personal_access_tokens`;
    const { status, json } = await rest(
      "POST",
      path,
      { name: "x", scopes: ["api"], expires_at: inDays(90) },
      ending.token,
    );
    expect([status, json.expires_at]).toEqual([201, inDays(90)]);
  });
});

describe("revocation", () => {
  test("of one's own: at once; twice is no mistake", async () => {
    const { id, token } = await make("lost");
    expect((await rest("GET", "/personal_access_tokens/self", undefined, token)).status).toBe(200);
    for (const _ of [1, 2])
      expect((await rest("DELETE", `/personal_access_tokens/${id}`, undefined, secret.alice)).status).toBe(204);
    const { status, json } = await rest("GET", "/personal_access_tokens/self", undefined, token);
    expect([status, json.error]).toEqual([401, "invalid_token"]);
  });

  test("not of others, of none, of deploy tokens", async () => {
    const { id, token } = await make("kept");
    expect((await rest("DELETE", `/personal_access_tokens/${id}`, undefined, secret.bob)).status).toBe(401);
    expect((await rest("DELETE", "/personal_access_tokens/999999", undefined, secret.bob)).status).toBe(401);
    expect((await rest("DELETE", "/personal_access_tokens/999999")).status).toBe(404);
    expect((await rest("DELETE", "/personal_access_tokens/nine")).status).toBe(400);
    expect((await rest("GET", "/personal_access_tokens/self", undefined, token)).status).toBe(200);
  });
});

test("the first use of a token is written down at once, on every door that takes it, and a refused one is none", async () => {
  const lastUsed = async (id: number) =>
    (await server.registry.prisma.token.findUniqueOrThrow({ where: { id } })).lastUsedAt;
  const made = await make("first use");
  expect(await lastUsed(made.id)).toBeNull();
  const self = await rest("GET", "/personal_access_tokens/self", undefined, made.token);
  expect(self.json.last_used_at).toMatch(/^\d{4}-/);

  const input = { name: "d", username: "d-of-lib", scopes: ["read_repository", "read_package_registry"] };
  const { json: project } = await rest("POST", "/projects", { name: "used" });
  const { json: deploy } = await rest("POST", `/projects/${project.id}/deploy_tokens`, input);
  const index = (username: string) =>
    fetch(`${server.url}/index`, { headers: { authorization: `Basic ${btoa(`${username}:${deploy.token}`)}` } });
  expect((await index("wrong")).status).toBe(401);
  expect(await lastUsed(deploy.id)).toBeNull();
  expect((await index("d-of-lib")).status).toBe(200);
  expect(await lastUsed(deploy.id)).not.toBeNull();
});
