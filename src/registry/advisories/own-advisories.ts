// Advisories about one's own modules, made by the Maintainers of the project. They are OSV entries as the database has them,
// and merged into what is served, so that govulncheck knows of private modules too; to those who may not see the module there
// are none. One that was a mistake is withdrawn, which stays told: who has read it must learn that.
import { Failure, invalid, notFound } from "../../errors.ts";
import { canonicalVersion, compare, isValid } from "../../gomod/version.ts";
import { demandAct, mayListModules } from "../access/access.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { ownerOf } from "../forge/module-owner.ts";
import { demandProject, findProject } from "../forge/projects.ts";
import { nameOfPrincipal, type Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { AdvisoryRow } from "../rows.ts";
import { checkDescription, checkName, isKeepable } from "../text.ts";

/** What the ids of advisories about modules here begin with. */
export const OWN_PREFIX = "GOKURA-";
const MAX_NAMES = 100;

/** An advisory to be made. */
export interface NewAdvisory {
  readonly modulePath: string;
  /** The package that is affected; the whole module if not given. */
  readonly packagePath?: string | undefined;
  /** Its functions and methods (T.M) that are affected; all if not given. */
  readonly symbols?: readonly string[] | undefined;
  /** The first version that is affected; every version from the beginning if not given. */
  readonly introduced?: string | undefined;
  /** The first version that is affected no more; none if not given. */
  readonly fixed?: string | undefined;
  readonly summary: string;
  readonly details?: string | undefined;
  /** Other names of the same, such as CVE-2026-1234. */
  readonly aliases?: readonly string[] | undefined;
}

/** Makes an advisory about a module of a project. Maintainers. */
export async function createAdvisory(
  registry: Registry,
  principal: Principal,
  input: NewAdvisory,
): Promise<AdvisoryRow> {
  const { modulePath } = input;
  const owner = await ownerOf(registry, modulePath);
  if (!owner) throw notFound("Module Not Found");
  const project = await demandProject(registry, principal, owner.fullPath);
  demandAct(principal, "advisory.create", project);
  checkAdvisory(input);
  const at = new Date(Math.floor(registry.policies.now() / 1000) * 1000);
  return change(registry, "", async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('gokura advisories'))`;
    const prefix = `${OWN_PREFIX}${at.getUTCFullYear()}-`;
    const made = await tx.advisory.count({ where: { id: { startsWith: prefix } } });
    const id = `${prefix}${String(made + 1).padStart(4, "0")}`;
    const body = JSON.stringify(osvOf(id, at, input));
    const data = { id, modified: at, projectId: project.id, body, createdBy: nameOfPrincipal(principal) };
    const row = await tx.advisory.create({ data: { ...data, modules: { create: { path: modulePath } } } });
    await audit(tx, principal, "advisory.create", modulePath, { id });
    return row;
  });
}

/** Withdraws an advisory: it is about no version any more. Maintainers of its project. */
export async function withdrawAdvisory(registry: Registry, principal: Principal, id: string): Promise<AdvisoryRow> {
  const row = isKeepable(id) ? await registry.prisma.advisory.findUnique({ where: { id } }) : null;
  const found = row?.projectId == null ? undefined : await findProject(registry, row.projectId);
  if (row === null || found === undefined) throw notFound("Advisory Not Found");
  const project = await demandProject(registry, principal, found.fullPath);
  demandAct(principal, "advisory.create", project);
  if (row.withdrawnAt !== null) throw new Failure("conflict", `${id} was withdrawn already`);
  const at = new Date(Math.floor(registry.policies.now() / 1000) * 1000);
  const body = JSON.stringify({ ...JSON.parse(row.body), modified: at.toISOString(), withdrawn: at.toISOString() });
  return change(registry, "", async (tx) => {
    await audit(tx, principal, "advisory.withdraw", project.fullPath, { id });
    return tx.advisory.update({ where: { id }, data: { modified: at, withdrawnAt: at, body } });
  });
}

/** The advisories about modules of projects whose modules the principal may read, by id, withdrawn ones too. */
export async function ownAdvisories(registry: Registry, principal: Principal): Promise<AdvisoryRow[]> {
  const rows = await registry.prisma.advisory.findMany({
    where: { projectId: { not: null } },
    include: { project: { include: { group: true } } },
    orderBy: { id: "asc" },
  });
  return rows
    .filter(({ project }) => project !== null && mayListModules(principal, project))
    .map(({ project, ...row }) => row);
}

function osvOf(id: string, at: Date, input: NewAdvisory): object {
  const { modulePath, packagePath, symbols, introduced, fixed, summary, details = summary, aliases = [] } = input;
  const withoutV = (version: string): string => version.slice(1);
  const events = [
    { introduced: introduced === undefined ? "0" : withoutV(introduced) },
    ...(fixed === undefined ? [] : [{ fixed: withoutV(fixed) }]),
  ];
  const imports = packagePath === undefined ? [] : [{ path: packagePath, ...(symbols ? { symbols } : {}) }];
  return {
    ...{
      schema_version: "1.3.1",
      id,
      modified: at.toISOString(),
      published: at.toISOString(),
      aliases,
      summary,
      details,
    },
    affected: [
      {
        package: { name: modulePath, ecosystem: "Go" },
        ranges: [{ type: "SEMVER", events }],
        ecosystem_specific: imports.length === 0 ? {} : { imports },
      },
    ],
    database_specific: { review_status: "REVIEWED" },
  };
}

function checkAdvisory({ modulePath, packagePath, symbols = [], introduced, fixed, ...texts }: NewAdvisory): void {
  const { summary, details, aliases = [] } = texts;
  if (summary.trim() === "") throw invalid("say in a sentence what is wrong", "summary");
  checkName(summary, "summary");
  checkDescription(details);
  for (const [field, version] of [
    ["introduced", introduced],
    ["fixed", fixed],
  ] as const)
    if (version !== undefined && !(isValid(version) && version === canonicalVersion(version)))
      throw invalid("must be a version such as v1.2.3", field);
  if (introduced !== undefined && fixed !== undefined && compare(introduced, fixed) >= 0)
    throw invalid("must be above the version that introduced it", "fixed");
  if (packagePath !== undefined && packagePath !== modulePath && !packagePath.startsWith(`${modulePath}/`))
    throw invalid(`must be ${modulePath} or below it`, "packagePath");
  if (symbols.length > 0 && packagePath === undefined) throw invalid("symbols are of a package: name it", "symbols");
  if (
    symbols.length > MAX_NAMES ||
    symbols.some((name) => !/^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)?$/u.test(name))
  )
    throw invalid("must be names such as Parse or Reader.Read", "symbols");
  if (aliases.length > MAX_NAMES || aliases.some((alias) => !/^[A-Za-z0-9._-]{1,100}$/.test(alias)))
    throw invalid("must be names such as CVE-2026-1234", "aliases");
}
