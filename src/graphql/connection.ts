// Pages in the shape that GraphQL clients know (Relay, "Cursor Connections Specification"). What a page is, and what its
// cursors mean, stands in registry/lists/keyset-page.ts.
import { EMPTY_PAGE, type KeysetPage } from "../registry/lists/keyset-page.ts";
import type { PackageRow } from "../registry/packages/packages.ts";
import type { ModuleRow, ProjectRow, VersionRow } from "../registry/rows.ts";

export interface Connection<Row> {
  readonly nodes: readonly Row[];
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
  readonly pageInfo: {
    readonly startCursor: string | null;
    readonly endCursor: string | null;
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
  };
}

/** A page as a connection. */
export function connection<Row>(page: KeysetPage<Row>): Connection<Row> {
  const edges = page.rows.map((node) => ({ cursor: page.cursorOf(node), node }));
  return {
    nodes: page.rows,
    edges,
    pageInfo: {
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
    },
  };
}

/** The connection of a page that is on its way; null for one that the asker may not see. */
export async function connectionOrNull<Row>(
  page: Promise<KeysetPage<Row> | undefined>,
): Promise<Connection<Row> | null> {
  const found = await page;
  return found ? connection(found) : null;
}

/** The connection of a page that is on its way; empty for one that the asker may not see. */
export async function connectionOrEmpty<Row>(page: Promise<KeysetPage<Row> | undefined>): Promise<Connection<Row>> {
  return connection((await page) ?? EMPTY_PAGE);
}

/** How far to count; as far as COUNT_LIMIT if nothing is said. */
export interface CountTo {
  readonly limit?: number;
}

/** A connection that can tell how many entries the whole list has. */
export interface CountableConnection<Row> extends Connection<Row> {
  countTo(limit: CountTo): Promise<number>;
}

/** A page of a list that can be counted; empty for one that the asker may not see. */
export async function countableConnection<Row>(
  page: Promise<KeysetPage<Row> | undefined>,
  countTo: (limit: CountTo) => Promise<number | undefined>,
): Promise<CountableConnection<Row>> {
  return { ...(await connectionOrEmpty(page)), countTo: async (limit) => (await countTo(limit)) ?? 0 };
}

// What resolvers of the countable connections of the schema are given.
/** @public for generated.ts */
export type CountedPackages = CountableConnection<PackageRow>;
/** @public for generated.ts */
export type CountedModules = CountableConnection<ModuleRow>;
/** @public for generated.ts */
export type CountedVersions = CountableConnection<VersionRow>;
/** @public for generated.ts */
export type CountedProjects = CountableConnection<ProjectRow>;
