import type { KeysetPage } from "../../registry/lists/keyset-page.ts";
import type { Highlight } from "../../registry/modules/highlights.ts";
import { type FoundPage, facetsOf, type Hit, type Search, searchModules } from "../../registry/modules/search.ts";
import { type Connection, connection } from "../connection.ts";
import type { GraphqlContext } from "../context.ts";
import type { GoModuleSearchConnectionResolvers, GoModuleSearchHitResolvers, QueryResolvers } from "../generated.ts";
import { stillThere } from "./still-there.ts";

/** A page of a search, and what all pages hold: that is looked at when it is asked for. */
export interface Searching extends Connection<FoundModule> {
  readonly page: FoundPage;
}

/** A module that was found, and what was searched for. */
export interface FoundModule extends Hit {
  readonly query: string;
}

/** @public for generated.ts */
export interface FoundEdge {
  readonly cursor: string;
  readonly node: FoundModule;
}

export const searchQueries = {
  search: async (_, { first, after, ...search }, { registry, principal }: GraphqlContext): Promise<Searching> => {
    const page = await searchModules(registry, principal, search, { first, after });
    return { ...connection(foundIn(page, search)), page };
  },
} satisfies Pick<QueryResolvers, "search">;

function foundIn(page: KeysetPage<Hit>, { query }: Search): KeysetPage<FoundModule> {
  return { ...page, rows: page.rows.map((hit) => ({ ...hit, query })) };
}

export const GoModuleSearchConnection: GoModuleSearchConnectionResolvers = {
  count: ({ page: { all } }, { limit }) => (limit == null ? all.length : Math.min(all.length, Math.max(limit, 0) + 1)),
  facets: ({ page }, _, { registry }) => facetsOf(registry, page),
};

export const GoModuleSearchHit: GoModuleSearchHitResolvers = {
  module: async ({ moduleId }, _, { loaders }) => stillThere(await loaders.module.load(moduleId)),
  highlight: async ({ moduleId, query }, _, { loaders }) =>
    markedText(await loaders.highlight.load({ id: moduleId }, query)),
};

/** Words between pairs of asterisks; those that the text has of its own are no pairs. */
function markedText(highlight: Highlight | undefined): string | null {
  return highlight?.map((part) => part.replace(/\*{2,}/g, "*")).join("**") ?? null;
}
