// The field `count` of connections whose lists can be counted (../connection.ts).
import type { CountableConnection } from "../connection.ts";

/** Counts the list behind a page. */
function count<Row>(
  connection: CountableConnection<Row>,
  { limit }: { readonly limit?: number | null },
): Promise<number> {
  return connection.countTo(limit == null ? {} : { limit });
}

export const countables = {
  ProjectConnection: { count },
  GoModuleConnection: { count },
  GoModuleVersionConnection: { count },
  PackageConnection: { count },
};
