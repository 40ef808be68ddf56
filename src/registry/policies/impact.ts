// Which stored versions each rule hits: what people want to know when they have made one, and before they make a dry run come
// true. No verdict of a client is taken from it, for these are worked out when they are asked for (verdict.ts). It is found out
// in the background after each change of the rules, and on demand: a walk through the modules that a rule is about, in parts,
// with everybody's turn in between. A rule hits a version if the verdict on it at the rule's own place (of the instance, or at
// the endpoint and in the projects of its group) is by this rule, or would be if it were no dry run.
import { everybodysTurn } from "../../concurrency/turns.ts";
import type { PolicyKind } from "../../database/generated/client.ts";
import { isFailure } from "../../errors.ts";
import { matchPrefixPatterns } from "../../gomod/module-path.ts";
import { compareVersions } from "../../gomod/version.ts";
import { JOB_SCHEMA } from "../../jobs/queue.ts";
import { fixesAmong, vulnerabilitiesOf } from "../advisories/vulnerabilities.ts";
import { change } from "../change.ts";
import { licensesOf } from "../modules/version-licenses.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { PolicyRow } from "../rows.ts";
import { agesWithoutRule, demandedAges, withAge } from "./gate.ts";
import { demandPlace } from "./rules.ts";
import { digestOfRules, kindOfForeign, readRules, revisionOfRules } from "./rules-in-force.ts";
import { goesByLicenses, judge, levelsFor, NO_FACTS, type RuleLevels, type VersionFacts } from "./verdict.ts";
import { storedKnownSince } from "./version-ages.ts";

const MODULES_AT_ONCE = 500;
const VERSIONS_AT_ONCE = 1_000;
/** Versions are judged for so long, then it is everybody's turn. */
const SLICE_MS = 5;
/** Of so many of the versions that a rule hits the names are kept. */
export const MAX_NAMES = 1_000;

/** What a rule hits among what is stored. */
export interface RuleImpact {
  readonly policyId: number;
  readonly versions: number;
  readonly modules: number;
  /** MODULE@VERSION, in order; the first MAX_NAMES that were found. */
  readonly names: readonly string[];
  /** When that was found out. */
  readonly judgedAt: Date;
  /** Whether the rules are still those by which it was. */
  readonly current: boolean;
}

/** Told how many modules were looked through, of how many. */
export type Progress = (done: number, total: number) => Promise<void> | void;

/**
 * What rules were found to hit last, by their numbers: of those that the principal may list. One of which that was not found out
 * yet is left out.
 */
export async function impactsOf(
  registry: Registry,
  principal: Principal,
  rules: readonly PolicyRow[],
): Promise<Map<number, RuleImpact>> {
  const places = new Set(rules.map(({ group }) => group?.fullPath));
  const open = new Set<string | undefined>();
  for (const place of places) if (await mayList(registry, principal, place)) open.add(place);
  const ids = rules.filter(({ group }) => open.has(group?.fullPath)).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const [rows, revision] = await Promise.all([
    registry.prisma.policyImpact.findMany({ where: { policyId: { in: ids } } }),
    revisionOfRules(registry),
  ]);
  return new Map(rows.map(({ revision: by, ...row }) => [row.policyId, { ...row, current: by === revision }]));
}

async function mayList(registry: Registry, principal: Principal, place: string | undefined): Promise<boolean> {
  try {
    await demandPlace(registry, principal, place, "policy.list");
    return true;
  } catch (error) {
    if (isFailure(error)) return false;
    throw error;
  }
}

/** How far it is with finding out what rules hit: modules, null before it begins; undefined: nobody is at it. */
export async function judgingUnderWay({
  database,
  jobs,
}: Registry): Promise<{ readonly done: number | null; readonly total: number | null } | undefined> {
  await jobs.ready();
  const { rows } = await database.pool.query<{ done: number | null; total: number | null }>(
    `SELECT (output->>'done')::int AS done, (output->>'total')::int AS total FROM ${JOB_SCHEMA}.job
      WHERE name = 'judge-stored' AND state IN ('created', 'retry', 'active') ORDER BY state DESC LIMIT 1`,
  );
  return rows[0];
}

/** Has it found out again what rules hit, in the background: for those who may change the rules of a place. */
export async function judgeAgain(
  registry: Registry,
  principal: Principal,
  groupPath: string | undefined,
): Promise<void> {
  await demandPlace(registry, principal, groupPath, "policy.create");
  await change(registry, "", (tx) => registry.jobs.send(tx, "judge-stored", {}));
}

/**
 * Finds out what each rule hits and writes it down. Ends early, with nothing written, when the rules change meanwhile: whoever
 * changed them left a job for that behind.
 */
export async function writeImpact(registry: Registry, tell: Progress = () => {}): Promise<void> {
  const rules = await readRules(registry);
  const revision = digestOfRules(rules);
  const hits = new Map(rules.map(({ id }) => [id, newHits()]));
  const chains = await chainsOfGroups(registry, rules);
  const total = rules.length === 0 ? 0 : await countModules(registry);
  let done = 0;
  await tell(done, total);
  for await (const modules of total === 0 ? [] : modulesInParts(registry)) {
    for await (const { module, hit } of hitsAmong(registry, rules, chains, modules)) addTo(hits, module, hit);
    done += modules.length;
    await tell(Math.min(done, total), total);
    if (digestOfRules(await readRules(registry)) !== revision) return;
  }
  await write(registry, revision, hits);
}

interface StoredModule {
  readonly id: number;
  readonly path: string;
  /** The groups around its project, from the top down; null: it is from upstream. */
  readonly groupIds: readonly number[] | null;
}

interface Hits {
  versions: number;
  modules: number;
  readonly names: string[];
  /** The module that was counted last. */
  lastModule: number;
}

const newHits = (): Hits => ({ versions: 0, modules: 0, names: [], lastModule: 0 });

/** All modules by their numbers. */
async function* modulesInParts({ database }: Registry): AsyncGenerator<readonly StoredModule[]> {
  for (let after = 0; ; ) {
    const { rows } = await database.pool.query<StoredModule>({
      name: "modules-to-judge",
      text: `SELECT m.id, m.path, g.traversal_ids AS "groupIds" FROM module m
        LEFT JOIN project p ON p.id = m.project_id LEFT JOIN "group" g ON g.id = p.group_id
        WHERE m.id > $1 ORDER BY m.id LIMIT ${MODULES_AT_ONCE}`,
      values: [after],
    });
    if (rows.length === 0) return;
    yield rows;
    after = rows.at(-1)!.id;
  }
}

async function countModules({ database }: Registry): Promise<number> {
  const { rows } = await database.pool.query<{ modules: number }>("SELECT count(*)::int AS modules FROM module");
  return rows[0]!.modules;
}

/** The groups around each group that has rules, from the top down. */
async function chainsOfGroups(
  { prisma }: Registry,
  rules: readonly PolicyRow[],
): Promise<ReadonlyMap<number, readonly number[]>> {
  const ids = [...new Set(rules.flatMap(({ groupId }) => groupId ?? []))];
  if (ids.length === 0) return new Map();
  const groups = await prisma.group.findMany({
    where: { id: { in: ids } },
    select: { id: true, traversalIds: true },
  });
  return new Map(groups.map(({ id, traversalIds }) => [id, traversalIds]));
}

/** Where the rules about a module are asked. */
interface Place {
  readonly levels: RuleLevels;
  /** The rules that are at home there. */
  readonly isOwn: (rule: PolicyRow) => boolean;
}

interface Judged extends StoredModule {
  readonly kind: PolicyKind;
  readonly places: readonly Place[];
}

/** The places where a module is judged; none: no rule is about it. */
function placesOf(
  rules: readonly PolicyRow[],
  chains: ReadonlyMap<number, readonly number[]>,
  { path, groupIds }: StoredModule,
  kind: PolicyKind,
): Place[] {
  const about = rules.filter((rule) => rule.kind === kind && matchPrefixPatterns(rule.pattern, path));
  if (about.length === 0) return [];
  if (groupIds !== null) return [{ levels: levelsFor(about, path, kind, groupIds), isOwn: () => true }];
  return [...new Set(about.map(({ groupId }) => groupId))].map((home) => ({
    levels: levelsFor(about, path, kind, home === null ? [] : (chains.get(home) ?? [home])),
    isOwn: ({ groupId }) => groupId === home,
  }));
}

interface Row {
  readonly module_id: number;
  readonly version: string;
  readonly created_at: Date;
  readonly has_zip: boolean;
}

/** Which rules hit which versions of some modules. */
async function* hitsAmong(
  registry: Registry,
  rules: readonly PolicyRow[],
  chains: ReadonlyMap<number, readonly number[]>,
  modules: readonly StoredModule[],
): AsyncGenerator<{ readonly module: StoredModule; readonly hit: readonly [number, string][] }> {
  const judged = new Map<number, Judged>();
  let begun = performance.now();
  for (const module of modules) {
    const kind = module.groupIds === null ? kindOfForeign(module.path) : "HOSTED";
    const places = placesOf(rules, chains, module, kind);
    if (places.length > 0) judged.set(module.id, { ...module, kind, places });
    if (performance.now() - begun < SLICE_MS) continue;
    await everybodysTurn();
    begun = performance.now();
  }
  const ids = [...judged.keys()];
  for (let after: Row | undefined; ids.length > 0; ) {
    const { rows }: { rows: Row[] } = await registry.database.pool.query<Row>({
      name: "versions-to-judge",
      text: `SELECT module_id, version, created_at, zip_key IS NOT NULL AS has_zip FROM module_version
        WHERE module_id = ANY($1) AND (module_id, version) > ($2, $3) ORDER BY module_id, version LIMIT ${VERSIONS_AT_ONCE}`,
      values: [ids, after?.module_id ?? 0, after?.version ?? ""],
    });
    for (const [id, versions] of Map.groupBy(rows, (row) => row.module_id)) {
      const module = judged.get(id)!;
      yield { module, hit: await hitsOf(registry, module, versions) };
    }
    if (rows.length < VERSIONS_AT_ONCE) return;
    after = rows.at(-1);
  }
}

/** Which rules hit which of these versions of a module. */
async function hitsOf(registry: Registry, module: Judged, rows: readonly Row[]): Promise<[number, string][]> {
  const { path, kind, places } = module;
  const about = places.flatMap(({ levels }) => levels.flat());
  const versions = rows.map(({ version }) => version);
  const now = registry.policies.now();
  const facts = await factsOf(registry, path, rows, about);
  const goesByAge = about.some(({ minimumAge }) => minimumAge !== null);
  const [since, fixes] = goesByAge
    ? await Promise.all([storedKnownSince(registry, path, rows), fixesAmong(registry, path, versions)])
    : [new Map<string, number>(), new Set<string>()];
  const ages = kind === "UPSTREAM" ? agesWithoutRule(registry.policies.cooldown, undefined) : [];
  const hit: [number, string][] = [];
  let begun = performance.now();
  for (const version of versions) {
    for (const { levels, isOwn } of places) {
      const said = judge(levels, version, now, facts(version));
      const demands = goesByAge && !fixes.has(version) ? demandedAges(said, ages, "by query") : [];
      const { rule, dryRuns } = withAge(said, demands, since.get(version), now);
      for (const one of new Set([...(rule ? [rule] : []), ...dryRuns])) if (isOwn(one)) hit.push([one.id, version]);
    }
    if (performance.now() - begun < SLICE_MS) continue;
    await everybodysTurn();
    begun = performance.now();
  }
  return hit;
}

/** What is known of versions, as far as a rule goes by it. Zips whose licences nobody asked for are read. */
async function factsOf(
  registry: Registry,
  path: string,
  rows: readonly Row[],
  about: readonly PolicyRow[],
): Promise<(version: string) => VersionFacts> {
  const licenses = about.some(goesByLicenses)
    ? await licensesAsStored(
        registry,
        path,
        rows.filter((row) => row.has_zip),
      )
    : undefined;
  const named = rows.map(({ version }) => ({ path, version }));
  const known = about.some(({ vulnerable }) => vulnerable !== null)
    ? Map.groupBy(await vulnerabilitiesOf(registry, named), ({ version }) => version)
    : undefined;
  if (licenses === undefined && known === undefined) return () => NO_FACTS;
  return (version) => ({
    licenses: licenses?.get(`${path}@${version}`),
    vulnerabilities: known?.get(version)?.filter(({ reviewed }) => reviewed) ?? NO_FACTS.vulnerabilities,
  });
}

/** The licences of stored versions, read one at a time: a zip that cannot be read is no reason to know nothing of the others. */
async function licensesAsStored(
  registry: Registry,
  path: string,
  rows: readonly Row[],
): Promise<Map<string, readonly string[]>> {
  const named = rows.map(({ version }) => ({ path, version }));
  const found = await licensesOf(registry, named, 0);
  for (const one of named) {
    if (found.has(`${path}@${one.version}`)) continue;
    try {
      for (const [key, licenses] of await licensesOf(registry, [one])) found.set(key, licenses);
    } catch (error) {
      if (!isFailure(error)) throw error;
    }
  }
  return found;
}

function addTo(
  hits: ReadonlyMap<number, Hits>,
  { id: moduleId, path }: StoredModule,
  hit: readonly [number, string][],
): void {
  for (const [id, version] of hit) {
    const of = hits.get(id)!;
    of.versions++;
    if (of.lastModule !== moduleId) of.modules++;
    of.lastModule = moduleId;
    if (of.names.length < MAX_NAMES) of.names.push(`${path}@${version}`);
  }
}

/** In the order of paths and then of versions. */
function compareNames(one: string, other: string): number {
  const [[path, version], [otherPath, otherVersion]] = [one.split("@"), other.split("@")] as [string[], string[]];
  if (path !== otherPath) return path! < otherPath! ? -1 : 1;
  return compareVersions(version!, otherVersion!);
}

async function write(
  { database, policies }: Registry,
  revision: string,
  hits: ReadonlyMap<number, Readonly<Hits>>,
): Promise<void> {
  // The rule may go meanwhile.
  for (const [id, { versions, modules, names }] of hits)
    await database.pool.query(
      `INSERT INTO policy_impact (policy_id, versions, modules, names, revision, judged_at)
        SELECT id, $2, $3, $4::text[], $5, $6 FROM policy WHERE id = $1
        ON CONFLICT (policy_id) DO UPDATE SET versions = EXCLUDED.versions, modules = EXCLUDED.modules,
          names = EXCLUDED.names, revision = EXCLUDED.revision, judged_at = EXCLUDED.judged_at`,
      [id, versions, modules, names.toSorted(compareNames), revision, new Date(policies.now())],
    );
}
