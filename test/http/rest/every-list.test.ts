// Every list that the document names: its first page, the page past its end, and one so far away that no list gets there.
// Counting is a statement of its own, which only a page past the end needs; here each list needs it once.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { ask } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import { ADMIN_TOKEN, MODULE_HOST, testServer } from "../../support/server.ts";

/** Paths of lists, filled in with things that are there. */
let lists: string[];
let rest: Rest;

beforeAll(async () => {
  const server = await testServer();
  rest = await restClient(server.url, ADMIN_TOKEN);
  for (const fullPath of ["team", "team/sub"]) await createGroup(server.registry, OPERATOR, { fullPath });
  await createProject(server.registry, OPERATOR, { fullPath: "team/lib" });
  await pushRecipe(remoteOf(server.url, "team/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/team/lib\n`, "a.go": "package lib\n" }));
  });
  const [{ id }] = (await rest("GET", "/projects/team%2Flib/packages")).json;
  const hooked: Record<string, number> = {};
  for (const root of ["/projects/team%2Flib", "/groups/team", ""])
    hooked[root] = (await rest("POST", `${root}/hooks`, { url: "https://hooks.test" })).json.id;
  const document = JSON.parse((await ask(server.url, "/api/v4/openapi.json")).text);
  const isList = (path: string) =>
    document.paths[path].get?.parameters?.some((one: { name: string }) => one.name === "per_page");
  lists = Object.keys(document.paths)
    .filter(isList)
    .map((path) =>
      path
        .replace("/projects/{id}", "/projects/team%2Flib")
        .replace(/\/(groups|namespaces)\/\{id\}/, "/$1/team")
        .replace("/users/{id}", "/users/1")
        .replace("{package_id}", id)
        .replace(/^(.*)\/hooks\/\{hook_id\}/, (_, root: string) => `${root}/hooks/${hooked[root]}`),
    );
});

test("there are lists, and all of their addresses are filled in", () => {
  expect(lists.length).toBeGreaterThan(15);
  expect(lists.filter((path) => path.includes("{"))).toEqual([]);
});

test("each begins, counts and ends alike", async () => {
  for (const path of lists) {
    const first = await rest("GET", `${path}?per_page=1`);
    // Commits are not counted: it would take a walk through all of them.
    const counted = !path.endsWith("/commits");
    const total = counted ? Number(first.headers["x-total"]) : 1;
    expect([path, first.status, first.json.length]).toEqual([path, 200, Math.min(total, 1)]);
    for (const page of [total + 2, 1_119_297_661]) {
      const past = await rest("GET", `${path}?per_page=1&page=${page}`);
      expect([path, past.status, past.json, past.headers["x-total"], past.headers["x-next-page"]]).toEqual([
        path,
        200,
        [],
        counted ? String(total) : undefined,
        "",
      ]);
    }
  }
});
