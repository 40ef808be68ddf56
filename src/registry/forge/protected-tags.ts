// Protected tags, as GitLab has them (doc/user/project/protected_tags.md): a name, in which `*` stands for any text, and the
// access level from which on tags of such names can be pushed. Nobody moves or deletes one by git, whatever the level: it is
// unprotected first. What was published from a tag stays anyway; this keeps versions from being made by mistake.
import { Failure, invalid, notFound } from "../../errors.ts";
import { demandAct, mayAct, projectLevel } from "../access/access.ts";
import { DEVELOPER, MAINTAINER, nameOfLevel } from "../access/acts.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow, ProtectedTagRow } from "../rows.ts";
import { isKeepable } from "../text.ts";
import { demandProject } from "./projects.ts";
import { TAGS } from "./ref-names.ts";

/** Nobody pushes such a tag. */
export const NO_ONE = 0;
/** The levels that a tag can be protected for, by name. */
export const TAG_LEVELS = { none: NO_ONE, developer: DEVELOPER, maintainer: MAINTAINER };
const MAX_PROTECTED = 200;
const MAX_NAME = 255;

/** The protected tags of a project, by name. Developers. */
export async function protectedTagsOf(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<ProtectedTagRow>> {
  demandAct(principal, "protected-tag.list", project);
  const where = { projectId: project.id };
  return readNumberedPage(numbered, {
    read: (skip, take) => registry.prisma.protectedTag.findMany({ where, orderBy: { name: "asc" }, skip, take }),
    count: (take) => registry.prisma.protectedTag.count({ where, take }),
  });
}

/** One of them, by its very name. Throws not-found. */
export async function demandProtectedTag(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
  name: string,
): Promise<ProtectedTagRow> {
  demandAct(principal, "protected-tag.list", project);
  return findProtectedTag(registry, project, name);
}

async function findProtectedTag(registry: Registry, project: ProjectRow, name: string): Promise<ProtectedTagRow> {
  const key = { projectId_name: { projectId: project.id, name } };
  const found = isKeepable(name) ? await registry.prisma.protectedTag.findUnique({ where: key }) : null;
  if (!found) throw notFound("Protected Tag Not Found");
  return found;
}

/** Protects tags of a name. Maintainers. Throws conflict when the name is protected already. */
export async function protectTag(
  registry: Registry,
  principal: Principal,
  fullPath: string,
  name: string,
  createAccessLevel: number = MAINTAINER,
): Promise<ProtectedTagRow> {
  const project = await demandProject(registry, principal, fullPath);
  demandAct(principal, "protected-tag.create", project);
  checkName(name);
  if (!Object.values(TAG_LEVELS).includes(createAccessLevel))
    throw invalid("must be 0 (no one), 30 (developer) or 40 (maintainer)", "create_access_level");
  const taken = new Failure("conflict", `tags named ${name} are protected already: unprotect them first`);
  return change(registry, taken, async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM project WHERE id = ${project.id} FOR UPDATE`;
    if ((await tx.protectedTag.count({ where: { projectId: project.id } })) >= MAX_PROTECTED)
      throw invalid(`a project has at most ${MAX_PROTECTED} protected tags: use * in their names`);
    const made = await tx.protectedTag.create({ data: { projectId: project.id, name, createAccessLevel } });
    await audit(tx, principal, "project.protect_tag", project.fullPath, { name, level: createAccessLevel });
    return made;
  });
}

/** Takes the protection away. Maintainers. */
export async function unprotectTag(
  registry: Registry,
  principal: Principal,
  fullPath: string,
  name: string,
): Promise<ProtectedTagRow> {
  const project = await demandProject(registry, principal, fullPath);
  demandAct(principal, "protected-tag.delete", project);
  const { id } = await findProtectedTag(registry, project, name);
  return change(registry, "", async (tx) => {
    const gone = await tx.protectedTag.delete({ where: { id } });
    await audit(tx, principal, "project.unprotect_tag", project.fullPath, { name });
    return gone;
  });
}

function checkName(name: string): void {
  if (name === "" || name.length > MAX_NAME || !isKeepable(name) || /[\x00-\x20\x7f]/.test(name))
    throw invalid("must be the name of a tag, in which * stands for any text", "name");
}

/** The protected tags of projects, by name, by the project's number; only of those in which the principal is Developer. */
export async function protectedTagsOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
): Promise<Map<number, ProtectedTagRow[]>> {
  const ids = projects.filter((project) => mayAct(principal, "protected-tag.list", project)).map(({ id }) => id);
  const rows = await registry.prisma.protectedTag.findMany({
    where: { projectId: { in: ids } },
    orderBy: { name: "asc" },
  });
  const found = Map.groupBy(rows, (row) => row.projectId);
  return new Map(ids.map((id) => [id, found.get(id) ?? []]));
}

/** Tells of a tag's name whether it is protected in a project. */
export async function tagProtection(registry: Registry, projectId: number): Promise<(tag: string) => boolean> {
  const rows = await registry.prisma.protectedTag.findMany({ where: { projectId }, select: { name: true } });
  const matchers = rows.map(({ name }) => matcherOf(name));
  return (tag) => matchers.some((matches) => matches(tag));
}

/** What a push wants of one ref. */
interface WantedRef {
  /** Full name. */
  readonly name: string;
  readonly kind: "create" | "update" | "delete";
}

/** Which refs of a push are refused because they are protected tags, by full name, each with the reason. */
export async function protectedTagRefusals(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
  wanted: readonly WantedRef[],
): Promise<Map<string, string>> {
  const tags = wanted.filter(({ name }) => name.startsWith(TAGS));
  if (tags.length === 0) return new Map();
  const rows = await registry.prisma.protectedTag.findMany({ where: { projectId: project.id } });
  if (rows.length === 0) return new Map();
  const level = projectLevel(principal, project);
  const rules = rows.map((row) => ({ row, matches: matcherOf(row.name) }));
  return new Map(
    tags.flatMap(({ name, kind }): [string, string][] => {
      const found = rules.filter(({ matches }) => matches(name.slice(TAGS.length)));
      if (found.length === 0) return [];
      if (kind !== "create")
        return [[name, `protected tags cannot be ${kind === "delete" ? "deleted" : "moved"}: unprotect it first`]];
      // As in GitLab, one rule that lets it through is enough.
      const needed = Math.min(
        ...found.map(({ row }) => (row.createAccessLevel === NO_ONE ? Infinity : row.createAccessLevel)),
      );
      return level >= needed ? [] : [[name, `it is a protected tag, and pushing it ${whoMay(needed)}`]];
    }),
  );
}

function whoMay(needed: number): string {
  const name = nameOfLevel(needed);
  return name === undefined ? "is for nobody" : `needs the access level ${name}`;
}

/** Whether a tag's name fits, in time that grows with its length: the pieces between stars are looked for one by one. */
function matcherOf(pattern: string): (tag: string) => boolean {
  const pieces = pattern.split("*");
  const [first = ""] = pieces;
  const last = pieces.at(-1)!;
  if (pieces.length === 1) return (tag) => tag === pattern;
  return (tag) => {
    if (!tag.startsWith(first) || !tag.endsWith(last) || tag.length < first.length + last.length) return false;
    let at = first.length;
    const end = tag.length - last.length;
    for (const piece of pieces.slice(1, -1)) {
      const found = tag.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}
