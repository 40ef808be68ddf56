// The branches and tags of a project, as they were recorded, for people and programs: by name, by the time of their last
// move, or as versions in Go's order.
import type { Prisma, Ref } from "../../database/generated/client.ts";
import { sortByVersion } from "../../gomod/version.ts";
import { demandCode, type ProjectSubject } from "../access/access.ts";
import type { Order } from "../lists/keyset-page.ts";
import {
  type NumberedPage,
  type NumberedPageRequest,
  numberedPageOf,
  readNumberedPage,
} from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { searchText } from "../text.ts";
import { BRANCHES, TAGS } from "./ref-names.ts";

/** So many names are read with one statement. */
const NAMES_AT_ONCE = 5_000;

export interface RefOrder {
  readonly by: "name" | "updated" | "version";
  readonly sort: Order;
}

export interface RefSearch {
  readonly kind: "branches" | "tags";
  /** Part of the name; `^` in front means at the beginning, `$` behind at the end. */
  readonly search?: string | undefined;
  /** Exactly this one. */
  readonly name?: string | undefined;
}

/** A branch or tag as recorded; `name` is without refs/…/. */
export type RefRow = Pick<Ref, "name" | "oid" | "peeled" | "updatedAt">;

/** A numbered page of the branches or tags of a project. Whoever may read its code. `version`: in Go's order. */
export async function searchRefs(
  registry: Registry,
  principal: Principal,
  project: ProjectSubject,
  search: RefSearch,
  order: RefOrder,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<RefRow>> {
  demandCode(principal, project);
  const prefix = search.kind === "tags" ? TAGS : BRANCHES;
  const where: Prisma.RefWhereInput = {
    AND: [
      { projectId: project.id, name: search.name === undefined ? { startsWith: prefix } : prefix + search.name },
      ...matching(prefix, search.search),
    ],
  };
  const short = (row: Ref): RefRow => ({ ...row, name: row.name.slice(prefix.length) });
  if (order.by === "version") {
    const names = await sortByVersion(await namesOf(registry, where), (name) => name.slice(prefix.length));
    const page = numberedPageOf(numbered, order.sort === "asc" ? names : names.reverse());
    const found = await registry.prisma.ref.findMany({
      where: { projectId: project.id, name: { in: [...page.rows] } },
    });
    const byName = new Map(found.map((row) => [row.name, row]));
    return { ...page, rows: page.rows.flatMap((name) => byName.get(name) ?? []).map(short) };
  }
  const by = order.by === "name" ? { name: order.sort } : { updatedAt: order.sort };
  return readNumberedPage(numbered, {
    read: async (skip, take) =>
      (await registry.prisma.ref.findMany({ where, orderBy: [by, { name: order.sort }], skip, take })).map(short),
    count: (take) => registry.prisma.ref.count({ where, take }),
  });
}

/** The names of all refs, in parts, so that others have their turns. */
async function namesOf(registry: Registry, where: Prisma.RefWhereInput): Promise<string[]> {
  const names: string[] = [];
  for (let after = ""; ; after = names.at(-1)!) {
    const part = await registry.prisma.ref.findMany({
      where: { AND: [where, { name: { gt: after } }] },
      select: { name: true },
      orderBy: { name: "asc" },
      take: NAMES_AT_ONCE,
    });
    for (const { name } of part) names.push(name);
    if (part.length < NAMES_AT_ONCE) return names;
  }
}

function matching(prefix: string, search: string | undefined): Prisma.RefWhereInput[] {
  if (!search) return [];
  const [begins, ends] = [search.startsWith("^"), search.endsWith("$")];
  const text = searchText(search.slice(begins ? 1 : 0, ends ? -1 : undefined));
  // In a pattern for LIKE, so that the prefix itself is not searched.
  return [
    begins ? { name: { startsWith: prefix + text } } : {},
    ends ? { name: { endsWith: `${prefix}%${text}` } } : {},
    begins || ends ? {} : { name: { startsWith: `${prefix}%${text}`, mode: "insensitive" } },
  ];
}
