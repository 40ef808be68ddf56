// What is written out is charged while it is written: a query that is small and cheap, and whose answer would be endless, ends
// with one error; and while a long answer is made, others get theirs.
import { beforeAll, describe, expect, test } from "vitest";
import { ANSWER_BYTES, ANSWER_ENTRIES } from "../../src/graphql/answer-limit.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { testRegistry } from "../support/registry.ts";
import { type Asker, type GraphqlServer, publishVersions, serveGraphql, version } from "./graphql-server.ts";

const WIDE = "gokura.test/wide/lib";
/** As many as fit into a go.mod that is read at all (1 MiB). */
const REQUIREMENTS = 30_000;

let registry: Registry;
let server: GraphqlServer;
let anonymous: Asker;

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  anonymous = server.as();
  await createGroup(registry, OPERATOR, { fullPath: "wide", visibility: "PUBLIC" });
  const { id } = await createProject(registry, OPERATOR, { fullPath: "wide/lib", visibility: "PUBLIC" });
  const requires = Array.from({ length: REQUIREMENTS }, (_, n) => `\texample.com/m${n} v1.0.0\n`).join("");
  const text = `module ${WIDE}\n\ngo 1.24\n\nrequire (\n${requires})\n`;
  await publishVersions(registry, id, [version(WIDE, "v1.0.0", { text })]);
});

const goMod = (fields: string) => `{ goModule(path: "${WIDE}") { versions { nodes { goMod { ${fields} } } } } }`;
const many = (count: number, field: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => field(n)).join(" ");

describe("an answer that would be endless is one error, and no more is written", () => {
  test.each<[string, string, number]>([
    ["a list under many aliases", goMod(many(40, (n) => `a${n}: requires { path version }`)), ANSWER_ENTRIES],
    ["many aliases of a long list's entry", goMod(`requires { ${many(45, (n) => `a${n}: path`)} }`), ANSWER_BYTES],
    ["a text under many aliases", goMod(many(45, (n) => `a${n}: text`)), ANSWER_BYTES],
    [
      "many aliases in fragments",
      `${goMod("...lists")} fragment lists on GoMod { ${many(20, (n) => `a${n}: requires { ...entry }`)} }
      fragment entry on GoModRequire { path version indirect }`,
      ANSWER_ENTRIES,
    ],
  ])("%s", async (_, query, limit) => {
    expect(query.length).toBeLessThan(2_048);
    const { status, data, errors } = await anonymous(query);
    expect([status, data, errors]).toEqual([
      200,
      null,
      [
        {
          message: expect.stringContaining(`more than ${limit} `),
          extensions: { code: "TOO_LARGE", reason: "answer_too_large" },
        },
      ],
    ]);
  });
});

test("a long list within the limits is complete and in order", async () => {
  const { goModule } = await anonymous.data(goMod("requires { path }"));
  const { requires } = goModule.versions.nodes[0].goMod;
  expect(requires).toHaveLength(REQUIREMENTS);
  expect([requires[0], requires.at(-1)]).toEqual([
    { path: "example.com/m0" },
    { path: `example.com/m${REQUIREMENTS - 1}` },
  ]);
});

test("while a long answer is made, others get theirs", async () => {
  await anonymous.data("{ __typename }");
  const answered: string[] = [];
  const long = anonymous(goMod("requires { path version indirect goModule { path } }")).then((answer) => {
    answered.push("long");
    return answer;
  });
  // Asked one after the other for as long as the long one takes.
  let others = 0;
  while (answered.length === 0) {
    await anonymous.data("{ currentUser { id } }");
    others++;
  }
  expect((await long).errors).toBeUndefined();
  expect(others).toBeGreaterThan(10);
});

test("what is asked under many aliases of a long go.mod is the same under each", async () => {
  const version = (fields: string) => `{ goModule(path: "${WIDE}") { latestVersion { ${fields} } } }`;
  const same = many(20, (n) => `a${n}: requirementDiff(from: "v1.0.0") { added { path } changed { path } }`);
  const { goModule } = await anonymous.data(version(same));
  expect(Object.values(goModule.latestVersion)).toEqual(Array.from({ length: 20 }, () => ({ added: [], changed: [] })));
  const { errors } = await anonymous(version(many(20, (n) => `a${n}: buildList { complete }`)));
  expect(errors).not.toEqual([]);
  for (const error of errors!)
    expect(error).toMatchObject({
      message: expect.stringContaining("has more than 10000 versions"),
      extensions: { code: "TOO_LARGE" },
    });
});

test("a go.mod that is too large to be read says so, and its text is there", async () => {
  const { id } = await createProject(registry, OPERATOR, { fullPath: "wide/fat", visibility: "PUBLIC" });
  const path = "gokura.test/wide/fat";
  const requires = "require example.com/m v1.0.0\n".repeat(45_000);
  await publishVersions(registry, id, [version(path, "v1.0.0", { text: `module ${path}\n${requires}` })]);
  const { goModule } = await anonymous.data(
    `{ goModule(path: "${path}") { versions { nodes { goMod { module parseError requires { path } } } } } }`,
  );
  expect(goModule.versions.nodes).toEqual([
    { goMod: { module: path, parseError: expect.stringMatching(/^go.mod has \d+ bytes/), requires: [] } },
  ]);
});
