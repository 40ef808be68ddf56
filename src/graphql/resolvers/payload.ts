// The answer of a mutation: the object that it is about and no errors, or null and what was wrong, in one sentence
// and as a code. That
// credentials are missing, or that their scopes do not do, is not the mutation's error but the request's.
import { type FailureKind, isFailure, type Reason } from "../../errors.ts";
import { renewed } from "../../registry/access/authentication.ts";
import type { GraphqlContext } from "../context.ts";
import { createLoaders } from "../loaders.ts";

const OF_THE_REQUEST = new Set<FailureKind>(["unauthenticated", "insufficient-scope", "unavailable"]);

export type Payload<T> = { readonly [K in keyof T]?: T[K] } & {
  readonly errors: readonly string[];
  readonly reasons: readonly Reason[];
};

/** Does a mutation. What is asked of its answer, and the next mutation of the request, see the world as it is then. */
export async function payload<T extends object>(
  context: GraphqlContext,
  change: () => Promise<T>,
): Promise<Payload<T>> {
  try {
    const result = await change();
    context.principal = await renewed(context.registry, context.principal);
    context.loaders = createLoaders(context.registry, context.principal);
    return { ...result, errors: [], reasons: [] };
  } catch (error) {
    if (!isFailure(error) || OF_THE_REQUEST.has(error.kind)) throw error;
    return { errors: [error.message], reasons: [error.reason] } as unknown as Payload<T>;
  }
}

type Given<T> = { [K in keyof T]: Exclude<T[K], null> };

/** An input without its nulls: for most fields null means the same as nothing. */
export function given<T extends object>(input: T): Given<T> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) as Given<T>;
}
