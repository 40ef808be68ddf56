// Every field of the schema keeps the limits of the request that it answers: of time (time-limit.ts) and of size
// (answer-limit.ts). And none keeps the process for itself: graphql-js completes a list in one go, however long it is, so a
// long one is handed to it in parts, with everybody else's turn between them.
import {
  defaultFieldResolver,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
} from "graphql";
import { everybodysTurn } from "../../concurrency/turns.ts";
import type { AnswerLimit } from "../answer-limit.ts";
import type { GraphqlContext } from "../context.ts";
import { tooLate } from "../time-limit.ts";

/** So many entries of a list are completed without a pause: some milliseconds' work. */
const ENTRIES_AT_ONCE = 200;

type Resolver = GraphQLFieldResolver<unknown, GraphqlContext>;

/** Makes all fields of a schema keep the limits that stand in the context, in place. */
export function limitFields(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    for (const field of Object.values(type.getFields()))
      field.resolve = limited((field.resolve ?? defaultFieldResolver) as Resolver, field.type);
  }
}

function limited(resolve: Resolver, type: GraphQLOutputType): Resolver {
  const charged = chargeOf(type);
  return (parent, args, context, info) => {
    const { timeLimit, answerLimit } = context;
    if (timeLimit.passed) throw tooLate();
    if (answerLimit.exceeded) throw answerLimit.exceeded;
    const result = resolve(parent, args, context, info);
    if (!(result instanceof Promise)) return charged(result, answerLimit, info);
    if (info.operation.operation === "mutation" && info.path.prev === undefined)
      return result.then((value) => {
        timeLimit.restart();
        return charged(value, answerLimit, info);
      });
    return Promise.race([result, timeLimit.expiry]).then((value) => charged(value, answerLimit, info));
  };
}

type Charge = (value: unknown, limit: AnswerLimit, info: GraphQLResolveInfo) => unknown;

function chargeOf(type: GraphQLOutputType): Charge {
  const plain = getNullableType(type);
  if (isListType(plain)) {
    const ofValues = isLeafType(getNullableType(plain.ofType));
    return (value, limit, info) => {
      if (!Array.isArray(value)) return value;
      limit.chargeList(value.length, info);
      if (ofValues) for (const each of value) limit.chargeValue(each);
      return value.length > ENTRIES_AT_ONCE && !ofValues ? inParts(value, limit) : value;
    };
  }
  if (!isLeafType(plain)) return (value) => value;
  return (value, limit) => {
    limit.chargeValue(value);
    return value;
  };
}

/** A list whose later entries come part by part, each only when everybody else has had a turn. */
function inParts(list: readonly unknown[], limit: AnswerLimit): readonly unknown[] {
  const entries = list.slice(0, ENTRIES_AT_ONCE);
  let turn = Promise.resolve();
  for (let from = ENTRIES_AT_ONCE; from < list.length; from += ENTRIES_AT_ONCE) {
    turn = turn.then(everybodysTurn);
    const entryAt = (index: number): Promise<unknown> =>
      turn.then(() => {
        if (limit.exceeded) throw limit.exceeded;
        return list[index];
      });
    for (let index = from; index < Math.min(from + ENTRIES_AT_ONCE, list.length); index++) entries.push(entryAt(index));
  }
  return entries;
}
