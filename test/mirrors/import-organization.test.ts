// Organisations elsewhere become groups of mirrors: GitLab's list is that of another Gokura, a server in its own right; GitHub's and
// Gitea's are answered in the shapes that they document.
import type { IncomingMessage, ServerResponse } from "node:http";
import { beforeAll, expect, test } from "vitest";
import type { Forge } from "../../src/database/generated/client.ts";
import { repositoriesOf } from "../../src/mirrors/forge-repositories.ts";
import { importPlanned, type PlannedImport, planImport } from "../../src/mirrors/import-organization.ts";
import { openRemotes, passwordOf, type Remotes } from "../../src/mirrors/remotes.ts";
import { createGroup, findGroup } from "../../src/registry/forge/groups.ts";
import { credentialOfImport } from "../../src/registry/forge/import-sources.ts";
import { createProject, findProject, updateProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { atEnd } from "../support/at-end.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

let source: TestServer;
let server: TestServer;
let shaped: GitServer;
let remotes: Remotes;

beforeAll(async () => {
  source = await testServer({ tls: true });
  shaped = await gitServer("git.test");
  server = await testServer({
    environment: { GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8,::1", GOKURA_UPSTREAM_CA_FILE: source.certificateFile },
  });
  remotes = openRemotes({ allowPrivateNetworks: ["127.0.0.0/8", "::1"], upstreamCaFile: source.certificateFile });
  atEnd(async () => remotes.close());
});

const NO_OPTIONS = { archived: false, onlyGo: false };
const shown = (plan: readonly PlannedImport[]): string[] =>
  plan.map(({ action, project, visibility }) => `${action} ${project} ${visibility}`);

test("a group of GitLab's: planned, made, fetched with the one credential; again only what is new or renamed", async () => {
  const { registry } = source;
  await createGroup(registry, OPERATOR, { fullPath: "team", visibility: "PUBLIC" });
  await createGroup(registry, OPERATOR, { fullPath: "team/deep", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "team/lib", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "team/deep/tool", visibility: "PRIVATE" });
  await createProject(registry, OPERATOR, { fullPath: "team/old", visibility: "PUBLIC" });
  await updateProject(registry, OPERATOR, "team/old", { archived: true });
  await pushRecipe(
    remoteOf(source.url, "team/deep/tool", ADMIN_TOKEN),
    (r) => r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/acme/deep/tool\n" })),
    { GIT_SSL_CAINFO: source.certificateFile },
  );
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "INTERNAL" });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/taken" });
  const group = (await findGroup(server.registry, "acme"))!;
  const organization = { forge: "GITLAB" as Forge, url: `${source.url}/team`, token: ADMIN_TOKEN };
  const credential = { username: "root", password: ADMIN_TOKEN };
  const run = async (): Promise<PlannedImport[]> => {
    const plan = await planImport(server.registry, remotes, group, organization, NO_OPTIONS);
    const done: PlannedImport[] = [];
    const made = importPlanned(server.registry, remotes, OPERATOR, group, organization, credential, plan);
    for await (const one of made) done.push(one);
    return done;
  };
  const first = ["new acme/deep/tool PRIVATE", "new acme/lib INTERNAL", "skipped acme/old INTERNAL"];
  expect(shown(await planImport(server.registry, remotes, group, organization, NO_OPTIONS))).toEqual(first);
  expect(await findProject(server.registry, "acme/lib")).toBeUndefined();
  expect(shown(await run())).toEqual(first);
  const { id } = (await findProject(server.registry, "acme/deep/tool"))!;
  await expect
    .poll(() => server.registry.prisma.moduleVersion.count({ where: { module: { projectId: id } } }), {
      timeout: 30_000,
      interval: 20,
    })
    .toBe(1);
  expect(await server.registry.prisma.credential.count()).toBe(1);
  const kept = await credentialOfImport(server.registry, OPERATOR, group, organization.url);
  expect(await passwordOf(server.registry, remotes, organization.url, kept!)).toBe(ADMIN_TOKEN);

  await createProject(registry, OPERATOR, { fullPath: "team/taken", visibility: "PUBLIC" });
  await updateProject(registry, OPERATOR, "team/lib", { visibility: "PRIVATE" });
  // Renamed, as only the forge can do it: the numbers of repositories stay.
  await server.registry.database.pool.query(
    "UPDATE mirror SET url = replace(url, 'team/deep/tool', 'team/before') WHERE project_id = $1",
    [id],
  );
  expect(shown(await run())).toEqual([
    "renamed acme/deep/tool PRIVATE",
    "narrowed acme/lib PRIVATE",
    "skipped acme/old INTERNAL",
    "skipped acme/taken INTERNAL",
  ]);
  expect((await findProject(server.registry, "acme/lib"))!.visibility).toBe("PRIVATE");
  const { mirror } = await server.registry.prisma.project.findUniqueOrThrow({
    where: { id },
    include: { mirror: true },
  });
  expect(mirror!.url).toBe(`${source.url}/team/deep/tool.git`);
  expect(await server.registry.prisma.credential.count()).toBe(1);
  await source.registry.prisma.project.findFirstOrThrow({ where: { fullPath: "team/lib" } });
  const gone = { ...organization, url: `${source.url}/team/deep` };
  expect(shown(await planImport(server.registry, remotes, group, gone, NO_OPTIONS))).toEqual(["new acme/tool PRIVATE"]);
});

test.each([
  ["GITHUB", "/api/v3/orgs/acme/repos?per_page=100", "Bearer tok"],
  ["GITEA", "/api/v1/orgs/acme/repos?limit=50&page=1", "token tok"],
] as const)("%s lists in pages, with its way to send a token", async (forge, address, authorization) => {
  const asked: string[] = [];
  const rows = [
    { id: 1, name: "lib", private: false, archived: false, default_branch: "main" },
    { id: 2, name: "web", private: true, archived: true, default_branch: "main" },
  ].map((row) => ({ ...row, clone_url: `${shaped.url}/${row.name}.git` }));
  const json = (res: ServerResponse, body: unknown, headers: Record<string, string> = {}): true => {
    res.writeHead(200, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
    return true;
  };
  shaped.misbehave = (req: IncomingMessage, res: ServerResponse): boolean => {
    asked.push(`${req.url} ${req.headers.authorization}`);
    const url = req.url!;
    if (url.includes("/git/trees/"))
      return json(res, { tree: [{ path: "a/go.mod" }].slice(url.includes("/lib/") ? 0 : 1) });
    if (url === address)
      return json(res, rows.slice(0, 1), { Link: `<${shaped.url}${address}&page=2>; rel="next", <x>; rel="last"` });
    if (url.endsWith("page=2")) return json(res, rows.slice(1));
    return json(res, []);
  };
  const { http, close } = openRemotes({ allowPrivateNetworks: ["127.0.0.0/8"], upstreamCaFile: shaped.caFile });
  const organization = { forge, url: `${shaped.url}/acme`, token: "tok" };
  const found = await repositoriesOf(http, organization);
  expect(found.map(({ path, externalId, visibility, archived }) => [path, externalId, visibility, archived])).toEqual([
    ["lib", "1", "PUBLIC", false],
    ["web", "2", "PRIVATE", true],
  ]);
  expect(new Set(asked.map((line) => line.split(" ").slice(1).join(" ")))).toEqual(new Set([authorization]));
  const group = (await findGroup(server.registry, "acme"))!;
  const plan = await planImport(
    ...([server.registry, { ...remotes, http }, group, organization, { archived: true, onlyGo: true }] as const),
  );
  expect(plan.map(({ action, project, why }) => `${action} ${project} ${why ?? ""}`)).toContain(
    "skipped acme/web no go.mod is on its default branch",
  );
  close();
});

test("a list that leads to another host, that is none, and an organisation that is not there", async () => {
  const { http, close } = openRemotes({ allowPrivateNetworks: ["127.0.0.0/8"], upstreamCaFile: shaped.caFile });
  const organization = { forge: "GITHUB" as Forge, url: `${shaped.url}/acme`, token: "tok" };
  const answer = (status: number, body: string, link = ""): void => {
    shaped.misbehave = (_, res) => Boolean(res.writeHead(status, link ? { Link: link } : {}).end(body));
  };
  answer(200, "[]", '<https://evil.example/next>; rel="next"');
  await expect(repositoriesOf(http, organization)).rejects.toThrow(/on another host, which is not asked/);
  answer(200, "<html>");
  await expect(repositoriesOf(http, organization)).rejects.toThrow(/does not list repositories as github does/);
  answer(404, "{}");
  await expect(repositoriesOf(http, organization)).rejects.toThrow(/has no such organisation/);
  answer(403, "{}");
  await expect(repositoriesOf(http, organization)).rejects.toThrow(/answered 403/);
  close();
});
