// What a push is told of its tags: for each which module versions it made, with the line that fetches them, or why none and
// what to do. It says what tag-explanation.ts says, to the one who just pushed and while it can still be mended at once, in as
// many lines as one reads.

import { modulePathOf } from "../forge/projects.ts";
import { TAGS } from "../forge/ref-names.ts";
import type { Registry } from "../registry.ts";

/** Lines about single tags; then comes a summary. */
const MAX_LINES = 20;
/** So many of these may be about what is wrong, so that what went well is seen too. */
const MAX_PROBLEMS = 12;

/** A tag that a push has moved. */
export interface PushedTag {
  /** Without refs/tags/. */
  readonly tag: string;
  readonly deleted: boolean;
}

interface Problem {
  readonly tag: string;
  readonly path: string | null;
  readonly version: string | null;
  readonly reason: string;
  readonly served: boolean;
}

interface MadeVersion {
  readonly tag: string;
  readonly path: string;
  readonly version: string;
  /** Whether it was made of what the tag names now; else the tag was moved or is gone. */
  readonly current: boolean;
}

/** The lines that answer a push, at most 21; none for a push without tags. */
export async function answerToPush(
  registry: Registry,
  project: { readonly id: number; readonly fullPath: string },
  tags: readonly PushedTag[],
): Promise<string[]> {
  if (tags.length === 0) return [];
  const pushed = tags.filter(({ deleted }) => !deleted).map(({ tag }) => tag);
  const problems = await problemsOf(registry, project.id, pushed, MAX_LINES + 1);
  const waiting = await waitingAmong(registry, project.id, pushed);
  const lines = problems.slice(0, pushed.length > MAX_LINES ? MAX_PROBLEMS : MAX_LINES).map(problemLine);
  const told = new Set(problems.map(({ tag }) => tag));
  const some = tags.filter(({ tag }) => !told.has(tag)).slice(0, MAX_LINES);
  // Moved tags and tags of versions that are served with a warning stand among the problems, and may have made versions too.
  const served = problems.filter((problem) => problem.served).map(({ tag }) => ({ tag, deleted: false }));
  lines.push(...(await goodLines(registry, project.id, [...served, ...some], waiting)));
  const shown = lines.slice(0, MAX_LINES);
  const isWhole = lines.length <= MAX_LINES && tags.length <= MAX_LINES && problems.length <= MAX_LINES;
  if (!isWhole) shown.push(summaryOf(project.fullPath, tags.length, waiting.size));
  else if (pushed.length > 0 && shown.length === 0) shown.push(...nothingNew(registry, project, pushed));
  return shown;
}

function problemLine({ tag, path, version, reason, served }: Problem): string {
  if (served) return `warning: ${printable(tag)} (${path}@${version}): ${reason}`;
  const what = path && version ? `${path}@${version}` : "a version";
  return `warning: ${printable(tag)} is not ${what}: ${reason}${/[;:]/.test(reason) ? "" : "; mend that and push another tag, if it is to be one"}`;
}

async function goodLines(
  registry: Registry,
  projectId: number,
  tags: readonly PushedTag[],
  waiting: ReadonlySet<string>,
): Promise<string[]> {
  const made = Map.groupBy(
    await versionsOf(
      registry,
      projectId,
      tags.map(({ tag }) => tag),
    ),
    ({ tag }) => tag,
  );
  return tags.flatMap(({ tag, deleted }) => {
    const versions = made.get(tag) ?? [];
    if (deleted)
      return versions.map(
        ({ path, version }) =>
          `${printable(tag)} is deleted; ${path}@${version} stays as it was published (a Maintainer can take it back: gokura project unpublish ${path} ${version})`,
      );
    if (waiting.has(tag))
      return [`${printable(tag)} is being looked at and will be a version in a moment, if it can be one`];
    return versions
      .filter(({ current }) => current)
      .map(({ path, version }) => `${printable(tag)} is a version: go get ${path}@${version}`);
  });
}

function summaryOf(fullPath: string, tags: number, waiting: number): string {
  const still = waiting === 0 ? "" : `, ${waiting} of them still to be looked at`;
  return `… of ${tags} tags${still}; what became of each says gokura project explain ${fullPath}`;
}

function nothingNew(registry: Registry, project: { readonly fullPath: string }, tags: readonly string[]): string[] {
  return tags.map(
    (tag) => `${printable(tag)} makes no version of ${modulePathOf(registry, project)} that was not there before`,
  );
}

async function problemsOf(
  registry: Registry,
  projectId: number,
  tags: readonly string[],
  take: number,
): Promise<Problem[]> {
  return registry.prisma.$queryRaw<Problem[]>`
    SELECT r.tag, r.module_path AS path, r.version, r.reason, EXISTS (
        SELECT FROM module m JOIN module_version v ON v.module_id = m.id
        WHERE m.project_id = ${projectId} AND m.path = r.module_path AND v.version = r.version) AS served
    FROM rejected_tag r WHERE r.project_id = ${projectId} AND NOT r.silent AND r.tag = ANY(${[...tags]})
    ORDER BY r.id LIMIT ${take}`;
}

/** The versions that bear the names of these tags: found by module and version, which has an index. */
async function versionsOf(registry: Registry, projectId: number, tags: readonly string[]): Promise<MadeVersion[]> {
  const names = tags.map((tag) => tag.slice(tag.lastIndexOf("/") + 1));
  return registry.prisma.$queryRaw<MadeVersion[]>`
    SELECT pushed.tag, m.path, v.version, v."commit" = r.peeled AS current
    FROM unnest(${[...tags]}::text[], ${names}::text[]) WITH ORDINALITY AS pushed (tag, name, n)
    JOIN module m ON m.project_id = ${projectId} AND m.origin = 'HOSTED'
    JOIN module_version v ON v.module_id = m.id AND v.version IN (pushed.name, pushed.name || '+incompatible')
      AND v.ref = ${TAGS} || pushed.tag
    LEFT JOIN ref r ON r.project_id = m.project_id AND r.name = v.ref
    ORDER BY pushed.n, m.path LIMIT ${MAX_LINES + 1}`;
}

async function waitingAmong(registry: Registry, projectId: number, tags: readonly string[]): Promise<Set<string>> {
  const rows = await registry.prisma.$queryRaw<{ tag: string }[]>`
    SELECT pushed.tag FROM unnest(${[...tags]}::text[]) AS pushed (tag)
    JOIN ref r ON r.project_id = ${projectId} AND r.name = ${TAGS} || pushed.tag AND NOT r.indexed`;
  return new Set(rows.map(({ tag }) => tag));
}

/** A terminal shows these lines: nothing that it would obey. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
}
