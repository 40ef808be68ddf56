// Why a tag is, or is not, a version: for the author who pushed it. Everything comes from what was recorded when the tag was
// looked at (git/indexing/tag-indexer.ts), so the answer is the same that the Go endpoint acts on.
import { demandCode } from "../access/access.ts";
import { demandProject } from "../forge/projects.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";

const TAGS = "refs/tags/";
/** Without a tag, at most this many are explained: those that are no versions, and the newest that are. */
const MOST = 1_000;

/** One thing to say of a tag. */
export interface TagExplanation {
  readonly tag: string;
  /** The module and version that it makes, or would make. */
  readonly module: string | undefined;
  readonly version: string | undefined;
  /** version: it is one. warning: it is one, but the go command will not like it. refused: it is none. */
  readonly verdict: "version" | "warning" | "refused" | "waiting" | "event";
  /** One sentence; for a version the commit that it is pinned to. */
  readonly reason: string;
}

/**
 * Explains one tag, some, or all tags of a project. Whoever may read the code. An unknown tag is explained as well when it is
 * the only one asked for.
 */
export async function explainTags(
  registry: Registry,
  principal: Principal,
  fullPath: string,
  asked?: string | readonly string[],
): Promise<TagExplanation[]> {
  const project = demandCode(principal, await demandProject(registry, principal, fullPath));
  const projectId = project.id;
  const tags = typeof asked === "string" ? [asked] : asked;
  const refs = tags?.map((tag) => TAGS + tag);
  const ofTag = tags === undefined ? {} : { tag: { in: [...tags] } };
  const versions = await registry.prisma.moduleVersion.findMany({
    where: { module: { projectId }, ref: refs === undefined ? { not: null } : { in: refs } },
    include: { module: { select: { path: true } } },
    orderBy: { id: "desc" },
    take: MOST,
  });
  const rejected = await registry.prisma.rejectedTag.findMany({
    where: { projectId, silent: false, ...ofTag },
    orderBy: { id: "asc" },
    take: MOST,
  });
  const events = await registry.prisma.tagEvent.findMany({
    where: { projectId, ...ofTag },
    orderBy: { id: "asc" },
    take: MOST,
  });
  const waiting = await registry.prisma.ref.findMany({
    where: { projectId, indexed: false, name: refs === undefined ? { startsWith: TAGS } : { in: refs } },
    take: MOST,
  });
  const made = new Set(versions.map((row) => `${row.module.path}@${row.version}`));
  const said: TagExplanation[] = [
    ...versions.map((row) => ({
      tag: row.ref!.slice(TAGS.length),
      module: row.module.path,
      version: row.version,
      verdict: "version" as const,
      reason: `published from commit ${row.commit?.slice(0, 12)}${row.retracted ? "; retracted by its author" : ""}`,
    })),
    ...rejected.map((row) => ({
      tag: row.tag,
      module: row.modulePath ?? undefined,
      version: row.version ?? undefined,
      verdict: made.has(`${row.modulePath}@${row.version}`) ? ("warning" as const) : ("refused" as const),
      reason: row.reason,
    })),
    ...events.map((row) => ({
      tag: row.tag,
      module: undefined,
      version: undefined,
      verdict: "event" as const,
      reason:
        row.kind === "DELETED"
          ? `the tag was deleted at ${row.at.toISOString()}; what was published from ${row.oldCommit.slice(0, 12)} stays`
          : `the tag was moved from ${row.oldCommit.slice(0, 12)} to ${row.newCommit?.slice(0, 12)} at ${row.at.toISOString()}; what was published stays`,
    })),
    ...waiting.map((row) => ({
      tag: row.name.slice(TAGS.length),
      module: undefined,
      version: undefined,
      verdict: "waiting" as const,
      reason: "the tag was pushed and is about to be looked at; ask again in a moment",
    })),
  ];
  if (typeof asked === "string" && said.length === 0)
    said.push({
      tag: asked,
      module: undefined,
      version: undefined,
      verdict: "refused",
      reason: await whyUnknown(registry, projectId, fullPath, asked),
    });
  return said.sort((a, b) => (a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : 0));
}

async function whyUnknown(registry: Registry, projectId: number, fullPath: string, tag: string): Promise<string> {
  const branch = await registry.prisma.ref.findUnique({
    where: { projectId_name: { projectId, name: `refs/heads/${tag}` } },
  });
  if (branch) return `it is a branch, and versions are made of tags: git tag ${tag} and push the tag`;
  const pushed = await registry.prisma.ref.findUnique({ where: { projectId_name: { projectId, name: TAGS + tag } } });
  if (pushed) return "the tag makes no version that differs from those published already";
  return `there is no such tag in ${fullPath}: push it (git push origin ${tag})`;
}
