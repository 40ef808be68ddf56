// Protected tags by REST (doc/api/protected_tags.md): shapes, and who may. What they do to a push: test/http/push-answer.test.ts.
import { beforeAll, expect, test } from "vitest";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import { type TestServer, testServer } from "../../support/server.ts";

const TAGS = "/projects/alice%2Flib/protected_tags";

let server: TestServer;
let rest: Rest;
const secret = { alice: "", dev: "", reporter: "", stranger: "" };

beforeAll(async () => {
  server = await testServer();
  for (const name of ["alice", "dev", "reporter", "stranger"] as const)
    secret[name] = await server.token(name, "api", "write_repository");
  rest = await restClient(server.url, secret.alice);
  await createProject(server.registry, OPERATOR, { fullPath: "alice/lib" });
  for (const [username, accessLevel] of [
    ["dev", 30],
    ["reporter", 20],
  ] as const)
    await addMember(server.registry, OPERATOR, { projectPath: "alice/lib" }, { username, accessLevel });
});

const shown = (name: string, level: number, words: string) => ({
  name,
  create_access_levels: [{ id: expect.any(Number), access_level: level, access_level_description: words }],
});

test("made, shown, listed, said of tags, deleted", async () => {
  const made = await rest("POST", TAGS, { name: "v1.*" });
  expect([made.status, made.json]).toEqual([201, shown("v1.*", 40, "Maintainers")]);
  const asked = await rest("POST", `${TAGS}?name=v2.*&create_access_level=30`);
  expect(asked.json).toEqual(shown("v2.*", 30, "Developers + Maintainers"));
  expect((await rest("POST", TAGS, { name: "v0.0.0", create_access_level: 0 })).json).toEqual(
    shown("v0.0.0", 0, "No one"),
  );
  expect((await rest("POST", TAGS, { name: "v1.*" })).status).toBe(409);
  expect((await rest("GET", TAGS)).json.map(({ name }: { name: string }) => name)).toEqual(["v0.0.0", "v1.*", "v2.*"]);
  expect((await rest("GET", `${TAGS}/v1.*`)).json).toEqual(made.json);

  await pushRecipe(remoteOf(server.url, "alice/lib", secret.alice), (r) => {
    const commit = r.commit({ "go.mod": "module gokura.test/alice/lib\n" });
    for (const tag of ["v1.0.0", "v0.1.0"]) r.tag(tag, commit);
  });
  const tags = (await rest("GET", "/projects/alice%2Flib/repository/tags")).json;
  const isProtected = (name: string) => tags.find((tag: { name: string }) => tag.name === name).protected;
  expect([isProtected("v1.0.0"), isProtected("v0.1.0")]).toEqual([true, false]);

  expect((await rest("DELETE", `${TAGS}/v1.*`)).status).toBe(204);
  expect((await rest("GET", `${TAGS}/v1.*`)).status).toBe(404);
  expect((await rest("DELETE", `${TAGS}/v1.*`)).status).toBe(404);
});

test("Developers see them, Maintainers make and delete them", async () => {
  const statuses = async (token: string) =>
    Promise.all([
      rest("GET", TAGS, undefined, token),
      rest("POST", TAGS, { name: "who" }, token),
      rest("DELETE", `${TAGS}/v2.*`, undefined, token),
    ]).then((answers) => answers.map(({ status }) => status));
  expect(await statuses(secret.dev)).toEqual([200, 403, 403]);
  expect(await statuses(secret.reporter)).toEqual([403, 403, 403]);
  expect(await statuses(secret.stranger)).toEqual([404, 404, 404]);
});

test.each([
  [{ name: "" }, 400],
  [{ name: "has space" }, 400],
  [{ name: "x".repeat(300) }, 400],
  [{ name: "x", create_access_level: 50 }, 400],
  [{}, 400],
])("%j is refused", async (input, status) => {
  expect((await rest("POST", TAGS, input)).status).toBe(status);
});
