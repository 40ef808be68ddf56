// How much one request may ask for. A query can be small to write and endless to answer, so it is measured before anything
// is read:
//
//   tokens   words and signs of the document, so that reading it is cheap
//   fields   with all fragments written out, so that fragments cannot multiply (Apollo's maxRecursiveSelections)
//   aliases  the same, because an alias is what asks for one thing many times
//   depth    fields within fields
//   cost     an estimate of the rows that the answer may hold and the statements that find them, by the prices that stand in
//            schema.graphql (query-cost.ts)
//
// As in GitLab, who signs in may ask for more (doc/api/graphql, "Limits").
import type { GraphQLRequestContextDidResolveOperation } from "@apollo/server";
import {
  type ASTVisitor,
  GraphQLError,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";
import { isFailure } from "../../errors.ts";
import { isAdministrator } from "../../registry/access/access.ts";
import type { Principal } from "../../registry/principal.ts";
import type { GraphqlContext } from "../context.ts";
import { refusal, requestRefusal } from "./error-codes.ts";
import type { Prices } from "./query-cost.ts";

export const BODY_LIMIT_BYTES = 256 * 1024;
export const TOKEN_LIMIT = 3_000;
export const FIELD_LIMIT = 1_000;
export const ALIAS_LIMIT = 50;
export const DEPTH_LIMIT = 15;
export const TIME_LIMIT_MS = 20_000;

const COST_LIMIT_ANONYMOUS = 4_000;
const COST_LIMIT_USER = 5_000;
const COST_LIMIT_ADMINISTRATOR = 6_000;

// ---- cost ----------------------------------------------------------------------------------------------------------

function costLimitOf(principal: Principal): number {
  if (isAdministrator(principal)) return COST_LIMIT_ADMINISTRATOR;
  return principal.kind === "anonymous" ? COST_LIMIT_ANONYMOUS : COST_LIMIT_USER;
}

/** Refuses an operation that costs more than the principal may ask for, at once or in a minute. */
export async function checkCost(
  request: GraphQLRequestContextDidResolveOperation<GraphqlContext>,
  prices: Prices,
): Promise<void> {
  const cost = measure(request, prices);
  const limit = costLimitOf(request.contextValue.principal);
  if (cost > limit)
    throw refusal(
      `the query costs ${cost}, and ${limit} is the most for one request: ask for smaller pages or fewer fields at once`,
      "TOO_COSTLY",
      400,
      "query_too_costly",
    );
  const { registry, caller } = request.contextValue;
  try {
    await registry.limits.take("graphql_cost", caller, cost);
  } catch (error) {
    if (isFailure(error, "too-many")) throw requestRefusal(error, 429);
    throw error;
  }
}

function measure(
  { document, operationName, request }: GraphQLRequestContextDidResolveOperation<GraphqlContext>,
  prices: Prices,
): number {
  try {
    return prices.costOf({
      document,
      variables: request.variables ?? {},
      ...(operationName === null ? {} : { operationName }),
    });
  } catch (error) {
    // the variables do not fit
    if (error instanceof GraphQLError) throw refusal(error.message, "BAD_USER_INPUT", 400, "invalid_request");
    throw error;
  }
}

// ---- depth and aliases -----------------------------------------------------------------------------------------------

interface Extent {
  readonly depth: number;
  readonly aliases: number;
}

const NOTHING: Extent = { depth: 0, aliases: 0 };

/**
 * A validation rule that refuses what is too deep or has too many aliases, with fragments written out. Every fragment is
 * measured once; one that holds itself (which another rule refuses) counts as empty there.
 */
export function extentRule(context: ValidationContext): ASTVisitor {
  const fragments = new Map<string, Extent>();

  const ofSet = (set: SelectionSetNode | undefined): Extent => {
    const extents = set?.selections.map(ofSelection) ?? [];
    return {
      depth: extents.reduce((deepest, { depth }) => Math.max(deepest, depth), 0),
      aliases: extents.reduce((sum, { aliases }) => sum + aliases, 0),
    };
  };

  const ofSelection = (selection: SelectionNode): Extent => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return ofFragment(selection.name.value);
    const inner = ofSet(selection.selectionSet);
    if (selection.kind === Kind.INLINE_FRAGMENT) return inner;
    // How deep introspection goes graphql-js limits by a rule of its own.
    const depth = selection.name.value.startsWith("__") ? 1 : inner.depth + 1;
    return { depth, aliases: inner.aliases + (selection.alias ? 1 : 0) };
  };

  const ofFragment = (name: string): Extent => {
    const known = fragments.get(name);
    if (known) return known;
    fragments.set(name, NOTHING);
    const extent = ofSet(context.getFragment(name)?.selectionSet);
    fragments.set(name, extent);
    return extent;
  };

  return {
    OperationDefinition(operation) {
      const { depth, aliases } = ofSet(operation.selectionSet);
      if (depth > DEPTH_LIMIT)
        context.reportError(new GraphQLError(`the query is ${depth} fields deep; ${DEPTH_LIMIT} is the most`));
      if (aliases > ALIAS_LIMIT)
        context.reportError(new GraphQLError(`the query has ${aliases} aliases; ${ALIAS_LIMIT} is the most`));
    },
  };
}
