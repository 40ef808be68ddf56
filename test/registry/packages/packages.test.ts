// Package lists of projects and groups in each order, both ways, page by page, against the same lists made in memory by Go's
// rules; what they show to whom; what a deletion leaves.
import { beforeAll, describe, expect, test } from "vitest";
import { compareBytewise } from "../../../src/gomod/byte-order.ts";
import { compareVersions } from "../../../src/gomod/version.ts";
import { authenticate } from "../../../src/registry/access/authentication.ts";
import { createGroup, findGroup } from "../../../src/registry/forge/groups.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject, findProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { PAGE_LIMIT, type PageRequest } from "../../../src/registry/lists/keyset-page.ts";
import {
  countPackagesOfGroups,
  countPackagesOfProjects,
  numberedPackagesOfGroup,
  numberedPackagesOfProject,
  PACKAGE_ORDERS,
  type PackageFilter,
  type PackageSort,
  packagesOfGroups,
  packagesOfProjects,
} from "../../../src/registry/packages/package-lists.ts";
import {
  deletePackages,
  findPackage,
  otherVersionsOf,
  PACKAGE_STATUSES,
  PACKAGE_TYPES,
  type PackageRow,
} from "../../../src/registry/packages/packages.ts";
import { ANONYMOUS, OPERATOR, type Principal } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import type { GroupRow, ProjectRow } from "../../../src/registry/rows.ts";
import { publishVersions, signUp, version } from "../../graphql/graphql-server.ts";
import { testRegistry } from "../../support/registry.ts";

const NAMES = ["v0.9.0", "v1.0.0-rc.1", "v1.0.0", "v1.2.0", "v1.10.0", "v2.0.0+incompatible"];
const PSEUDO = "v0.0.0-20240102030405-0123456789ab";

let registry: Registry;
let all: PackageRow[];
const projects = new Map<string, ProjectRow>();
const groups = new Map<string, GroupRow>();

const ALL_SORTS: PackageSort[] = PACKAGE_ORDERS.flatMap((by) => [
  { by, order: "asc" },
  { by, order: "desc" },
]);
const DEFAULT: PackageSort = { by: "created_at", order: "asc" };

beforeAll(async () => {
  registry = await testRegistry();
  for (const fullPath of ["top", "top/sub", "top/sub/deep", "top/empty", "other"])
    await createGroup(registry, OPERATOR, { fullPath, visibility: "PUBLIC" });
  for (const [fullPath, visibility] of [
    ["top/b", "PUBLIC"],
    ["top/A", "PRIVATE"],
    ["top/sub/c", "INTERNAL"],
    ["top/sub/deep/d", "PUBLIC"],
    ["top/off", "PUBLIC"],
    ["top/none", "PUBLIC"],
    ["other/e", "PUBLIC"],
  ] as const) {
    const project = await createProject(registry, OPERATOR, { fullPath, visibility });
    projects.set(fullPath, project);
    if (fullPath === "top/none") continue;
    // Two modules a project, versions in an order of publication that is none by name.
    for (const [n, name] of [...NAMES, PSEUDO].entries()) {
      const paths = [`gokura.test/${fullPath}`, `gokura.test/${fullPath}/Sub`].slice(0, 1 + (n % 2));
      const legacy = name.endsWith("+incompatible");
      await publishVersions(
        registry,
        project.id,
        paths.map((path) => version(path, name, { legacy, ...(name === PSEUDO ? { ref: undefined } : {}) })),
      );
    }
  }
  await updateProject(registry, OPERATOR, "top/off", { packagesEnabled: false });
  for (const fullPath of projects.keys()) projects.set(fullPath, (await findProject(registry, fullPath))!);
  for (const path of ["top", "top/sub", "top/empty", "other"]) groups.set(path, (await findGroup(registry, path))!);
  const pages = await packagesOfProjects(
    registry,
    OPERATOR,
    [...projects.values()],
    { filter: {}, sort: DEFAULT },
    { first: 100 },
  );
  all = [...pages.values()].flatMap(({ rows }) => rows);
});

function sorted(rows: readonly PackageRow[], { by, order }: PackageSort): string[] {
  const published = (a: PackageRow, b: PackageRow) => a.createdAt.getTime() - b.createdAt.getTime() || a.id - b.id;
  const compare: Record<PackageSort["by"], (a: PackageRow, b: PackageRow) => number> = {
    created_at: published,
    type: published,
    name: (a, b) => compareBytewise(a.packageName, b.packageName) || compareVersions(a.version, b.version),
    version: (a, b) => compareVersions(a.version, b.version) || published(a, b),
    project_path: (a, b) => compareBytewise(a.projectPath, b.projectPath) || published(a, b),
  };
  const list = [...rows].sort(compare[by]);
  return named(order === "asc" ? list : list.reverse());
}

const named = (rows: readonly PackageRow[]): string[] => rows.map((row) => `${row.packageName}@${row.version}`);
const inGroup = (path: string) => all.filter((row) => row.projectPath.startsWith(`${path}/`));

const ofGroup = async (
  path: string,
  sort: PackageSort,
  request: PageRequest,
  filter: PackageFilter = {},
  principal: Principal = OPERATOR,
  includeSubgroups = true,
) => {
  const group = groups.get(path)!;
  const query = { filter, sort };
  return (await packagesOfGroups(registry, principal, [group], { includeSubgroups }, query, request)).get(group.id)!;
};
const ofProject = async (path: string, sort: PackageSort, request: PageRequest, filter: PackageFilter = {}) => {
  const project = projects.get(path)!;
  const query = { filter, sort };
  return (await packagesOfProjects(registry, OPERATOR, [project], query, request)).get(project.id)!;
};

test("every tag is a package, no pseudo-version is, and a switched-off registry has none", () => {
  expect(all).toHaveLength(5 * 9); // 6 versions of one module and 3 of the other, in five projects
  expect(all.filter((row) => row.version === PSEUDO)).toEqual([]);
  expect(new Set(all.map((row) => row.projectPath))).not.toContain("top/off");
  for (const row of all) expect(projects.get(row.projectPath)!.id).toBe(row.packageOf);
});

describe.each(ALL_SORTS.map((sort) => [`${sort.by} ${sort.order}`, sort] as const))("sorted by %s", (_, sort) => {
  test.each([
    ["top", (request: PageRequest) => ofGroup("top", sort, request)],
    ["top/A", (request: PageRequest) => ofProject("top/A", sort, request)],
  ] as const)("%s, forwards and backwards, in pages", async (path, page) => {
    const expected = sorted(path === "top" ? inGroup("top") : all.filter((row) => row.projectPath === path), sort);
    const forwards: string[] = [];
    for (let after: string | undefined; ; ) {
      const one = await page({ first: 4, after });
      forwards.push(...named(one.rows));
      if (!one.hasNextPage) break;
      after = one.cursorOf(one.rows.at(-1)!);
    }
    expect(forwards).toEqual(expected);
    const backwards: string[] = [];
    for (let before: string | undefined; ; ) {
      const one = await page({ last: 5, before });
      backwards.unshift(...named(one.rows));
      if (!one.hasPreviousPage) break;
      before = one.cursorOf(one.rows[0]!);
    }
    expect(backwards).toEqual(expected);
    const whole = await page({ first: PAGE_LIMIT });
    const [from, to] = [whole.cursorOf(whole.rows[1]!), whole.cursorOf(whole.rows[6]!)];
    expect(named((await page({ first: 20, after: from, before: to })).rows)).toEqual(expected.slice(2, 6));
  });

  test("by place", async () => {
    const expected = sorted(inGroup("top"), sort);
    const query = { filter: {}, sort };
    const scope = { includeSubgroups: true };
    const found: string[] = [];
    for (let page = 1; ; page++) {
      const { rows, total } = await numberedPackagesOfGroup(registry, OPERATOR, groups.get("top")!, scope, query, {
        offset: (page - 1) * 7,
        limit: 7,
        counted: true,
      });
      expect(total).toBe(expected.length);
      if (rows.length === 0) break;
      found.push(...named(rows));
    }
    expect(found).toEqual(expected);
    const project = projects.get("other/e")!;
    const one = await numberedPackagesOfProject(registry, OPERATOR, project, query, {
      offset: 5,
      limit: 5,
      counted: true,
    });
    expect([named(one.rows), one.total]).toEqual([
      sorted(
        all.filter((row) => row.projectPath === "other/e"),
        sort,
      ).slice(5, 10),
      9,
    ]);
  });

  test.each<[string, PackageFilter, (row: PackageRow) => boolean]>([
    ["a part of the name in any case", { name: "/SUB" }, (row) => /\/sub/i.test(row.packageName)],
    ["a part that only one has", { name: "deep/D/s" }, (row) => row.packageName.endsWith("deep/d/Sub")],
    ["a version", { version: "v1.0.0" }, (row) => row.version === "v1.0.0"],
    ["both", { version: "v1.2.0", name: "sub" }, (row) => row.version === "v1.2.0" && /sub/i.test(row.packageName)],
    ["characters of LIKE", { name: "%_" }, () => false],
  ])("filtered by %s", async (_name, filter, fits) => {
    const expected = sorted(inGroup("top").filter(fits), sort);
    const first = await ofGroup("top", sort, { first: 3 }, filter);
    expect(named(first.rows)).toEqual(expected.slice(0, 3));
    const after = first.rows.length > 0 ? first.cursorOf(first.rows.at(-1)!) : undefined;
    expect(named((await ofGroup("top", sort, { first: 100, after }, filter)).rows)).toEqual(expected.slice(3));
    const counts = await countPackagesOfGroups(
      registry,
      OPERATOR,
      [groups.get("top")!],
      { includeSubgroups: true },
      filter,
    );
    expect([...counts.values()]).toEqual([expected.length]);
  });
});

test("types and states that GitLab knows are understood; only golang and default have any", async () => {
  for (const type of PACKAGE_TYPES)
    expect((await ofGroup("top", DEFAULT, {}, { type })).rows.length > 0, type).toBe(type === "golang");
  for (const status of PACKAGE_STATUSES)
    expect((await ofGroup("top", DEFAULT, {}, { status })).rows.length > 0, status).toBe(status === "default");
  for (const name of ["1.0.0", "v1.0", "v1", "nonsense", "v1.0.0+meta", "v1.0.0\0"])
    expect((await ofGroup("top", DEFAULT, {}, { version: name })).rows, name).toEqual([]);
});

test("without sub-groups only the group's own projects", async () => {
  const paths = async (path: string, includeSubgroups: boolean) => {
    const { rows } = await ofGroup(path, DEFAULT, { first: 100 }, {}, OPERATOR, includeSubgroups);
    return [...new Set(rows.map((row) => row.projectPath))].sort();
  };
  expect(await paths("top", false)).toEqual(["top/A", "top/b"]);
  expect(await paths("top/sub", false)).toEqual(["top/sub/c"]);
  expect(await paths("top/sub", true)).toEqual(["top/sub/c", "top/sub/deep/d"]);
  expect(await paths("top/empty", true)).toEqual([]);
});

test("each sees the packages of the projects that it may read, and no others count", async () => {
  const [stranger, guest, reporter] = await Promise.all(
    ["stranger", "guest", "reporter"].map(async (username) => {
      const secret = await signUp(registry, { username });
      return () => authenticate(registry, { secret });
    }),
  );
  await addMember(registry, OPERATOR, { projectPath: "top/A" }, { username: "guest", accessLevel: 10 });
  await addMember(registry, OPERATOR, { projectPath: "top/A" }, { username: "reporter", accessLevel: 20 });
  const cases: [Principal, string[]][] = [
    [ANONYMOUS, ["top/b", "top/sub/deep/d"]],
    [await stranger!(), ["top/b", "top/sub/c", "top/sub/deep/d"]],
    [await guest!(), ["top/b", "top/sub/c", "top/sub/deep/d"]],
    [await reporter!(), ["top/A", "top/b", "top/sub/c", "top/sub/deep/d"]],
  ];
  for (const [principal, expected] of cases) {
    const { rows } = await ofGroup("top", DEFAULT, { first: 100 }, {}, principal);
    expect([...new Set(rows.map((row) => row.projectPath))].sort()).toEqual(expected);
    const group = groups.get("top")!;
    const counts = await countPackagesOfGroups(registry, principal, [group], { includeSubgroups: true }, {});
    expect(counts.get(group.id)).toBe(expected.length * 9);
    const some = [...projects.values()];
    const query = { filter: {}, sort: DEFAULT };
    const pages = await packagesOfProjects(registry, principal, some, query, {});
    const listed = some.filter(({ id }) => pages.has(id)).map(({ fullPath }) => fullPath);
    expect(listed.sort()).toEqual([...expected, "other/e", "top/none"].sort());
    const secret = all.find((row) => row.projectPath === "top/A")!;
    expect((await findPackage(registry, principal, secret.id))?.package.version).toBe(
      expected.includes("top/A") ? secret.version : undefined,
    );
  }
});

test("a part of a name that very many modules have is found all the same", async () => {
  const project = await createProject(registry, OPERATOR, { fullPath: "other/bulk", visibility: "PUBLIC" });
  await registry.database.pool.query(
    `WITH made AS (INSERT INTO module (path, project_id)
        SELECT 'gokura.test/other/bulk/' || CASE WHEN n % 10 = 0 THEN 'rare' ELSE 'bulky' END || n, $1
        FROM generate_series(1, 1200) n RETURNING id)
      INSERT INTO module_version (module_id, version, sort_key, kind, "time", "commit", go_mod, go_mod_h1)
      SELECT id, 'v1.0.0', '011010010~', 'RELEASE', now(), 'c0ffee', 'module x', 'h1:mod' FROM made`,
    [project.id],
  );
  const group = groups.get("other")!;
  for (const [name, count] of [
    ["/BULKY", 1080],
    ["bulk/rare", 120],
    ["bulk/rare10", 12],
  ] as const) {
    const found = await ofGroup("other", { by: "name", order: "asc" }, { first: 13 }, { name });
    const paths = found.rows.map(({ packageName }) => packageName);
    expect(paths).toHaveLength(Math.min(count, 13));
    expect(paths.every((path) => path.includes(name.toLowerCase()))).toBe(true);
    expect(found.hasNextPage).toBe(count > 13);
    const counts = await countPackagesOfGroups(registry, OPERATOR, [group], { includeSubgroups: true }, { name });
    expect(counts.get(group.id)).toBe(count);
  }
});

test("counting stops at the limit", async () => {
  const project = projects.get("top/b")!;
  const count = async (limit?: number) =>
    (await countPackagesOfProjects(registry, OPERATOR, [project], {}, limit)).get(project.id);
  expect([await count(), await count(9), await count(8), await count(3), await count(0)]).toEqual([9, 9, 9, 4, 1]);
});

test("a package by its number, with the other versions of its module", async () => {
  const chosen = all.find((row) => row.packageName === "gokura.test/top/b" && row.version === "v1.2.0")!;
  const found = (await findPackage(registry, ANONYMOUS, chosen.id))!;
  expect(found.package).toMatchObject({ id: chosen.id, packageName: "gokura.test/top/b", projectPath: "top/b" });
  const others = (await otherVersionsOf(registry, [found.package], { first: 3 })).get(chosen.id)!;
  const newest = NAMES.filter((name) => name !== "v1.2.0")
    .sort(compareVersions)
    .reverse();
  expect(others.rows.map((row) => row.version)).toEqual(newest.slice(0, 3));
  const rest = await otherVersionsOf(registry, [found.package], { after: others.cursorOf(others.rows.at(-1)!) });
  expect(rest.get(chosen.id)!.rows.map((row) => row.version)).toEqual(newest.slice(3));
  expect(await findPackage(registry, OPERATOR, 2_000_000)).toBeUndefined();
  const pseudo = await registry.prisma.moduleVersion.findFirstOrThrow({ where: { kind: "PSEUDO" } });
  expect(await findPackage(registry, OPERATOR, pseudo.id)).toBeUndefined();
});

test("what is deleted is in no list, and leaves a tombstone", async () => {
  const chosen = all.find((row) => row.projectPath === "other/e" && row.version === "v1.10.0")!;
  await expect(deletePackages(registry, ANONYMOUS, [chosen.id])).rejects.toMatchObject({ kind: "unauthenticated" });
  await deletePackages(registry, OPERATOR, [chosen.id]);
  expect(await findPackage(registry, OPERATOR, chosen.id)).toBeUndefined();
  expect(named((await ofProject("other/e", DEFAULT, { first: 100 })).rows)).not.toContain(named([chosen])[0]);
  const where = { modulePath_version: { modulePath: chosen.packageName, version: chosen.version } };
  expect(await registry.prisma.tombstone.findUnique({ where })).toMatchObject({ returnable: false });
  await expect(deletePackages(registry, OPERATOR, [chosen.id])).rejects.toMatchObject({ kind: "not-found" });
});
