// Who requires a module or a version: registry/modules/dependents.ts.

import { COUNT_LIMIT, type KeysetPage } from "../../registry/lists/keyset-page.ts";
import type { DependentRow } from "../../registry/modules/dependents.ts";
import { type Connection, connection } from "../connection.ts";
import type { GoDependentConnectionResolvers, GoDependentResolvers } from "../generated.ts";
import { stillThere } from "./still-there.ts";

/** A page of dependents, and how many there are. */
export interface DependentConnection extends Connection<DependentRow> {
  countUpTo(limit: number): Promise<number>;
}

/** A page as a connection that can be counted. */
export function dependentConnection(
  page: KeysetPage<DependentRow> | undefined,
  countUpTo: DependentConnection["countUpTo"],
): DependentConnection {
  return { ...connection(stillThere(page)), countUpTo };
}

export const GoDependentConnection: GoDependentConnectionResolvers = {
  count: ({ countUpTo }, { limit }) => countUpTo(limit ?? COUNT_LIMIT),
};

export const GoDependent: GoDependentResolvers = {
  module: async ({ moduleId }, _, { loaders }) => stillThere(await loaders.module.load(moduleId)),
  version: async ({ versionId }, _, { loaders }) => stillThere(await loaders.version.load(versionId)),
};
