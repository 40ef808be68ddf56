// A registry whose module host changes, as it does when somebody sets GOKURA_URL after trying things out: what was published
// below the name before is served as ever, and no upstream hears of that name.
import { beforeAll, expect, test } from "vitest";
import { clientSettings } from "../../../src/registry/forge/client-settings.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { noteModuleHost } from "../../../src/registry/forge/module-hosts.ts";
import { isOwned } from "../../../src/registry/forge/module-owner.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { testDatabase } from "../../support/database.ts";
import { fakeUpstream } from "../../support/fake-upstream.ts";
import { ask, bearer } from "../../support/http.ts";
import { git, type PushedRepository, pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";
import { temporary } from "../../support/temporary.ts";

const database = await testDatabase();
const dataDirectory = temporary("server");
const upstream = await fakeUpstream();

const withHost = (host: string): Promise<TestServer> =>
  testServer({
    environment: {
      ...{ DATABASE_URL: database, GOKURA_DATA_DIR: dataDirectory, GOKURA_UPSTREAM: upstream.url },
      GOKURA_MODULE_HOST: host,
    },
  });

const go = (path: string) => ask(server.url, `/api/v4/packages/go/${path}`, { headers: bearer(ADMIN_TOKEN) });

let server: TestServer;
let early: PushedRepository;
beforeAll(async () => {
  const before = await withHost("before.test");
  await createGroup(before.registry, OPERATOR, { fullPath: "acme" });
  await createProject(before.registry, OPERATOR, { fullPath: "acme/lib" });
  await pushRecipe(remoteOf(before.url, "acme/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": "module before.test/acme/lib\n" }));
  });
  await createProject(before.registry, OPERATOR, { fullPath: "acme/early", modulePrefix: "after.test/acme/early" });
  early = await pushRecipe(remoteOf(before.url, "acme/early", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": "module after.test/acme/early\n" }));
  });
  const published = "/api/v4/packages/go/before.test/acme/lib/@v/v1.0.0.info";
  expect(await ask(before.url, published, { headers: bearer(ADMIN_TOKEN) })).toMatchObject({ status: 200 });
  // As a start with another host does, below which nothing is published.
  await noteModuleHost({ ...before.registry, moduleHost: "mistake.test" });
  await before.stop();
  server = await withHost("after.test");
});

test("what was published below the module host before is served as ever", async () => {
  expect((await go("before.test/acme/lib/@v/list")).text).toBe("v1.0.0\n");
  expect(await go("before.test/acme/lib/@v/v1.0.0.zip")).toMatchObject({ status: 200 });
  expect(JSON.parse((await go("before.test/acme/lib/@latest")).text)).toMatchObject({ Version: "v1.0.0" });
  expect(await ask(server.url, "/api/v4/packages/go/before.test/acme/lib/@v/list")).toMatchObject({ status: 401 });
});

test("a project whose prefix is what its path has become publishes new tags", async () => {
  early.change((r) => r.tag("v1.1.0", r.commit({ "a.go": "package early\n" })));
  const { url } = server;
  await git(["-C", early.directory, "push", remoteOf(url, "acme/early", ADMIN_TOKEN), "v1.1.0"]);
  await expect.poll(async () => (await go("after.test/acme/early/@v/list")).text).toBe("v1.0.0\nv1.1.0\n");
});

test("no upstream hears of names below the module host before, and the log says that it is another one", async () => {
  expect(await go("before.test/acme/other/@v/list")).toMatchObject({ status: 404 });
  expect(await go("before.test/acme/lib/@v/v1.0.1.info")).toMatchObject({ status: 404 });
  expect(upstream.asked.filter((path) => path.startsWith("before.test"))).toEqual([]);
  const [line] = server.logged.filter((one) => one.includes("the module host is another one"));
  expect(JSON.parse(line!)).toMatchObject({ level: "warn", moduleHost: "after.test", former: ["before.test"] });
});

test("direct mode finds a repository by the host that it is asked by, if that was the module host", async () => {
  const root = async (host: string): Promise<string> =>
    (await ask(server.url, "/acme/lib?go-get=1", { headers: { ...bearer(ADMIN_TOKEN), host } })).text;
  expect(await root("before.test")).toContain('name="go-import" content="before.test/acme/lib git ');
  for (const host of ["after.test", "mistake.test", "other.test"])
    expect(await root(host)).toContain('name="go-import" content="after.test/acme/lib git ');
});

test("a module host below which nothing was published is nobody's", async () => {
  expect(await isOwned(server.registry, "mistake.test/acme/lib")).toBe(false);
  expect(await isOwned(server.registry, "after.test/acme/lib")).toBe(true);
});

test("clients keep the names below each module host from the public checksum database", async () => {
  const settings = await clientSettings(server.registry, server.url, "instance", {
    hasWorld: false,
    gosumdb: undefined,
  });
  expect(settings.gonosumdb).toBe("after.test,before.test,after.test/acme/early");
});
