// A tag that would be refused to whoever asks for it is no version: it stands in no list, is not chosen, and says why when
// it is asked for by name. One wrong tag keeps nobody from the others. A project can choose the go command's own list.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createProject, updateProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { listRejectedTags } from "../../src/registry/versions/rejected-tags.ts";
import { eventually } from "../support/eventually.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const M = "gokura.test/acme/lib";
const FORK = "gokura.test/acme/fork";

let server: TestServer;

const get = (modulePath: string, rest: string) => {
  const project = modulePath.startsWith(FORK) ? "acme%2Ffork" : "acme%2Flib";
  return ask(server.url, `/api/v4/projects/${project}/packages/go/${modulePath}/${rest}`);
};
const list = async (modulePath: string): Promise<string> => (await get(modulePath, "@v/list")).text.trim();

beforeAll(async () => {
  server = await testServer();
  const token = await server.token("acme");
  for (const name of ["lib", "fork"])
    await createProject(server.registry, OPERATOR, { fullPath: `acme/${name}`, visibility: "PUBLIC" });
  await pushRecipe(remoteOf(server.url, "acme/lib", token), (r) => {
    const one = r.commit({ "go.mod": `module ${M}\n`, "a.go": "package lib\n" });
    r.tag("v1.0.0", one);
    const broken = r.commit({ "go.mod": `module ${M}\nrequire (\n` }, { branch: "broken", parents: [one] });
    r.tag("v1.1.0", broken);
    const moved = r.commit({ "go.mod": "module example.com/moved\n" }, { branch: "moved", parents: [one] });
    r.tag("v1.2.0", moved);
    const two = r.commit({ "go.mod": `module ${M}/v2\n` }, { branch: "two", parents: [one] });
    r.tag("v2.0.0", two);
    r.tag("v2.1.0", r.commit({ "b.go": "package lib\n" }, { branch: "main", parents: [one] })); // without /v2
    r.tag("v3.0.0", one); // there is no version 3 at all
  });
  await pushRecipe(remoteOf(server.url, "acme/fork", token), (r) => {
    const one = r.commit({ "go.mod": "module example.com/original\n", "a.go": "package original\n" });
    r.tag("v1.0.0", one);
    r.tag("v1.1.0", r.commit({ "b.go": "package original\n" }));
  });
});

describe("a tag that would be refused", () => {
  test("is in no list", async () => {
    expect(await list(M)).toBe("v1.0.0");
    expect(await list(`${M}/v2`)).toBe("v2.0.0");
    expect((await get(`${M}/v3`, "@v/list")).status).toBe(404);
  });

  test.each([
    [M, "v1.1.0", /cannot parse go\.mod/],
    [M, "v1.2.0", /go\.mod declares module example\.com\/moved, not gokura\.test\/acme\/lib/],
    [`${M}/v2`, "v2.1.0", /non-\.\.\.\/v2 module path/],
    [FORK, "v1.1.0", /go\.mod declares module example\.com\/original/],
  ])("%s@%s is not found by name, with the reason", async (modulePath, version, reason) => {
    for (const kind of ["info", "mod", "zip"]) {
      const { status, text } = await get(modulePath, `@v/${version}.${kind}`);
      expect([status, text]).toEqual([404, expect.stringMatching(reason)]);
      expect(text).toContain(`${modulePath}@${version}: invalid version: `);
    }
  });

  test("is not the latest, nor what a branch is", async () => {
    expect(JSON.parse((await get(M, "@latest")).text).Version).toBe("v1.0.0");
    expect(JSON.parse((await get(`${M}/v2`, "@latest")).text).Version).toBe("v2.0.0");
    // The commit is the version's that comes after the last tag before it; forks are used in replace directives so.
    expect(JSON.parse((await get(M, "@v/moved.info")).text).Version).toMatch(/^v1\.0\.1-0\.\d{14}-/);
    expect(JSON.parse((await get(FORK, "@latest")).text).Version).toMatch(/^v1\.0\.1-0\.\d{14}-/);
  });

  test("breaks nobody's go get and go mod tidy", async () => {
    const go = goCommand({ GOPROXY: `${server.url}/api/v4/projects/acme%2Flib/packages/go` });
    await go.must("get", `${M}/v2@latest`, `${M}@latest`);
    writeFileSync(join(go.cwd, "a.go"), `package work\n\nimport (\n\t_ "${M}"\n\t_ "${M}/v2"\n)\n`);
    await go.must("mod", "tidy");
    expect(await go.must("list", "-m", "all")).toContain(`${M}/v2 v2.0.0\n`);
  });

  test("is told to its author", async () => {
    const { id } = await server.registry.prisma.project.findFirstOrThrow({ where: { fullPath: "acme/lib" } });
    const rejected = await listRejectedTags(server.registry, id, 100);
    expect(rejected.map(({ tag }) => tag).sort()).toEqual(["v1.1.0", "v1.2.0", "v2.1.0", "v3.0.0"]);
  });
});

describe("with the go command's own list", () => {
  beforeAll(async () => {
    for (const name of ["lib", "fork"])
      await updateProject(server.registry, OPERATOR, `acme/${name}`, { listRefused: true });
  });

  test("it is listed", async () => {
    const all = await eventually(
      () => list(M),
      (text) => text === "v1.0.0\nv1.1.0\nv1.2.0",
    );
    expect(all).toBe("v1.0.0\nv1.1.0\nv1.2.0");
    expect(await list(`${M}/v2`)).toBe("v2.0.0\nv2.1.0");
    expect(await list(`${M}/v3`)).toBe("v3.0.0");
  });

  test("a fork's tags are versions, for replace directives", async () => {
    const info = await eventually(
      () => get(FORK, "@v/v1.1.0.info"),
      ({ status }) => status === 200,
    );
    expect(JSON.parse(info.text).Version).toBe("v1.1.0");
    expect(JSON.parse((await get(FORK, "@latest")).text).Version).toBe("v1.1.0");
  });

  test("and what was published then stays when it is given up", async () => {
    await updateProject(server.registry, OPERATOR, "acme/fork", { listRefused: false });
    await updateProject(server.registry, OPERATOR, "acme/lib", { listRefused: false });
    const two = await eventually(
      () => list(`${M}/v2`),
      (text) => text === "v2.0.0",
    );
    expect(two).toBe("v2.0.0");
    expect((await get(FORK, "@v/v1.1.0.zip")).status).toBe(200);
  });
});
