// "Recipe: the day of an incident" of docs/policies.md as it stands there, run as one script by a real shell with the real gokura
// command beside a running server: the version is denied, who uses it is found out, and whoever is refused is told.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { documentedBlocks, writePrograms } from "../support/documented-lines.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { ADMIN_TOKEN, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const APP = "gokura.test/acme/app";

test("a hostile version is denied, its users are found, and who asks for it is told", async () => {
  const home = temporary("incident");
  const [bin, work] = [join(home, "bin"), join(home, "work")];
  mkdirSync(work);
  writePrograms(bin);
  const upstream = await fakeUpstream();
  const told: string[] = [];
  const chat = await fakeUpstream((req, res) => {
    req.on("data", (part: Buffer) => told.push(part.toString("utf8"))).on("end", () => res.writeHead(204).end());
  });
  for (const version of ["v1.2.0", "v1.3.0"]) await upstream.version("example.com/bad", version);
  const reaches = {
    ...{ GOKURA_UPSTREAM: upstream.url, GOKURA_SUMDB: "off", GOKURA_UPSTREAM_VERIFY: "off" },
    GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
  };
  const server = await testServer({ environment: reaches });
  const { registry } = server;
  const alice = await server.token("alice");
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PRIVATE" });
  await createProject(registry, OPERATOR, { fullPath: "acme/app", visibility: "PRIVATE" });
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "alice", accessLevel: 40 });
  await pushRecipe(remoteOf(server.url, "acme/app", alice), (r) =>
    r.tag("v0.4.0", r.commit({ "go.mod": `module ${APP}\n\ngo 1.17\n\nrequire example.com/bad v1.3.0\n` })),
  );
  const proxy = "api/v4/packages/go/example.com/bad/@v/v1.3.0.zip";
  expect((await ask(server.url, `/${proxy}`, { headers: bearer(alice) })).status).toBe(200);

  await registry.traffic.write();

  const env = {
    ...{ PATH: `${bin}:${process.env.PATH}`, HOME: home, ...reaches },
    ...{ DATABASE_URL: registry.database.url, GOKURA_DATA_DIR: server.dataDirectory },
    ...{ URL: server.url, TOKEN: ADMIN_TOKEN, CHAT: chat.url },
  };
  const [recipe] = documentedBlocks("docs/policies.md", "Recipe: the day of an incident");
  const { status, output } = await runProgram("sh", ["-ec", recipe!], { cwd: work, env });
  expect([status, output]).toEqual([0, expect.stringContaining("hostile release, see INC-12")]);
  const { data, errors } = JSON.parse(readFileSync(join(work, "who-uses.json"), "utf8"));
  expect(errors).toBeUndefined();
  const [found] = data.goModule.versions.nodes;
  expect(found.lastDownloadedAt).not.toBeNull();
  expect(found.dependents.nodes).toEqual([
    {
      version: { version: "v0.4.0" },
      module: {
        path: APP,
        project: {
          fullPath: "acme/app",
          members: { nodes: [] },
          group: { members: { nodes: [{ user: expect.objectContaining({ username: "alice" }) }] } },
        },
      },
    },
  ]);

  const go = goCommand({ GOPROXY: `${server.url}/api/v4/packages/go`, GONOSUMDB: "*" });
  const refused = await go.run("list", "-m", "example.com/bad@v1.3.0");
  expect([refused.status === 0, refused.output]).toEqual([false, expect.stringContaining("see INC-12")]);
  expect((await go.run("list", "-m", "-versions", "example.com/bad")).output).toContain("v1.2.0");
  expect((await ask(server.url, `/${proxy}`, { headers: bearer(alice) })).status).toBe(403);
  await expect.poll(() => told.join(""), { timeout: 15_000 }).toContain("example.com/bad");
  const [how] = recipe!.split("\n# 1.");
  const lastQuestion = `${how}${recipe!.slice(recipe!.lastIndexOf("\nask"))}`;
  const audit = async () => (await runProgram("sh", ["-ec", lastQuestion], { cwd: work, env })).output;
  await expect.poll(audit, { timeout: 15_000 }).toMatch(/"actor":"alice"/);
});
