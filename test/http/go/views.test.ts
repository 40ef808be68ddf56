// The Go endpoints of groups and of the instance: all that the principal may have, and no hint of what it may not.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { eventually } from "../../support/eventually.ts";
import { goCommand } from "../../support/go.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

const PROJECTS = [
  ["team/public", "PUBLIC"],
  ["team/internal", "INTERNAL"],
  ["team/deep/private", "PRIVATE"],
  ["other/private", "PRIVATE"],
] as const;

let server: TestServer;
let member: Record<string, string>;
let stranger: Record<string, string>;

const at = (view: string, path: string, headers: Record<string, string> = {}) =>
  ask(server.url, `/api/v4/${view}packages/go/gokura.test/${path}`, { headers });
const list = async (view: string, path: string, headers?: Record<string, string>) => {
  const { status, text } = await at(view, `${path}/@v/list`, headers);
  return status === 200 ? text : status;
};
const TEAM = "groups/team/-/";
const DEEP = "groups/team%2Fdeep/-/";

beforeAll(async () => {
  server = await testServer({ tls: false });
  for (const [fullPath, visibility] of [
    ["team", "PUBLIC"],
    ["team/deep", "PRIVATE"],
    ["other", "PRIVATE"],
  ] as const)
    await createGroup(server.registry, OPERATOR, { fullPath, visibility });
  for (const [fullPath, visibility] of PROJECTS) {
    await createProject(server.registry, OPERATOR, { fullPath, visibility });
    await pushRecipe(remoteOf(server.url, fullPath, ADMIN_TOKEN), (r) => {
      r.tag(
        "v1.0.0",
        r.commit({
          "go.mod": `module gokura.test/${fullPath}\n`,
          "sub/go.mod": `module gokura.test/${fullPath}/sub\n`,
        }),
      );
    });
  }
  member = bearer(await server.token("member"));
  stranger = bearer(await server.token("stranger"));
  await addMember(server.registry, OPERATOR, { groupPath: "team" }, { username: "member", accessLevel: 20 });
});

describe("the instance", () => {
  test.each([
    ["nobody", () => ({}), ["v1.0.0\n", 401, 401, 401]],
    ["a stranger", () => stranger, ["v1.0.0\n", "v1.0.0\n", 404, 404]],
    ["a member of one group", () => member, ["v1.0.0\n", "v1.0.0\n", "v1.0.0\n", 404]],
    ["an administrator", () => bearer(ADMIN_TOKEN), ["v1.0.0\n", "v1.0.0\n", "v1.0.0\n", "v1.0.0\n"]],
  ])("%s", async (_, headers, expected) => {
    expect(await Promise.all(PROJECTS.map(([path]) => list("", path, headers())))).toEqual(expected);
    // Again, from memory.
    expect(await Promise.all(PROJECTS.map(([path]) => list("", path, headers())))).toEqual(expected);
  });

  test("what may not be seen and what is not there cannot be told apart", async () => {
    for (const headers of [{}, stranger]) {
      const [hidden, missing] = [
        await at("", "other/private/@v/list", headers),
        await at("", "other/nothing/@v/list", headers),
      ];
      expect([hidden.status, hidden.text, hidden.headers["content-type"]]).toEqual([
        missing.status,
        missing.text,
        missing.headers["content-type"],
      ]);
    }
  });

  test("below a project that may be seen it is plain whether there is a module", async () => {
    expect(await list("", "team/public/nothing")).toBe(404);
    expect(await list("", "team/public/v2")).toBe(404);
  });

  test("other hosts are nobody's here", async () => {
    expect((await ask(server.url, "/api/v4/packages/go/example.com/x/@v/list")).status).toBe(404);
  });

  test("a declared prefix finds its project; the longest wins", async () => {
    await updateProject(server.registry, OPERATOR, "team/public", {
      modulePrefix: "example.com/team",
      listRefused: true,
    });
    await updateProject(server.registry, OPERATOR, "other/private", {
      modulePrefix: "example.com/team/secret",
      listRefused: true,
    });
    const status = async (path: string, headers = {}) =>
      (await ask(server.url, `/api/v4/packages/go/${path}/@v/v1.0.0.info`, { headers })).status;
    expect(await status("example.com/team")).toBe(200);
    expect(await status("example.com/team/secret")).toBe(401);
    expect(await status("example.com/team/secret", stranger)).toBe(404);
    expect(await status("example.com/teams")).toBe(404);
  });
});

describe("a group", () => {
  test("has the projects in it, however deep, and no others", async () => {
    const seen = async (view: string, headers?: Record<string, string>) =>
      Promise.all(PROJECTS.map(([path]) => list(view, path, headers)));
    expect(await seen(TEAM, member)).toEqual(["v1.0.0\n", "v1.0.0\n", "v1.0.0\n", 404]);
    expect(await seen(TEAM, stranger)).toEqual(["v1.0.0\n", "v1.0.0\n", 404, 404]);
    expect(await seen(TEAM)).toEqual(["v1.0.0\n", 401, 401, 401]);
    expect(await seen(DEEP, member)).toEqual([404, 404, "v1.0.0\n", 404]);
    expect(await seen(DEEP, bearer(ADMIN_TOKEN))).toEqual([404, 404, "v1.0.0\n", 404]);
  });

  test("that may not be seen is not there", async () => {
    for (const view of [DEEP, "groups/nothing/-/", "groups/999999/-/", "groups/99999999999/-/"]) {
      expect(await list(view, "team/public")).toBe(401);
      expect(await list(view, "team/public", stranger)).toBe(404);
    }
  });

  test("by its number", async () => {
    const { id } = await server.registry.prisma.group.findFirstOrThrow({ where: { fullPath: "team" } });
    expect(await list(`groups/${id}/-/`, "team/public")).toBe("v1.0.0\n");
  });
});

test.each(["POST", "PUT"])("%s is not for these endpoints either", async (method) => {
  for (const view of ["", TEAM])
    expect((await ask(server.url, `/api/v4/${view}packages/go/x.test/@v/list`, { method })).status).toBe(405);
});

test("one GOPROXY: go builds with modules of two projects", async () => {
  const secure = await testServer({ tls: true });
  const token = await secure.token("dev");
  const trust = { GIT_SSL_CAINFO: secure.certificateFile };
  await pushRecipe(
    remoteOf(secure.url, "dev/a", token),
    (r) => {
      r.tag(
        "v1.0.0",
        r.commit({ "go.mod": "module gokura.test/dev/a\n\ngo 1.21\n", "a.go": "package a\n\nconst A = 1\n" }),
      );
    },
    trust,
  );
  const b = "module gokura.test/dev/b\n\ngo 1.21\n\nrequire gokura.test/dev/a v1.0.0\n";
  await pushRecipe(
    remoteOf(secure.url, "dev/b", token),
    (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": b, "b.go": 'package b\n\nimport "gokura.test/dev/a"\n\nconst B = a.A\n' }));
    },
    trust,
  );
  const netrc = [`machine ${new URL(secure.url).host} login dev password ${token}`];
  const go = goCommand({ GOPROXY: `${secure.url}/api/v4/packages/go`, SSL_CERT_FILE: secure.certificateFile }, netrc);
  await go.must("get", "gokura.test/dev/b@latest");
  await go.must("build", "gokura.test/dev/b");
  expect(await go.must("list", "-m", "all")).toContain("gokura.test/dev/a v1.0.0");
});

describe("a name that nobody has, asked for without a token", () => {
  test("is 404 while there is nothing that a token would open, and 401 from then on", async () => {
    const open = await testServer({ tls: false });
    await createGroup(open.registry, OPERATOR, { fullPath: "team", visibility: "PUBLIC" });
    await createProject(open.registry, OPERATOR, { fullPath: "team/public", visibility: "PUBLIC" });
    const paths = ["gokura.test/team/none", "gokura.test", "gokura.test/nobody/here/v2"];
    const statuses = async (headers = {}) =>
      await Promise.all(
        ["", TEAM].flatMap((view) =>
          paths.map(async (path) => {
            const { status, text } = await ask(open.url, `/api/v4/${view}packages/go/${path}/@v/list`, { headers });
            return status === 404 && text.startsWith("not found: ") ? "404" : status;
          }),
        ),
      );
    expect(new Set(await statuses())).toEqual(new Set(["404"]));
    expect(new Set(await statuses(bearer(ADMIN_TOKEN)))).toEqual(new Set(["404"]));
    await createProject(open.registry, OPERATOR, { fullPath: "team/closed", visibility: "PRIVATE" });
    const closed = await eventually(statuses, (all) => all.every((status) => status === 401));
    expect(new Set(closed)).toEqual(new Set([401]));
    expect(new Set(await statuses(bearer(ADMIN_TOKEN)))).toEqual(new Set(["404"]));
  });
});
