// The queries that the pages in docs/ tell people to ask.
import { readdirSync, readFileSync } from "node:fs";

/** Every page that holds queries, with these: blocks of GraphQL, and those within the JSON that examples for curl send. */
export const DOCUMENTED_QUERIES: readonly (readonly [page: string, queries: readonly string[]])[] = readdirSync("docs")
  .filter((name) => name.endsWith(".md"))
  .map((name) => [name, queriesOf(readFileSync(`docs/${name}`, "utf8"))] as const)
  .filter(([, queries]) => queries.length > 0);

function queriesOf(page: string): string[] {
  const blocks = [...page.matchAll(/^```graphql\n(.*?)^```/gms)].map(([, block]) => block!);
  const sent = [...page.matchAll(/"query": ("(?:[^"\\]|\\.)*")/g)].map(([, json]) => JSON.parse(json!) as string);
  return [...blocks, ...sent];
}
