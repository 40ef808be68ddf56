// What queries cost, by the prices in schema.graphql. query-costs.json holds queries with what they cost: all those in docs/,
// and others that together ask for every field. So a price that changes is seen, and with it who can ask no more what could be
// asked before: change a cost there only on purpose, and tell in CHANGELOG.md.
import { readFileSync } from "node:fs";
import { buildSchema, isIntrospectionType, isObjectType, parse, TypeInfo, visit, visitWithTypeInfo } from "graphql";
import { describe, expect, test } from "vitest";
import { readPrices } from "../../../src/graphql/endpoint/query-cost.ts";
import { DOCUMENTED_QUERIES } from "../documented-queries.ts";

interface PricedQuery {
  readonly cost: number;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

const CONTRACT = readFileSync("schema.graphql", "utf8");
const schema = buildSchema(CONTRACT);
const priced = JSON.parse(readFileSync("test/graphql/query-costs.json", "utf8")) as readonly PricedQuery[];

/** A query in one line, as it stands in query-costs.json. */
const inOneLine = (query: string): string => query.replace(/\s+/g, " ").trim();

describe("queries cost what they always did", () => {
  const prices = readPrices(schema);

  test.each(priced)("$cost: $query", ({ cost, query, variables = {} }) => {
    expect(prices.costOf({ document: parse(query), variables })).toBe(cost);
  });

  test("those of the documentation are among them", () => {
    const known = new Set(priced.map(({ query }) => query));
    const missing = DOCUMENTED_QUERIES.flatMap(([, queries]) => queries.map(inOneLine)).filter((q) => !known.has(q));
    expect(missing).toEqual([]);
  });

  test("every field is in one of them", () => {
    const types = new TypeInfo(schema);
    const asked = new Set<string>();
    const note = { Field: () => void asked.add(`${types.getParentType()?.name}.${types.getFieldDef()?.name}`) };
    for (const { query } of priced) visit(parse(query), visitWithTypeInfo(types, note));
    const fields = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) && !isIntrospectionType(type)
        ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)
        : [],
    );
    expect(fields.filter((field) => !asked.has(field))).toEqual([]);
  });
});

describe("a schema is not served", () => {
  const reading = (contract: string) => () => readPrices(buildSchema(contract));
  const PRICED_TYPES = [...CONTRACT.matchAll(/^type (\w+) @cost\(value: \d+\)/gm)];
  const SIZED_LISTS = [...CONTRACT.matchAll(/^ {2}(\w+).*( @listSize\(.*\))$/gm)];

  test("if the price of any type is missing", () => {
    expect(PRICED_TYPES.length).toBeGreaterThan(50);
    for (const [declaration, name] of PRICED_TYPES)
      expect(reading(CONTRACT.replace(declaration, `type ${name}`))).toThrow(
        `prices in schema.graphql: ${name} needs @cost(value: …)`,
      );
  });

  test("if any list without pages has no size", () => {
    expect(SIZED_LISTS.length).toBeGreaterThan(20);
    for (const { 0: line, 1: field, 2: size, index } of SIZED_LISTS) {
      const without = CONTRACT.slice(0, index) + line.replace(size!, "") + CONTRACT.slice(index + line.length);
      expect(reading(without)).toThrow(new RegExp(`: \\w+\\.${field} needs @listSize\\(assumedSize: …\\)$`));
    }
  });

  test.each([
    ["a type, a list and a field are wrong", "a: T b: [T] @cost(value: -1)", "Query.b has a negative price"],
    ["a size is negative", "b: [U] @listSize(assumedSize: -1)", "Query.b has a negative price"],
    ["a list in pages has a size", "b(first: Int): [U] @listSize(assumedSize: 5)", "Query.b comes in pages"],
    ["an object has a size", "b: U @listSize(assumedSize: 5)", "Query.b is no list of objects"],
    ["a list of names has a size", "b: [ID!]! @listSize(assumedSize: 5)", "Query.b is no list of objects"],
  ])("if %s", (_, fields, message) => {
    const directives = CONTRACT.slice(CONTRACT.indexOf('"""'), CONTRACT.indexOf('"A moment'));
    const contract = `${directives} type Query { ${fields} t: T } type T { id: ID } type U @cost(value: 1) { id: ID }`;
    expect(reading(contract)).toThrow(message);
    expect(reading(contract)).toThrow("T needs @cost(value: …)");
  });
});
