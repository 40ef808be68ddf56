// Which versions of a module an advisory is about, as OSV writes it down and govulncheck reads it: ranges of events, at each of
// which versions become affected (introduced) or are so no more (fixed), without the leading v, by Go's order. Sources:
// ossf.github.io/osv-schema, "affected[].ranges"; golang.org/x/vuln/internal/semver (Affects, containsSemver).
import { compare, isValid } from "./version.ts";

/** The parts of an OSV entry that say what is affected. */
export interface Advisory {
  readonly id: string;
  readonly modified: string;
  readonly withdrawn?: string | undefined;
  readonly summary?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
  readonly affected: readonly AffectedModule[];
  readonly database_specific?: { readonly review_status?: string | undefined } | undefined;
}

export interface AffectedModule {
  readonly package: { readonly name: string; readonly ecosystem: string };
  readonly ranges?: readonly VersionRange[] | undefined;
  readonly ecosystem_specific?: { readonly imports?: readonly { readonly path?: unknown }[] | undefined } | undefined;
}

interface VersionRange {
  readonly type: string;
  readonly events: readonly RangeEvent[];
}

interface RangeEvent {
  readonly introduced?: string | undefined;
  readonly fixed?: string | undefined;
}

/** An OSV entry of Go's ecosystem; undefined for what is none. */
export function parseAdvisory(json: string): Advisory | undefined {
  let read: unknown;
  try {
    read = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { id, modified, withdrawn, affected } = (read ?? {}) as Partial<Advisory>;
  const isGood =
    typeof id === "string" &&
    isAdvisoryId(id) &&
    isTime(modified) &&
    (withdrawn == null || isTime(withdrawn)) &&
    Array.isArray(affected) &&
    affected.every(isAffectedModule);
  if (!isGood) return undefined;
  return withdrawn === null ? { ...(read as Advisory), withdrawn: undefined } : (read as Advisory);
}

const isTime = (value: unknown): boolean => typeof value === "string" && !Number.isNaN(Date.parse(value));

/** Whether a text can name an advisory: it becomes an address. */
export function isAdvisoryId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text) && !text.includes("..");
}

function isAffectedModule(entry: unknown): boolean {
  const { package: about, ranges } = (entry ?? {}) as Partial<AffectedModule>;
  if (typeof about?.name !== "string" || about.name.includes("\0")) return false;
  return ranges === undefined || (Array.isArray(ranges) && ranges.every(isRange));
}

function isRange(range: unknown): boolean {
  const { events } = (range ?? {}) as Partial<VersionRange>;
  return Array.isArray(events) && events.every(isEvent);
}

/** What is asked of an event is asked for each version of its module: a number in the place of a text would be an error each time. */
function isEvent(event: unknown): boolean {
  if (typeof event !== "object" || event === null) return false;
  const { introduced, fixed } = event as RangeEvent;
  return [introduced, fixed].every((version: unknown) => version === undefined || typeof version === "string");
}

/** Whether somebody has looked at it: what is merely taken over from elsewhere the Go database calls UNREVIEWED. */
export function isReviewed({ database_specific }: Advisory): boolean {
  return database_specific?.review_status !== "UNREVIEWED";
}

/** Whether an advisory is about a version of a module; a withdrawn one is about none. */
export function affects(advisory: Advisory, modulePath: string, version: string): boolean {
  return (
    advisory.withdrawn === undefined && ofModule(advisory, modulePath).some(({ ranges = [] }) => isIn(ranges, version))
  );
}

/** Whether an advisory is about a package of a module: it names it, or no package at all (go.dev/doc/security/vuln/database). */
export function isAboutPackage(advisory: Advisory, modulePath: string, packagePath: string): boolean {
  return ofModule(advisory, modulePath).some(({ ecosystem_specific: specific }) => {
    const imports = specific?.imports;
    if (!Array.isArray(imports) || imports.length === 0) return true;
    return imports.some((one) => one?.path === packagePath);
  });
}

/** The lowest version that is not affected any more, above this one; undefined if there is no fix. */
export function fixFor(advisory: Advisory, modulePath: string, version: string): string | undefined {
  const fixes = ofModule(advisory, modulePath)
    .flatMap(({ ranges = [] }) => ranges.flatMap(({ events }) => events.flatMap(({ fixed }) => fixed ?? [])))
    .map(withV)
    .filter((fixed) => isValid(fixed) && compare(fixed, version) > 0)
    .sort(compare);
  return fixes.find((fixed) => !affects(advisory, modulePath, fixed));
}

/** Whether a version is one that an advisory names as the fix. */
export function isFixOf(advisory: Advisory, modulePath: string, version: string): boolean {
  return (
    advisory.withdrawn === undefined &&
    ofModule(advisory, modulePath).some(({ ranges = [] }) =>
      ranges.some(({ events }) => events.some(({ fixed }) => fixed !== undefined && withV(fixed) === version)),
    )
  );
}

function ofModule({ affected }: Advisory, modulePath: string): AffectedModule[] {
  return affected.filter(({ package: { name } }) => name === modulePath);
}

function isIn(ranges: readonly VersionRange[], version: string): boolean {
  const semver = ranges.filter(({ type }) => type === "SEMVER");
  // No range says that every version is affected.
  return semver.length === 0 || semver.some(({ events }) => isWithin(events, version));
}

function isWithin(events: readonly RangeEvent[], version: string): boolean {
  if (events.length === 0) return true;
  const at = ({ introduced, fixed }: RangeEvent): string => withV(introduced ?? fixed ?? "");
  const sorted = events.toSorted((a, b) => (at(a) === "v0" ? -1 : at(b) === "v0" ? 1 : compare(at(a), at(b))));
  let affected = false;
  for (const { introduced, fixed } of sorted) {
    if (!affected && introduced !== undefined)
      affected = introduced === "0" || compare(version, withV(introduced)) >= 0;
    else if (affected && fixed !== undefined) affected = compare(version, withV(fixed)) < 0;
  }
  return affected;
}

function withV(version: string): string {
  return version.startsWith("v") || version.startsWith("go") ? version : `v${version}`;
}
