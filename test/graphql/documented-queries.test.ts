// What the pages tell people to ask is what the contract knows: every query in docs/ is validated against schema.graphql.
import { readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { DOCUMENTED_QUERIES } from "./documented-queries.ts";

const schema = buildSchema(readFileSync("schema.graphql", "utf8"));

test.each(DOCUMENTED_QUERIES)("%s: every query fits the schema", (_, queries) => {
  const mistakes = queries.flatMap((query) =>
    validate(schema, parse(query)).map(({ message }) => `${message} in ${query}`),
  );
  expect(mistakes).toEqual([]);
});

test("there are queries to look at", () => {
  expect(DOCUMENTED_QUERIES.flatMap(([, queries]) => queries).length).toBeGreaterThan(20);
});
