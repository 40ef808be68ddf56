// A version that is taken back: 410 for ever, in no list, its name never used again; and what `project explain` says.
import { beforeAll, describe, expect, test } from "vitest";
import { authenticate } from "../../src/registry/access/authentication.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject, deleteProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR, type Principal } from "../../src/registry/principal.ts";
import { explainTags } from "../../src/registry/versions/tag-explanation.ts";
import { deleteVersion } from "../../src/registry/versions/version-deletion.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { type PushedRepository, pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const M = "gokura.test/acme/lib";

let server: TestServer;
let repository: PushedRepository;
let token: string;

const get = (rest: string) => ask(server.url, `/api/v4/projects/acme%2Flib/packages/go/${M}/${rest}`);
const as = async (user: string): Promise<Principal> =>
  authenticate(server.registry, { secret: await server.token(user) });

beforeAll(async () => {
  server = await testServer();
  token = await server.token("acme");
  await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  repository = await pushRecipe(remoteOf(server.url, "acme/lib", token), (r) => {
    const one = r.commit({ "go.mod": `module ${M}\n`, "a.go": "package lib\n" });
    r.tag("v1.0.0", one);
    r.tag("v1.1.0", r.commit({ "b.go": "package lib\n" }));
    r.tag("v1.2", one);
  });
});

describe("deleting a version", () => {
  test("needs a Maintainer", async () => {
    const developer = await as("dev");
    await addMember(server.registry, OPERATOR, { projectPath: "acme/lib" }, { username: "dev", accessLevel: 30 });
    await expect(deleteVersion(server.registry, developer, M, "v1.1.0")).rejects.toThrow(/maintainer/);
    expect((await get("@v/v1.1.0.info")).status).toBe(200);
  });

  test("makes it 410 on every address within a second, also where it was in memory", async () => {
    for (const kind of ["info", "mod", "zip"]) expect((await get(`@v/v1.1.0.${kind}`)).status).toBe(200);
    await deleteVersion(server.registry, await as("acme"), M, "v1.1.0");
    for (const kind of ["info", "mod", "zip"]) {
      const answer = await eventually(
        () => get(`@v/v1.1.0.${kind}`),
        ({ status }) => status === 410,
      );
      expect([answer.status, answer.text]).toEqual([410, expect.stringContaining("deleted by a maintainer")]);
    }
    expect((await get("@v/list")).text).toBe("v1.0.0\n");
    expect(JSON.parse((await get("@latest")).text).Version).toBe("v1.0.0");
    // The branch whose tip carried it is a pseudo-version now.
    expect(JSON.parse((await get("@v/main.info")).text).Version).toMatch(/^v1\.0\.1-0\./);
  });

  test("is written down", async () => {
    const events = await server.registry.prisma.auditEvent.findMany({ where: { action: "version.delete" } });
    expect(events.map(({ actor, subject }) => [actor, subject])).toEqual([["acme", `${M}@v1.1.0`]]);
  });

  test("is final: neither the same tag nor another under its name comes back", async () => {
    await repository.push(":refs/tags/v1.1.0");
    await repository.push("refs/tags/v1.1.0");
    expect((await get("@v/v1.1.0.info")).status).toBe(410);
    repository.change((r) => r.tag("v1.1.0", r.commit({ "go.mod": `module ${M}\n`, "c.go": "package lib\n" })));
    await repository.push();
    expect((await get("@v/v1.1.0.info")).status).toBe(410);
    expect((await get("@v/list")).text).toBe("v1.0.0\n");
  });

  test("of nothing is not found", async () => {
    await expect(deleteVersion(server.registry, OPERATOR, M, "v9.0.0")).rejects.toThrow(/no version/);
    await expect(deleteVersion(server.registry, OPERATOR, `${M}/no`, "v9.0.0")).rejects.toThrow(/no module/);
  });
});

test("explain tells of every tag what it made, or the rule that refuses it", async () => {
  const said = await explainTags(server.registry, OPERATOR, "acme/lib");
  const verdicts = said.map(({ tag, verdict }) => `${tag} ${verdict}`);
  expect(verdicts).toEqual(
    expect.arrayContaining(["v1.0.0 version", "v1.1.0 refused", "v1.1.0 event", "v1.2 refused"]),
  );
  const one = async (tag: string) =>
    (await explainTags(server.registry, OPERATOR, "acme/lib", tag)).map((row) => row.reason);
  expect(await one("v1.2")).toEqual([expect.stringContaining("use v1.2.0")]);
  expect(await one("main")).toEqual([expect.stringContaining("it is a branch")]);
  expect(await one("v7.7.7")).toEqual([expect.stringContaining("there is no such tag")]);
  await expect(explainTags(server.registry, OPERATOR, "acme/nothing")).rejects.toThrow("Project Not Found");
});

test("after a project was deleted its names take the same content again, and no other", async () => {
  const path = "acme/phoenix";
  const module = `gokura.test/${path}`;
  const at = (rest: string) => ask(server.url, `/api/v4/projects/acme%2Fphoenix/packages/go/${module}/${rest}`);
  const remote = remoteOf(server.url, path, token);
  const make = (content: string) => async () => {
    await createProject(server.registry, OPERATOR, { fullPath: path, visibility: "PUBLIC" });
    await pushRecipe(remote, (r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${module}\n`, "a.go": content })));
  };
  await make("package a\n")();
  const before = (await at("@v/v1.0.0.zip")).bytes;
  await deleteProject(server.registry, OPERATOR, path);
  expect((await at("@v/list")).status).toBe(401);
  await make("package other\n")();
  expect((await at("@v/v1.0.0.info")).status).toBe(404);
  expect(await explainTags(server.registry, OPERATOR, path, "v1.0.0")).toEqual([
    expect.objectContaining({ verdict: "refused", reason: expect.stringContaining("never given to other content") }),
  ]);
  await deleteProject(server.registry, OPERATOR, path);
  await make("package a\n")();
  expect((await at("@v/v1.0.0.zip")).bytes).toEqual(before);
});
