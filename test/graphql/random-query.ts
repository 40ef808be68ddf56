// Random operations that a schema allows, from a seed: any fields to some depth, with arguments of the right type and of
// the most awkward values. Whatever is added to the schema is in them at once.
import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from "graphql";

/** A source of numbers below `limit`, the same for the same seed (mulberry32). */
export type Random = (limit: number) => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
}

/** Values that arguments get beside those of the caller. */
const STRINGS = [
  "",
  " ",
  "%",
  "_",
  "\\",
  "'; --",
  '"',
  "\0",
  "\n",
  "\u{1f980}",
  "\ud800",
  "../..",
  "v1",
  "<v1.5",
  "latest",
  "eyJ9",
  "MQ",
  "null",
  "gid://gokura/Project/0",
  "gid://gokura/Project/99999999999",
  "x".repeat(3_000),
];
const INTEGERS = [0, 1, 2, 3, 20, 100, 101, -1, 2_147_483_647, -2_147_483_648];
const DATES = ["2026-01-01", "0001-01-01", "9999-12-31", "2026-02-30", "x"];
const TIMES = ["2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "now"];

const DEPTH = 5;
const FIELDS_OF_AN_OBJECT = 5;

/** An operation of the kind that `root` is (Query or Mutation), as a document. `names`: strings that mean something. */
export function randomOperation(
  schema: GraphQLSchema,
  root: GraphQLObjectType,
  random: Random,
  names: readonly string[],
): string {
  const pick = <T>(values: readonly T[]): T => values[random(values.length)]!;

  const text = (): string => (random(3) > 0 ? pick(names) : pick(STRINGS));

  const value = (type: GraphQLInputType): string => {
    if (isNonNullType(type)) return value(type.ofType);
    if (random(12) === 0) return "null";
    if (isListType(type)) return `[${Array.from({ length: random(4) }, () => value(type.ofType)).join(", ")}]`;
    if (isEnumType(type)) return pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type) || random(2) === 0);
      return `{${fields.map((field) => `${field.name}: ${value(field.type)}`).join(", ")}}`;
    }
    if (type.name === "Int") return String(random(2) > 0 ? random(30) : pick(INTEGERS));
    if (type.name === "Float") return pick(["0.5", "-1e308", "1"]);
    if (type.name === "Boolean") return pick(["true", "false"]);
    if (type.name === "Date") return JSON.stringify(pick(DATES));
    if (type.name === "DateTime") return JSON.stringify(pick(TIMES));
    return JSON.stringify(text());
  };

  const given = (args: readonly GraphQLArgument[]): string => {
    const some = args.filter((arg) => isNonNullType(arg.type) || random(4) === 0);
    return some.length === 0 ? "" : `(${some.map((arg) => `${arg.name}: ${value(arg.type)}`).join(", ")})`;
  };

  const selection = (type: GraphQLOutputType, depth: number): string | undefined => {
    const named = getNamedType(type);
    if (!isObjectType(named)) return "";
    const fields = Object.values(named.getFields());
    const chosen = Array.from({ length: 1 + random(FIELDS_OF_AN_OBJECT) }, (_, n) => {
      const field = pick(fields);
      const inner =
        depth > 0 ? selection(field.type, depth - 1) : isObjectType(getNamedType(field.type)) ? undefined : "";
      return inner === undefined ? "" : `f${n}: ${field.name}${given(field.args)} ${inner}`;
    }).filter((field) => field !== "");
    return chosen.length === 0 ? "{ __typename }" : `{ ${chosen.join(" ")} }`;
  };

  const operation = root === schema.getMutationType() ? "mutation" : "query";
  return `${operation} ${selection(root, DEPTH)}`;
}
