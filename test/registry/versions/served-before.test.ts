// A project comes to own names of which some were served from upstream before: by a module prefix, as when a public library
// moves here. What was served stays what these names mean, to whoever has them in a go.sum.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { fakeUpstream, zipOf } from "../../support/fake-upstream.ts";
import { type Answer, ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, testServer } from "../../support/server.ts";

const P = "lib.example.com/moved";
const GO_MOD = `module ${P}\n`;

const upstream = await fakeUpstream();
const server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });

const go = (path: string): Promise<Answer> =>
  ask(server.url, `/api/v4/packages/go/${P}/@v/${path}`, { headers: bearer(ADMIN_TOKEN) });

const setPrefix = (modulePrefix: string | null) =>
  updateProject(server.registry, OPERATOR, "acme/moved", { modulePrefix });

beforeAll(async () => {
  for (const version of ["v1.0.0", "v1.1.0", "v1.2.0", "v1.4.0"])
    await upstream.version(P, version, { "go.mod": GO_MOD, "a.go": `package moved // ${version}\n` });
  for (const path of ["v1.0.0.zip", "v1.1.0.zip", "v1.2.0.mod"]) expect(await go(path)).toMatchObject({ status: 200 });
  await createGroup(server.registry, OPERATOR, { fullPath: "acme" });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/moved", modulePrefix: P });
  await pushRecipe(remoteOf(server.url, "acme/moved", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": GO_MOD, "a.go": "package moved // v1.0.0\n" }));
    r.tag("v1.1.0", r.commit({ "a.go": "package moved // other\n" }));
    r.tag("v1.2.0", r.commit({ "go.mod": `${GO_MOD}\ngo 1.24\n` }));
    r.tag("v1.4.0", r.commit({ "a.go": "package moved // ours\n" }));
  });
});

test("a tag with the content that was served is a version, and one with other content is refused with the reason", async () => {
  expect((await go("list")).text).toBe("v1.0.0\nv1.4.0\n");
  expect(await go("v1.0.0.zip")).toMatchObject({ status: 200 });
  for (const version of ["v1.1.0", "v1.2.0"]) {
    const reason = new RegExp(`${version} was served from upstream before, with h1:.*never given to other content`);
    expect(await go(`${version}.info`)).toMatchObject({ status: 404, text: expect.stringMatching(reason) });
    expect(await server.registry.prisma.rejectedTag.findMany({ where: { tag: version, modulePath: P } })).toMatchObject(
      [{ reason: expect.stringMatching(reason) }],
    );
  }
});

test("an upload of other content is refused, too", async () => {
  const body = await zipOf(`${P}@v1.1.0`, { "go.mod": GO_MOD, "a.go": "package moved // uploaded\n" });
  const upload = await ask(server.url, `/api/v4/packages/go/${P}/@v/v1.1.0.zip`, {
    ...{ method: "PUT", headers: bearer(ADMIN_TOKEN), body },
  });
  expect(upload).toMatchObject({ status: 409, text: expect.stringContaining("was served from upstream before") });
});

test("once the prefix is taken away, upstream answers again, but not with other content than the project's", async () => {
  const logged = `/sumdb/lookup/${P}@v1.4.0`;
  expect(await ask(server.url, logged, { headers: bearer(ADMIN_TOKEN) })).toMatchObject({ status: 200 });
  await setPrefix(null);
  expect((await go("v1.1.0.mod")).text).toBe(GO_MOD);
  expect(await go("v1.1.0.zip")).toMatchObject({ status: 200 });
  expect(await go("v1.4.0.mod")).toMatchObject({
    status: 409,
    text: expect.stringContaining("is in the checksum log"),
  });
  expect(await go("v1.4.0.zip")).toMatchObject({ status: 409 });
});
