// What packages depend on, in GitLab's words "dependency links": the `require` lines of their go.mod files, as they were read
// when the version was published.
import { Prisma } from "../../database/generated/client.ts";
import { inBounds, inOrder } from "../lists/first-of-each.ts";
import { type KeysetPage, keysetPages, type PageRequest } from "../lists/keyset-page.ts";
import type { Registry } from "../registry.ts";

/** A `require` line. */
export interface DependencyRow {
  /** The number of the package. */
  readonly versionId: number;
  readonly path: string;
  readonly version: string;
  readonly indirect: boolean;
}

/** The requirements of packages that the asker was found to see, by module path, by the package's number. */
export function dependenciesOfPackages(
  registry: Registry,
  packages: readonly { readonly id: number }[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<DependencyRow>>> {
  const ids = packages.map(({ id }) => id);
  return keysetPages<DependencyRow, readonly string[]>(request, ids, {
    keyType: ["string", "string"],
    order: "asc",
    key: ({ path, version }) => [path, version],
    listOf: ({ versionId }) => versionId,
    read: (numbers, bounds, order, take) => {
      const columns = ["path", "version"];
      const conditions = [Prisma.sql`version_id = of.id`, ...inBounds(columns, bounds)];
      return registry.prisma.$queryRaw<DependencyRow[]>`
        SELECT r.version_id AS "versionId", r.path, r.version, r.indirect
        FROM unnest(${[...numbers]}::int[]) AS of (id) CROSS JOIN LATERAL (
          SELECT * FROM requirement WHERE ${Prisma.join(conditions, " AND ")} ORDER BY ${inOrder(columns, order)} LIMIT ${take}) AS r
        ORDER BY r.version_id, ${inOrder(columns, order)}`;
    },
  });
}
