// What the pages tell people to ask is what the contract knows: every query in docs/ is validated against schema.graphql.
import { readdirSync, readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { expect, test } from "vitest";

const schema = buildSchema(readFileSync("schema.graphql", "utf8"));
const pages = readdirSync("docs").map((name) => [name, readFileSync(`docs/${name}`, "utf8")] as const);

/** Blocks of GraphQL, and the queries within the JSON that examples for curl send. */
function queriesOf(page: string): string[] {
  const blocks = [...page.matchAll(/^```graphql\n(.*?)^```/gms)].map(([, block]) => block!);
  const sent = [...page.matchAll(/"query": ("(?:[^"\\]|\\.)*")/g)].map(([, json]) => JSON.parse(json!) as string);
  return [...blocks, ...sent];
}

test.each(pages.filter(([, page]) => queriesOf(page).length > 0))("%s: every query fits the schema", (_, page) => {
  const mistakes = queriesOf(page).flatMap((query) =>
    validate(schema, parse(query)).map(({ message }) => `${message} in ${query}`),
  );
  expect(mistakes).toEqual([]);
});

test("there are queries to look at", () => {
  expect(pages.flatMap(([, page]) => queriesOf(page)).length).toBeGreaterThan(20);
});
