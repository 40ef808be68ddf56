// Resolvers that keep the request's time limit (../time-limit.ts).
import type { GraphqlContext } from "../context.ts";
import type { Resolvers } from "../generated.ts";
import { tooLate } from "../time-limit.ts";

type AnyResolver = (parent: unknown, args: unknown, context: GraphqlContext, info: unknown) => unknown;

/** The same resolvers, each of which gives up when the request's time is up. */
export function timed(resolvers: Resolvers): Resolvers {
  const all = Object.entries(resolvers as Record<string, object>).map(([type, fields]) => [type, timedFields(fields)]);
  return Object.fromEntries(all) as Resolvers;
}

function timedFields(fields: object): object {
  if (Object.getPrototypeOf(fields) !== Object.prototype) return fields; // a scalar
  return Object.fromEntries(
    Object.entries(fields as Record<string, AnyResolver>).map(([name, resolve]) => [name, timedResolver(resolve)]),
  );
}

function timedResolver(resolve: AnyResolver): AnyResolver {
  return (parent, args, context, info) => {
    const { timeLimit } = context;
    if (timeLimit.passed) throw tooLate();
    const result = resolve(parent, args, context, info);
    return result instanceof Promise ? Promise.race([result, timeLimit.expiry]) : result;
  };
}
