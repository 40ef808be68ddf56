// Packages by REST (doc/api/packages.md): lists of projects and groups, one package, its files byte for byte, its end, and
// who may.
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup, updateGroup } from "../../../src/registry/forge/groups.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { eventually } from "../../support/eventually.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let rest: Rest;
const secret = { owner: "", dev: "", guest: "", stranger: "" };
const LEVELS = { owner: 50, dev: 30, guest: 10 };
const LIB = "/projects/team%2Flib/packages";
const MODULE = `${MODULE_HOST}/team/lib`;

beforeAll(async () => {
  server = await testServer();
  for (const name of Object.keys(secret) as (keyof typeof secret)[]) secret[name] = await server.token(name, "api");
  rest = await restClient(server.url, secret.owner);
  for (const fullPath of ["team", "team/sub"]) await createGroup(server.registry, OPERATOR, { fullPath });
  for (const [username, accessLevel] of Object.entries(LEVELS))
    await addMember(server.registry, OPERATOR, { groupPath: "team" }, { username, accessLevel });
  const push = (path: string, tags: Record<string, string>) =>
    pushRecipe(remoteOf(server.url, path, ADMIN_TOKEN), (r) => {
      for (const [tag, directory] of Object.entries(tags)) {
        const module = `module ${MODULE_HOST}/${path}${directory === "" ? "" : `/${directory}`}\n`;
        const prefix = directory === "" ? "" : `${directory}/`;
        r.tag(`${prefix}${tag}`, r.commit({ [`${prefix}go.mod`]: module, [`${prefix}a${tag}.go`]: "package lib\n" }));
      }
    });
  for (const fullPath of ["team/lib", "team/sub/tool"]) await createProject(server.registry, OPERATOR, { fullPath });
  await push("team/lib", { "v1.10.0": "", "v1.9.0": "", "v1.9.1-rc.1": "", "v0.3.0": "cmd" });
  await push("team/sub/tool", { "v0.1.0": "" });
  await eventually(
    () => rest("GET", "/groups/team/packages"),
    ({ json }) => json.length === 5,
  );
});

const MOMENT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const versions = async (query: string, path = LIB): Promise<string[]> => {
  const { status, json } = await rest("GET", `${path}?${query}`);
  expect(status).toBe(200);
  return json.map((one: { version: string }) => one.version);
};
const idOf = async (version: string, path = LIB): Promise<number> =>
  (await rest("GET", `${path}?package_version=${version}`)).json[0].id;

describe("lists", () => {
  test("of a project: every field", async () => {
    const { status, json, headers } = await rest("GET", `${LIB}?package_version=v1.9.0`);
    const { id } = json[0];
    expect([status, json, headers["x-total"]]).toEqual([
      200,
      [
        {
          id: expect.any(Number),
          name: MODULE,
          version: "v1.9.0",
          package_type: "golang",
          status: "default",
          _links: {
            web_path: `/team/lib/-/packages/${id}`,
            delete_api_path: expect.stringMatching(`^${server.url}/api/v4/projects/\\d+/packages/${id}$`),
          },
          created_at: MOMENT,
          last_downloaded_at: null,
          tags: [],
        },
      ],
      "1",
    ]);
  });

  test("filters", async () => {
    expect((await versions("package_type=golang")).length).toBe(4);
    expect(await versions("package_type=npm")).toEqual([]);
    expect(await versions("package_name=LIB%2FCMD")).toEqual(["v0.3.0"]);
    expect(await versions("package_name=%25")).toEqual([]);
    expect(await versions("package_version=v1.9")).toEqual([]);
    expect(await versions("status=hidden")).toEqual([]);
    expect((await versions("status=default&include_versionless=true")).length).toBe(4);
    for (const wrong of [
      "package_type=cargo",
      "status=odd",
      "order_by=size",
      "sort=up",
      "page=0",
      "order_by=project_path",
    ])
      expect((await rest("GET", `${LIB}?${wrong}`)).status, wrong).toBe(400);
  });

  test("orders and pages: versions as Go orders them", async () => {
    const ascending = ["v0.3.0", "v1.9.0", "v1.9.1-rc.1", "v1.10.0"];
    expect(await versions("order_by=version")).toEqual(ascending);
    expect(await versions("order_by=version&sort=desc")).toEqual([...ascending].reverse());
    expect(await versions("order_by=name&sort=asc")).toEqual(["v1.9.0", "v1.9.1-rc.1", "v1.10.0", "v0.3.0"]);
    const { json, headers } = await rest("GET", `${LIB}?order_by=version&per_page=3&page=2`);
    expect([json.length, headers["x-total"], headers["x-next-page"]]).toEqual([1, "4", ""]);
    expect(headers.link).toContain('rel="prev"');
    expect(await versions("page=9999999&per_page=100")).toEqual([]);
  });

  test("of a group, with its subgroups or without", async () => {
    const { json } = await rest("GET", "/groups/team/packages?order_by=project_path&sort=desc");
    expect(json.map((one: { project_path: string }) => one.project_path)).toEqual([
      "team/sub/tool",
      ...Array(4).fill("team/lib"),
    ]);
    expect(json[0]).toMatchObject({ project_id: expect.any(Number), version: "v0.1.0", tags: [] });
    expect(json[0]._links.delete_api_path).toContain(`/projects/${json[0].project_id}/`);
    expect((await versions("exclude_subgroups=true", "/groups/team/packages")).length).toBe(4);
    expect(await versions("", "/groups/team%2Fsub/packages")).toEqual(["v0.1.0"]);
    expect(await versions("package_name=tool", "/groups/team/packages")).toEqual(["v0.1.0"]);
  });
});

describe("one package", () => {
  test("with the other versions of its module", async () => {
    const id = await idOf("v1.9.0");
    const { status, json } = await rest("GET", `${LIB}/${id}`);
    const other = (version: string) => ({ id: expect.any(Number), version, created_at: MOMENT, tags: [] });
    expect([status, json.version, json.versions]).toEqual([200, "v1.9.0", [other("v1.10.0"), other("v1.9.1-rc.1")]]);
    expect((await rest("GET", `${LIB}/${id}/pipelines`)).json).toEqual([]);
  });

  test("its files: what the Go endpoint serves, byte for byte", async () => {
    const id = await idOf("v1.10.0");
    const { status, json } = await rest("GET", `${LIB}/${id}/package_files`);
    expect([status, json.map((file: { file_name: string }) => file.file_name)]).toEqual([
      200,
      ["v1.10.0.mod", "v1.10.0.zip"],
    ]);
    for (const file of json) {
      const path = `/api/v4/projects/team%2Flib/packages/go/${MODULE}/@v/${file.file_name}`;
      const served = await ask(server.url, path, { headers: bearer(secret.dev) });
      const sum = (name: string) => createHash(name).update(served.bytes).digest("hex");
      expect(file).toEqual({
        id: expect.any(Number),
        package_id: id,
        file_name: file.file_name,
        size: served.bytes.length,
        file_md5: sum("md5"),
        file_sha1: sum("sha1"),
        file_sha256: sum("sha256"),
        created_at: MOMENT,
      });
      const download = `/api/v4${LIB}/${id}/package_files/${file.id}/download`;
      for (const method of ["GET", "HEAD"]) {
        const got = await ask(server.url, download, { method, headers: bearer(secret.dev) });
        expect([got.status, got.headers["content-length"]]).toEqual([200, String(file.size)]);
        expect(got.bytes.equals(method === "GET" ? served.bytes : Buffer.alloc(0))).toBe(true);
        expect(got.headers["content-disposition"]).toBe(`attachment; filename="${file.file_name}"`);
        expect(got.headers["x-content-type-options"]).toBe("nosniff");
      }
    }
    const sorted = await rest("GET", `${LIB}/${id}/package_files?order_by=file_name&sort=desc&per_page=1`);
    expect([sorted.json[0].file_name, sorted.headers["x-total"]]).toEqual(["v1.10.0.zip", "2"]);
  });

  test("is in its project and in no other, and is a number", async () => {
    const id = await idOf("v1.9.0");
    for (const path of [
      `/projects/team%2Fsub%2Ftool/packages/${id}`,
      `${LIB}/999999`,
      `${LIB}/99999999999`,
      `${LIB}/${id}/package_files/999999/download`,
    ]) {
      const { status, json } = await rest("GET", path);
      expect([status, json]).toEqual([404, { message: "404 Not Found", reason: "not_found" }]);
    }
    expect((await rest("GET", `${LIB}/v1.9.0`)).status).toBe(400);
  });
});

describe("deletion", () => {
  test("of a file is refused: a Go version is whole", async () => {
    const id = await idOf("v1.9.0");
    const [file] = (await rest("GET", `${LIB}/${id}/package_files`)).json;
    const { status, json } = await rest("DELETE", `${LIB}/${id}/package_files/${file.id}`);
    expect([status, json.message]).toEqual([403, expect.stringContaining("delete the package")]);
    expect((await rest("DELETE", `${LIB}/${id}/package_files/999999`)).status).toBe(404);
    expect((await rest("GET", `${LIB}/${id}/package_files`)).json.length).toBe(2);
  });

  test("of a package: for Maintainers, and for good", async () => {
    const id = await idOf("v1.9.1-rc.1");
    const refused = await rest("DELETE", `${LIB}/${id}`, undefined, secret.dev);
    expect([refused.status, refused.json.reason]).toEqual([403, "access_level_too_low"]);
    expect((await rest("DELETE", `${LIB}/${id}`)).status).toBe(204);
    expect((await rest("DELETE", `${LIB}/${id}`)).status).toBe(404);
    expect((await rest("GET", `${LIB}/${id}`)).status).toBe(404);
    expect((await rest("GET", `${LIB}/${id}/package_files`)).status).toBe(404);
    expect(await versions("order_by=version")).toEqual(["v0.3.0", "v1.9.0", "v1.10.0"]);
    const path = `/api/v4/projects/team%2Flib/packages/go/${MODULE}/@v/v1.9.1-rc.1.zip`;
    const { status } = await eventually(
      () => ask(server.url, path, { headers: bearer(secret.dev) }),
      (answer) => answer.status === 410,
    );
    expect(status).toBe(410);
  });
});

describe("access", () => {
  const all = async (token: string | null) => {
    const id = await idOf("v1.9.0");
    const [, file] = (await rest("GET", `${LIB}/${id}/package_files`)).json;
    const answers = [];
    for (const path of [
      "",
      `/${id}`,
      `/${id}/package_files`,
      `/${id}/pipelines`,
      `/${id}/package_files/${file.id}/download`,
    ]) {
      const { status, text } = await ask(server.url, `/api/v4${LIB}${path}`, { headers: token ? bearer(token) : {} });
      answers.push(status === 200 ? 200 : `${status} ${text}`);
    }
    return new Set(answers);
  };
  const ofGroup = async (token: string | null) => {
    const { status, json } = await rest("GET", "/groups/team/packages", undefined, token);
    return status === 200 ? json.length : status;
  };

  test("whoever may read the code", async () => {
    expect(await all(secret.dev)).toEqual(new Set([200]));
    expect(await all(secret.stranger)).toEqual(
      new Set(['404 {"message":"404 Project Not Found","reason":"not_found"}']),
    );
    expect(await all(null)).toEqual(new Set(['401 {"message":"401 Unauthorized","reason":"token_required"}']));
    expect([...(await all(secret.guest))]).toEqual([expect.stringMatching(/^403 .*403 Forbidden - /)]);
    expect([await ofGroup(secret.dev), await ofGroup(secret.guest)]).toEqual([4, 0]);
    expect([await ofGroup(secret.stranger), await ofGroup(null)]).toEqual([404, 401]);
  });

  test("what is missing looks the same to those who see nothing", async () => {
    const there = await rest("GET", LIB, undefined, secret.stranger);
    const missing = await rest("GET", "/projects/team%2Fnone/packages", undefined, secret.stranger);
    expect([missing.status, missing.json]).toEqual([there.status, there.json]);
  });

  test("a deploy token reads no packages by REST; a token with read_api does", async () => {
    const made = await rest("POST", "/projects/team%2Flib/deploy_tokens", {
      name: "x",
      scopes: ["read_package_registry"],
    });
    expect((await rest("GET", LIB, undefined, made.json.token)).status).toBe(403);
    expect((await rest("GET", LIB, undefined, await server.token("dev", "read_api"))).status).toBe(200);
  });

  test("public projects are for everybody; without delete_api_path for those who may not", async () => {
    await updateGroup(server.registry, OPERATOR, "team", { visibility: "PUBLIC" });
    await updateProject(server.registry, OPERATOR, "team/lib", { visibility: "PUBLIC" });
    const open = await rest("GET", LIB, undefined, null);
    expect([open.status, open.json[0]._links]).toEqual([200, { web_path: expect.any(String) }]);
    expect([await ofGroup(null), await ofGroup(secret.stranger)]).toEqual([3, 3]);
    await updateProject(server.registry, OPERATOR, "team/lib", { visibility: "PRIVATE" });
    await updateGroup(server.registry, OPERATOR, "team", { visibility: "PRIVATE" });
    expect((await rest("GET", LIB, undefined, null)).status).toBe(401);
  });

  test("a registry that is switched off: 403 to those who see the project, and in no list of a group", async () => {
    await updateProject(server.registry, OPERATOR, "team/lib", { packagesEnabled: false });
    const { status, json } = await rest("GET", LIB, undefined, secret.dev);
    expect([status, json.reason]).toEqual([403, "package_registry_disabled"]);
    expect((await rest("GET", LIB, undefined, secret.stranger)).status).toBe(404);
    expect(await ofGroup(secret.dev)).toBe(1);
    await updateProject(server.registry, OPERATOR, "team/lib", { packagesEnabled: true });
  });
});
