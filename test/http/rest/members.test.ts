// Members of projects and groups (src/http/rest/member-calls.ts), in the shapes of GitLab's doc/api/members.md.
import { beforeAll, describe, expect, test } from "vitest";
import { addMember, removeMember } from "../../../src/registry/forge/members.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { type Rest, restOf } from "../../support/rest-document.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let rest: Rest;
const tokens = new Map<string, string>();
const ids = new Map<string, number>();
let places: { group: string; project: string };

const as = (name: string) => tokens.get(name)!;
const add = (place: string, body: object, who = "owner") => rest("POST", `${place}/members`, as(who), { body });

beforeAll(async () => {
  server = await testServer();
  rest = await restOf(server.url);
  for (const name of ["owner", "maintainer", "developer", "guest", "stranger", "extra"]) {
    tokens.set(name, await server.token(name));
    ids.set(name, (await rest("GET", "/user", as(name))).json.id);
  }
  const group = (await rest("POST", "/groups", as("owner"), { body: { name: "g", path: "g", visibility: "public" } }))
    .json;
  const sub = (
    await rest("POST", "/groups", as("owner"), {
      body: { name: "s", path: "s", parent_id: group.id, visibility: "public" },
    })
  ).json;
  const project = (
    await rest("POST", "/projects", as("owner"), { body: { name: "p", namespace_id: sub.id, visibility: "public" } })
  ).json;
  places = { group: `/groups/${group.id}`, project: `/projects/${project.id}` };
});

const list = async (place: string, who = "owner") =>
  (await rest("GET", place, as(who))).json.map((m: { username: string; access_level: number }) => [
    m.username,
    m.access_level,
  ]);

test("added, as the Go client sends it: every field", async () => {
  const body = { user_id: ids.get("developer"), access_level: 30, expires_at: null };
  const answer = await add(places.project, body);
  expect([answer.status, answer.json]).toEqual([
    201,
    {
      id: ids.get("developer"),
      username: "developer",
      name: "developer",
      state: "active",
      web_url: `${server.url}/developer`,
      avatar_url: null,
      access_level: 30,
      expires_at: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    },
  ]);
  const byName = await add(places.project, { username: "maintainer", access_level: "40", expires_at: "2999-12-31" });
  expect([byName.status, byName.json]).toEqual([
    201,
    expect.objectContaining({ access_level: 40, expires_at: "2999-12-31" }),
  ]);
  await add(places.group, { user_id: ids.get("guest"), access_level: 10 });
});

describe("refused", () => {
  test.each([
    [
      "nobody named",
      { access_level: 30 },
      400,
      { error: "user_id, username are missing, at least one parameter must be provided", reason: "invalid_request" },
    ],
    ["no level", { user_id: 1 }, 400, { error: "access_level is missing", reason: "invalid_request" }],
    [
      "a level that is no number",
      { user_id: 1, access_level: "developer" },
      400,
      { error: "access_level is invalid", reason: "invalid_request" },
    ],
    [
      "a day that is none",
      { user_id: 1, access_level: 30, expires_at: "2027-02-30" },
      400,
      { error: "expires_at is invalid", reason: "invalid_request" },
    ],
    [
      "somebody who is not there",
      { user_id: 999_999, access_level: 30 },
      404,
      { message: "404 User Not Found", reason: "not_found" },
    ],
  ])("%s", async (_, body, status, json) => {
    const answer = await add(places.project, body);
    expect([answer.status, answer.json]).toEqual([status, json]);
  });

  test.each([0, 5, 15, 25, 60, 31])("the level %d", async (level) => {
    const answer = await add(places.project, { user_id: ids.get("extra"), access_level: level });
    expect([answer.status, answer.json]).toEqual([
      400,
      { error: "access_level does not have a valid value", reason: "invalid_request" },
    ]);
  });

  test("who is one already: 409", async () => {
    const answer = await add(places.project, { user_id: ids.get("developer"), access_level: 20 });
    expect([answer.status, answer.json]).toEqual([409, { message: "Member already exists", reason: "already_exists" }]);
    expect(
      (await rest("GET", `${places.project}/members/${ids.get("developer")}`, as("owner"))).json.access_level,
    ).toBe(30);
  });

  test("by whom: Maintainers of a project, Owners of a group, nobody above oneself", async () => {
    const body = { user_id: ids.get("extra"), access_level: 30 };
    for (const who of ["developer", "stranger"])
      expect((await add(places.project, body, who)).json.message).toMatch(/^403 Forbidden - /);
    expect((await add(places.group, body, "guest")).status).toBe(403);
    expect((await add(places.project, { ...body, access_level: 50 }, "maintainer")).status).toBe(403);
    expect((await add(places.project, body, "maintainer")).status).toBe(201);
    expect((await rest("POST", `${places.project}/members`, undefined, { body })).status).toBe(401);
    expect((await rest("DELETE", `${places.project}/members/${ids.get("extra")}`, as("maintainer"))).status).toBe(204);
  });
});

test("lists: direct, and with those of the groups above, each once with the highest level", async () => {
  expect(await list(`${places.project}/members`)).toEqual([
    ["maintainer", 40],
    ["developer", 30],
  ]);
  await add(places.group, { user_id: ids.get("developer"), access_level: 20 });
  expect(await list(`${places.project}/members/all`)).toEqual([
    ["owner", 50],
    ["maintainer", 40],
    ["developer", 30],
    ["guest", 10],
  ]);
  expect(await list(`${places.project}/members/all?query=ER&per_page=2&page=2`)).toEqual([["developer", 30]]);
  expect(await list(`${places.project}/members/all?user_ids[]=${ids.get("guest")}&user_ids[]=99`)).toEqual([
    ["guest", 10],
  ]);
  expect(await list(`${places.project}/members?user_ids=${ids.get("guest")}`)).toEqual([]);
  expect(await list(`${places.group}/members?query=own`)).toEqual([["owner", 50]]);
  const { headers } = await rest("GET", `${places.project}/members/all`, as("guest"));
  expect(headers["x-total"]).toBe("4");
});

test("one: direct or by any way", async () => {
  const get = (path: string) => rest("GET", `${places.project}/members/${path}`, as("owner"));
  expect((await get(String(ids.get("developer")))).json.access_level).toBe(30);
  const none = await get(String(ids.get("guest")));
  expect([none.status, none.text]).toEqual([404, '{"message":"404 Not Found","reason":"not_found"}']);
  expect((await get(`all/${ids.get("guest")}`)).json.access_level).toBe(10);
  expect((await get(`all/${ids.get("stranger")}`)).status).toBe(404);
  expect((await get("all/999999")).status).toBe(404);
});

test("nobody learns who is a member without being one", async () => {
  for (const path of ["members", "members/all", `members/${ids.get("owner")}`])
    for (const place of [places.project, places.group]) {
      expect((await rest("GET", `${place}/${path}`)).text).toBe(
        '{"message":"401 Unauthorized","reason":"token_required"}',
      );
      expect((await rest("GET", `${place}/${path}`, as("stranger"))).status).toBe(403);
    }
});

test("changed and taken out", async () => {
  const one = `${places.project}/members/${ids.get("developer")}`;
  const put = (body: object, who = "owner") => rest("PUT", one, as(who), { body });
  expect((await put({ access_level: 20, expires_at: "2999-01-02" })).json).toMatchObject({
    access_level: 20,
    expires_at: "2999-01-02",
  });
  expect((await put({ access_level: 30 })).json).toMatchObject({ access_level: 30, expires_at: "2999-01-02" });
  expect((await put({ access_level: 30, expires_at: "" })).json.expires_at).toBeNull();
  expect((await put({})).json).toEqual({ error: "access_level is missing", reason: "invalid_request" });
  expect((await put({ access_level: 50 }, "maintainer")).status).toBe(403);
  const stranger = `${places.project}/members/${ids.get("stranger")}`;
  expect((await rest("PUT", stranger, as("owner"), { body: { access_level: 30 } })).status).toBe(404);
  expect((await rest("DELETE", stranger, as("owner"))).status).toBe(404);
  expect((await rest("DELETE", `${one}?skip_subresources=false&unassign_issuables=`, as("guest"))).status).toBe(403);
  expect((await rest("DELETE", `${one}?skip_subresources=false&unassign_issuables=`, as("owner"))).status).toBe(204);
  expect((await rest("DELETE", one, as("owner"))).status).toBe(404);
});

test("a membership whose day has come counts no more, and can be given again", async () => {
  const user = ids.get("extra")!;
  const past = await add(places.group, { user_id: user, access_level: 30, expires_at: "2020-01-01" });
  expect(past.json.expires_at).toBe("2020-01-01");
  expect((await list(`${places.group}/members`)).map(([name]: [string]) => name)).not.toContain("extra");
  expect((await rest("GET", `${places.group}/members/${user}`, as("owner"))).status).toBe(404);
  expect((await rest("GET", `${places.group}/members`, as("extra"))).status).toBe(403);
  expect((await add(places.group, { user_id: user, access_level: 20 })).status).toBe(201);
  expect((await rest("GET", `${places.group}/members/${user}`, ADMIN_TOKEN)).json.access_level).toBe(20);
});

describe("leaving", () => {
  const leave = (place: string, who: string) => rest("DELETE", `${place}/members/${ids.get(who)}`, as(who));
  const GROUP = { name: "club", path: "club", visibility: "private" };
  const last = "is the last Owner of club: make somebody else an Owner first, or delete the group";
  let club: string;
  let room: string;

  beforeAll(async () => {
    const group = (await rest("POST", "/groups", as("owner"), { body: GROUP })).json;
    club = `/groups/${group.id}`;
    room = `/projects/${(await rest("POST", "/projects", as("owner"), { body: { name: "r", namespace_id: group.id } })).json.id}`;
  });

  test("anybody, whatever the level; once, and only where one is a direct member", async () => {
    for (const [place, level] of [
      [room, 10],
      [room, 50],
      [club, 30],
    ] as const) {
      expect((await add(place, { user_id: ids.get("extra"), access_level: level })).status).toBe(201);
      if (place === club) expect((await leave(room, "extra")).status).toBe(404);
      expect((await leave(place, "extra")).status).toBe(204);
      expect((await leave(place, "extra")).status).toBe(404);
      expect((await rest("GET", place, as("extra"))).status).toBe(404);
    }
    expect((await leave(places.project, "stranger")).status).toBe(404);
  });

  test("nobody takes others along", async () => {
    await add(room, { user_id: ids.get("extra"), access_level: 30 });
    await add(room, { user_id: ids.get("developer"), access_level: 10 });
    expect((await rest("DELETE", `${room}/members/${ids.get("developer")}`, as("extra"))).status).toBe(403);
  });

  test("the last Owner of a group stays, whoever says otherwise and however", async () => {
    const owner = `${club}/members/${ids.get("owner")}`;
    for (const token of [as("owner"), ADMIN_TOKEN])
      for (const [method, body] of [
        ["DELETE", undefined],
        ["PUT", { access_level: 40 }],
        ["PUT", { access_level: 50, expires_at: "2020-01-01" }],
      ] as const) {
        const refused = await rest(method, owner, token, body ? { body } : {});
        expect([refused.status, refused.json.message]).toEqual([403, `403 Forbidden - owner ${last}`]);
      }
    expect((await rest("PUT", owner, as("owner"), { body: { access_level: 50 } })).status).toBe(200);
    await add(club, { user_id: ids.get("extra"), access_level: 50, expires_at: "2020-01-01" });
    expect((await leave(club, "owner")).status).toBe(403);
    await rest("PUT", `${club}/members/${ids.get("extra")}`, as("owner"), { body: { access_level: 50 } });
    await add(club, { user_id: ids.get("maintainer"), access_level: 50 });
    await rest("POST", `/users/${ids.get("maintainer")}/block`, ADMIN_TOKEN);
    expect((await leave(club, "owner")).status).toBe(403);
    await rest("POST", `/users/${ids.get("maintainer")}/unblock`, ADMIN_TOKEN);
    expect((await leave(club, "maintainer")).status).toBe(204);
  });

  test("in a group below, the Owners above count; in the own namespace one stays", async () => {
    const parent = Number(club.split("/").at(-1));
    const below = (await rest("POST", "/groups", as("owner"), { body: { name: "b", path: "b", parent_id: parent } }))
      .json;
    expect((await leave(`/groups/${below.id}`, "owner")).status).toBe(204);
    const place = { groupPath: "owner" };
    await addMember(server.registry, OPERATOR, place, { username: "extra", accessLevel: 50 });
    await expect(removeMember(server.registry, OPERATOR, place, "owner")).rejects.toThrow(
      "owner is the namespace of owner, who stays its Owner",
    );
  });

  test("of two Owners who leave at once one stays", async () => {
    for (let round = 0; round < 5; round++) {
      await addMember(server.registry, OPERATOR, { groupPath: "club" }, { username: "developer", accessLevel: 50 });
      await addMember(server.registry, OPERATOR, { groupPath: "club" }, { username: "owner", accessLevel: 50 });
      const answers = await Promise.all([leave(club, "owner"), leave(club, "developer")]);
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 403]);
    }
  });
});
