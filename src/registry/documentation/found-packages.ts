// Packages found by what is in them: who imports one, and which declare a name. Asked are the versions that are described of
// each module (ModuleDocument), as far as they are documented: all that a project here has published, and of modules from
// upstream those that somebody has looked at. What the principal may not find is not there (modules/module-visibility.ts).
import { invalid } from "../../errors.ts";
import { type KeyBounds, type KeysetPage, keysetPage, type Order, type PageRequest } from "../lists/keyset-page.ts";
import { type Findable, findableBy, isFindable } from "../modules/module-visibility.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { isKeepable } from "../text.ts";

/** Of what is searched for, in characters. */
const MAX_QUERY = 200;
const MAX_NAMES = 8;

/** A package of the described version of a module. */
export interface FoundPackage {
  /** Its import path. */
  readonly path: string;
  readonly name: string;
  readonly synopsis: string;
  readonly modulePath: string;
  readonly version: string;
  readonly versionId: number;
  readonly directory: string;
}

/** A package and its module. */
export interface ImportedPackage {
  readonly path: string;
  readonly modulePath: string;
}

const IMPORTS_IT = "p.imports @> ARRAY[$5] AND m.path <> $6";

/** The packages of other modules that import one, by path. */
export function importersOf(
  registry: Registry,
  principal: Principal,
  { path, modulePath }: ImportedPackage,
  request: PageRequest,
): Promise<KeysetPage<FoundPackage>> {
  return found(registry, principal, request, IMPORTS_IT, [path, modulePath]);
}

/** The packages of other modules that import one, by path: at most so many, after one of them if it is given. */
export async function importersAfter(
  registry: Registry,
  principal: Principal,
  { path, modulePath }: ImportedPackage,
  { after, take }: { readonly after: string | undefined; readonly take: number },
): Promise<FoundPackage[]> {
  return readFound(registry, await findableBy(registry, principal), {
    ...{ condition: IMPORTS_IT, values: [path, modulePath], order: "asc", take },
    ...(after === undefined ? {} : { gt: after }),
  });
}

/** How many packages import one, and of how many modules they are. */
export async function countImportersOf(
  registry: Registry,
  principal: Principal,
  { path, modulePath }: ImportedPackage,
): Promise<{ readonly packages: number; readonly modules: number }> {
  const { visibilities, projectIds, hidden } = await findableBy(registry, principal);
  const { rows } = await registry.database.pool.query<{ packages: number; modules: number }>(
    `SELECT count(*)::int AS packages, count(DISTINCT m.id)::int AS modules ${FROM}
     WHERE ${IMPORTS_IT.replace("$5", "$4").replace("$6", "$5")} AND ${isFindable("$1", "$2", "$3")}`,
    [visibilities, projectIds, hidden, path, modulePath],
  );
  return rows[0]!;
}

/**
 * Reads a search for declarations: `NewLimiter`, `Limiter.Allow`, `rate.NewLimiter`, `rate.Limiter.Allow`, or several of these,
 * all of which a package must have. Case does not matter. Gives the names in lower case; throws invalid if there are none.
 */
export function readSymbolQuery(text: string): readonly string[] {
  const names = text
    .slice(0, MAX_QUERY)
    .toLowerCase()
    .split(/\s+/)
    .filter((name) => name !== "");
  if (names.length === 0 || names.length > MAX_NAMES || !isKeepable(text))
    throw invalid(`search for 1 to ${MAX_NAMES} names of declarations, such as Limiter.Allow or rate.NewLimiter`);
  return names;
}

/** The packages that declare all of some names (readSymbolQuery), by path. */
export function packagesDeclaring(
  registry: Registry,
  principal: Principal,
  names: readonly string[],
  request: PageRequest,
): Promise<KeysetPage<FoundPackage>> {
  return found(registry, principal, request, declaring(names, 5), names);
}

/** The condition on a package that it declares all of some names, the parameters from a number on. */
export function declaring(names: readonly string[], first: number): string {
  // Each may be qualified by the package's name: then the rest is the word.
  const conditions = names.map((_, n) => {
    const at = first + n;
    const isQualified = names[n]!.includes(".");
    const qualified = `split_part($${at}, '.', 1) = lower(p.name) AND p.words @> ARRAY[substr($${at}, strpos($${at}, '.') + 1)]`;
    return isQualified ? `(p.words @> ARRAY[$${at}] OR ${qualified})` : `p.words @> ARRAY[$${at}]`;
  });
  return conditions.join(" AND ");
}

/** From where packages are read that may be found: described versions, as far as they are documented. */
export const FROM = `FROM documented_package p JOIN documented_version d USING (version_id)
  JOIN module_document described USING (version_id) JOIN module m ON m.id = described.module_id
  JOIN module_search s ON s.module_id = m.id JOIN module_version v ON v.id = p.version_id`;
/** The import path, which is what lists are sorted by. */
export const PATH = `(m.path || CASE p.directory WHEN '' THEN '' ELSE '/' || p.directory END) COLLATE "C"`;
/** The columns of a FoundPackage. */
export const FOUND = `${PATH} AS path, p.name, p.synopsis, m.path AS "modulePath", v.version, p.version_id AS "versionId",
  p.directory`;

/** Which packages are read, and how many. */
interface Wanted extends KeyBounds<string> {
  /** Its parameters begin with $5. */
  readonly condition: string;
  readonly values: readonly string[];
  readonly order: Order;
  readonly take: number;
}

/** A page of packages. */
async function found(
  registry: Registry,
  principal: Principal,
  request: PageRequest,
  condition: string,
  values: readonly string[],
): Promise<KeysetPage<FoundPackage>> {
  const findable = await findableBy(registry, principal);
  return keysetPage<FoundPackage, string>(request, {
    keyType: "string",
    order: "asc",
    key: ({ path }) => path,
    read: (bounds, order, take) => readFound(registry, findable, { ...bounds, condition, values, order, take }),
  });
}

async function readFound(
  registry: Registry,
  { visibilities, projectIds, hidden }: Findable,
  { gt, lt, condition, values, order, take }: Wanted,
): Promise<FoundPackage[]> {
  const all: unknown[] = [visibilities, projectIds, hidden, take, ...values];
  const bounds = [
    ...(gt === undefined ? [] : [`${PATH} > $${all.push(gt)}`]),
    ...(lt === undefined ? [] : [`${PATH} < $${all.push(lt)}`]),
  ];
  const { rows } = await registry.database.pool.query<FoundPackage>(
    `SELECT ${FOUND} ${FROM} WHERE ${[condition, isFindable("$1", "$2", "$3"), ...bounds].join(" AND ")}
     ORDER BY ${PATH} ${order} LIMIT $4`,
    all,
  );
  return rows;
}
