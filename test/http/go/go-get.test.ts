// ?go-get=1: what direct mode is told, and what it is not (GitLab, "Use a project as a Go package").
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { setUserBlocked } from "../../../src/registry/forge/users.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { ask, basic } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await testServer({ environment: { GOKURA_URL: "https://gokura.test" } });
  token = await server.token("alice");
  await createGroup(server.registry, OPERATOR, { fullPath: "team", visibility: "PUBLIC" });
  await createGroup(server.registry, OPERATOR, { fullPath: "team/deep", visibility: "PUBLIC" });
  await createProject(server.registry, OPERATOR, { fullPath: "alice/private" });
  await createProject(server.registry, OPERATOR, { fullPath: "team/deep/public", visibility: "PUBLIC" });
  await createProject(server.registry, OPERATOR, { fullPath: "team/deep/empty", visibility: "PUBLIC" });
  const here = `http://127.0.0.1:${server.port}`;
  await pushRecipe(remoteOf(here, "alice/private", token), (r) => void r.commit({ "go.mod": "module x.test/y\n" }));
  await pushRecipe(
    remoteOf(here, "team/deep/public", ADMIN_TOKEN),
    (r) => void r.commit({ "go.mod": "module x.test/y\n" }),
  );
});

const discover = (path: string, headers: Record<string, string> = {}) =>
  ask(`http://127.0.0.1:${server.port}`, `${path}?go-get=1`, { headers });
const meta = (root: string) =>
  `<meta name="go-import" content="gokura.test/${root} git https://gokura.test/${root}.git">`;

test.each(["/team/deep/public", "/team/deep/public/sub/pkg", "/team/deep/public/v2"])("public: %s", async (path) => {
  const answer = await discover(path);
  expect(answer.status).toBe(200);
  expect(answer.headers["content-type"]).toMatch(/^text\/html/);
  expect(answer.text).toContain(meta("team/deep/public"));
});

test("where the source is read, in GitLab's form, whether or not there is anything", async () => {
  for (const [path, root] of [
    ["/team/deep/public/sub/pkg", "team/deep/public"],
    ["/alice/private/sub", "alice/private"],
    ["/alice/nothing/sub", "alice/nothing"],
  ] as const)
    expect((await discover(path)).text).toContain(
      `<meta name="go-source" content="gokura.test/${root} https://gokura.test/${root} https://gokura.test/${root}/-/tree/HEAD{/dir} https://gokura.test/${root}/-/blob/HEAD{/dir}/{file}#L{line}">`,
    );
});

test("private, with a token that may read it: the project, also from below", async () => {
  for (const path of ["/alice/private", "/alice/private/sub"])
    expect((await discover(path, basic("alice", token))).text).toContain(meta("alice/private"));
});

test("nobody learns whether a private project is there: the first two segments, always", async () => {
  expect((await discover("/alice/private/sub")).text).toContain(meta("alice/private"));
  expect((await discover("/alice/nothing/sub")).text).toContain(meta("alice/nothing"));
  expect((await discover("/team/deep/nothing/x")).text).toContain(meta("team/deep"));
});

test.each([
  ["a bad token", async () => basic("alice", "no-such-token")],
  ["a stranger", async () => basic("bob", await server.token("bob"))],
  ["a scope that does not open it", async () => basic("alice", await server.token("alice", "read_user"))],
  ["credentials that cannot be read", async () => ({ authorization: "Basic !!!" })],
])("404 with a text that helps, to %s", async (_, headers) => {
  const answer = await discover("/alice/private", await headers());
  expect(answer.status).toBe(404);
  expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
  expect(answer.text).toContain("Go package not found or access denied");
});

test("404 to a blocked user", async () => {
  const carol = await server.token("carol");
  expect((await discover("/team/deep/public", basic("carol", carol))).status).toBe(200);
  await setUserBlocked(server.registry, OPERATOR, "carol", true);
  expect((await discover("/team/deep/public", basic("carol", carol))).status).toBe(404);
});

test.each(["/", "/one"])("404 for fewer than two segments: %s", async (path) => {
  expect((await discover(path)).status).toBe(404);
});

test("404 for a project without a repository", async () => {
  expect((await discover("/team/deep/empty")).status).toBe(404);
});

test("nothing of the path gets into the page unescaped", async () => {
  const answer = await discover("/a%22%3E%3Cscript%3E/b");
  expect(answer.text).not.toContain("<script>");
});

test("other values of go-get are nobody's business", async () => {
  expect((await ask(`http://127.0.0.1:${server.port}`, "/alice/private?go-get=0")).status).toBe(404);
});
