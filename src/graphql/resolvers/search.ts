import type { Page } from "../../registry/page.ts";
import { type Found, type Hit, type Search, searchFacets, searchModules } from "../../registry/search.ts";
import { type Connection, connection } from "../connection.ts";
import type { GraphqlContext } from "../context.ts";
import type { GoModuleSearchConnectionResolvers, GoModuleSearchHitResolvers, QueryResolvers } from "../generated.ts";
import { present } from "./present.ts";

/** A search under way. The page is there; what all pages hold is counted when it is asked for, once. */
export interface Searching extends Connection<FoundModule> {
  found(): Promise<Found>;
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
    let counting: Promise<Found> | undefined;
    const found = (): Promise<Found> => {
      counting ??= searchFacets(registry, principal, search);
      return counting;
    };
    return { ...connection(foundIn(page, search)), found };
  },
} satisfies Pick<QueryResolvers, "search">;

function foundIn(page: Page<Hit>, { query }: Search): Page<FoundModule> {
  return { ...page, rows: page.rows.map((hit) => ({ ...hit, query })) };
}

export const GoModuleSearchConnection: GoModuleSearchConnectionResolvers = {
  count: async (searching, { limit }) => {
    const { total } = await searching.found();
    return limit == null ? total : Math.min(total, Math.max(limit, 0) + 1);
  },
  facets: (searching) => searching.found(),
};

export const GoModuleSearchHit: GoModuleSearchHitResolvers = {
  module: async ({ moduleId }, _, { loaders }) => present(await loaders.module.load(moduleId)),
  highlight: async ({ moduleId, query }, _, { loaders }) =>
    (await loaders.highlight.load({ id: moduleId }, query)) ?? null,
};
