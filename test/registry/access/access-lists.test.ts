// Lists follow the same rules as single things: what a principal finds in a list is exactly what it may see, whichever way
// it is a member. Every principal against every project of a small world, in the real database.
import { beforeAll, describe, expect, test } from "vitest";
import type { TokenScope, Visibility } from "../../../src/database/generated/client.ts";
import {
  isAdministrator,
  mayListModules,
  maySeeGroup,
  maySeeProject,
  projectLevel,
} from "../../../src/registry/access/access.ts";
import {
  belongs,
  memberProjects,
  readableProjects,
  readableProjectsInSql,
  seenGroups,
  seenGroupsInSql,
  seenProjects,
  seenProjectsInSql,
} from "../../../src/registry/access/access-conditions.ts";
import { ACCESS_LEVELS } from "../../../src/registry/access/acts.ts";
import { authenticate } from "../../../src/registry/access/authentication.ts";
import { createGroup, groupsOfMember } from "../../../src/registry/forge/groups.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject, findProjects } from "../../../src/registry/forge/projects.ts";
import { createDeployToken, createGroupDeployToken, createPersonalToken } from "../../../src/registry/forge/tokens.ts";
import { createUser } from "../../../src/registry/forge/users.ts";
import { ANONYMOUS, type Grant, OPERATOR, type Principal } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import type { GroupRow, ProjectRow } from "../../../src/registry/rows.ts";
import { testRegistry } from "../../support/registry.ts";

const VISIBILITIES: readonly Visibility[] = ["PRIVATE", "INTERNAL", "PUBLIC"];

let registry: Registry;
let projects: ProjectRow[];
let groups: GroupRow[];
const principals = new Map<string, Principal>([
  ["anonymous", ANONYMOUS],
  ["operator", OPERATOR],
]);

beforeAll(async () => {
  registry = await testRegistry();
  for (const fullPath of ["top", "top/sub", "other"])
    await createGroup(registry, OPERATOR, { fullPath, visibility: "PUBLIC" });
  const paths: string[] = [];
  for (const group of ["top", "top/sub", "other"])
    for (const visibility of VISIBILITIES) {
      const fullPath = `${group}/${visibility.toLowerCase()}`;
      paths.push(fullPath);
      await createProject(registry, OPERATOR, { fullPath, visibility });
    }
  for (const fullPath of ["closed", "closed/deep", "closed/beside"])
    await createGroup(registry, OPERATOR, { fullPath, visibility: "PRIVATE" });
  await createProject(registry, OPERATOR, { fullPath: "closed/deep/private" });
  await createProject(registry, OPERATOR, { fullPath: "top/closed", visibility: "PUBLIC" });
  // for members only, though everybody sees it
  await createProject(registry, OPERATOR, { fullPath: "top/sub/members", visibility: "PUBLIC" });
  await registry.prisma.project.updateMany({
    where: { fullPath: "top/sub/members" },
    data: { packageAccess: "PRIVATE" },
  });
  const rows = await registry.prisma.project.findMany();
  projects = await findProjects(
    registry,
    rows.map(({ id }) => id),
  );
  await registry.prisma.project.updateMany({ where: { fullPath: "top/closed" }, data: { packagesEnabled: false } });
  projects = await findProjects(
    registry,
    projects.map(({ id }) => id),
  );

  const addUser = async (username: string, admin: boolean, where?: object, accessLevel = 0): Promise<void> => {
    await createUser(registry, OPERATOR, { username, admin });
    if (where) await addMember(registry, OPERATOR, where, { username, accessLevel });
    const { secret } = await createPersonalToken(registry, OPERATOR, username, { name: "t", scopes: ["api"] });
    principals.set(username, await authenticate(registry, { secret }));
  };
  await addUser("stranger", false);
  await addUser("administrator", true);
  for (const [name, level] of Object.entries(ACCESS_LEVELS)) {
    await addUser(`${name}-of-top`, false, { groupPath: "top" }, level);
    await addUser(`${name}-of-sub`, false, { groupPath: "top/sub" }, level);
    await addUser(`${name}-of-project`, false, { projectPath: "top/sub/private" }, level);
  }
  const deploy = { name: "ci", scopes: ["read_repository"], username: "ci" };
  const { secret } = await createDeployToken(registry, OPERATOR, "other/private", deploy);
  principals.set("deploy token", await authenticate(registry, { secret, username: "ci" }));
  for (const group of ["top", "top/sub", "closed", "closed/deep", "closed/beside"]) {
    const { secret: ofGroup } = await createGroupDeployToken(registry, OPERATOR, group, deploy);
    principals.set(`deploy token of ${group}`, await authenticate(registry, { secret: ofGroup, username: "ci" }));
  }
  const opens = async (fullPath: string): Promise<Pick<Grant, "opens" | "groupIds">> => {
    const project = projects.find((one) => one.fullPath === fullPath);
    if (project) return { opens: { projectId: project.id }, groupIds: project.group.traversalIds };
    const group = await registry.prisma.group.findFirstOrThrow({ where: { fullPath } });
    return { opens: { groupId: group.id }, groupIds: group.traversalIds };
  };
  for (const trusted of [
    ["other/private"],
    ["top/sub/members"],
    ["top"],
    ["closed/deep"],
    ["top/sub/private", "closed"],
  ]) {
    const scopes: TokenScope[] = ["read_api"];
    const grants: Grant[] = [];
    for (const fullPath of trusted) grants.push({ ...(await opens(fullPath)), scopes });
    const job = {
      kind: "workload",
      issuer: "https://ci.test",
      subject: "job",
      grants,
      scopes,
      validUntil: Infinity,
    } as const;
    principals.set(`job of ${trusted.join(" and ")}`, job);
  }
  groups = await registry.prisma.group.findMany();
});

const paths = (rows: readonly { readonly fullPath: string }[]): string[] => rows.map(({ fullPath }) => fullPath).sort();

describe("every principal", () => {
  test("there are enough of them, and of projects, to tell something", () => {
    expect(principals.size).toBe(15 + 3 * Object.keys(ACCESS_LEVELS).length);
    expect(projects).toHaveLength(12);
  });

  test("finds in the list of projects exactly those that it may see", async () => {
    for (const [name, principal] of principals) {
      const expected = paths(projects.filter((project) => maySeeProject(principal, project)));
      for (const below of [undefined, await groupsOfMember(registry, principal)]) {
        const seen = await registry.prisma.project.findMany({ where: seenProjects(principal, below) });
        expect(paths(seen), name).toEqual(expected);
        const inSql = await registry.prisma.$queryRaw<{ fullPath: string }[]>`SELECT p.full_path AS "fullPath"
          FROM project p JOIN "group" g ON g.id = p.group_id WHERE ${seenProjectsInSql(principal, below)}`;
        expect(paths(inSql), name).toEqual(expected);
      }
    }
  });

  test("and in that of groups exactly those that it may see", async () => {
    for (const [name, principal] of principals) {
      const expected = paths(groups.filter((group) => maySeeGroup(principal, group)));
      expect(paths(await registry.prisma.group.findMany({ where: seenGroups(principal) })), name).toEqual(expected);
      const inSql = await registry.prisma.$queryRaw<{ fullPath: string }[]>`SELECT g.full_path AS "fullPath"
        FROM "group" g WHERE ${seenGroupsInSql(principal)}`;
      expect(paths(inSql), name).toEqual(expected);
    }
  });

  test("and in that of a level exactly those of which it is a member with this level", async () => {
    for (const [name, principal] of principals) {
      if (!belongs(principal) || principal.kind === "deploy-token" || isAdministrator(principal)) continue;
      for (const level of Object.values(ACCESS_LEVELS)) {
        const expected = paths(projects.filter((project) => projectLevel(principal, project) >= level));
        for (const below of [undefined, await groupsOfMember(registry, principal, level)]) {
          const found = await registry.prisma.project.findMany({ where: memberProjects(principal, level, below) });
          expect(paths(found), `${name} ${level}`).toEqual(expected);
        }
      }
    }
  });

  test("and in the list of modules exactly those of projects that it may read and whose registry is on", async () => {
    for (const [name, principal] of principals) {
      const readable = await registry.prisma.project.findMany({ where: readableProjects(principal) });
      const expected = paths(projects.filter((project) => mayListModules(principal, project)));
      expect(paths(readable), name).toEqual(expected);
      const inSql = await registry.prisma.$queryRaw<{ fullPath: string }[]>`SELECT p.full_path AS "fullPath"
        FROM project p JOIN "group" g ON g.id = p.group_id WHERE ${readableProjectsInSql(principal)}`;
      expect(paths(inSql), name).toEqual(expected);
    }
  });

  test("with different answers for different principals", () => {
    const answers = new Set(
      [...principals.values()].map((principal) =>
        projects.map((project) => `${maySeeProject(principal, project)}${mayListModules(principal, project)}`).join(),
      ),
    );
    expect(answers.size).toBe(14);
  });
});
