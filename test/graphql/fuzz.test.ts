// Anything that the schema allows, and much that it does not, from people of every kind: the answer is data or a refusal
// that says why, and never a defect of ours (INTERNAL_SERVER_ERROR, a 5xx, a hanging request). A run prints its seed;
// FUZZ_SEED repeats one, FUZZ_QUERIES asks for more.
import { readFileSync } from "node:fs";
import { buildSchema } from "graphql";
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createDeployToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { seedOf } from "../support/seed.ts";
import { ADMIN_TOKEN, MODULE_HOST, testServer } from "../support/server.ts";
import { type Answer, type Asker, asker } from "./graphql-server.ts";
import { randomFrom, randomOperation } from "./random-query.ts";

const SEED = seedOf("FUZZ_SEED");
const QUERIES = Number(process.env.FUZZ_QUERIES ?? 600);
const AT_ONCE = 4;
/** No answer takes longer: the time limit of a request, and some. */
const PATIENCE_MS = 25_000;

const schema = buildSchema(readFileSync("schema.graphql", "utf8"));
const random = randomFrom(SEED);
const NAMES = [
  "acme",
  "acme/lib",
  "acme/secret",
  "gokura.test/acme/lib",
  "gokura.test/acme/secret",
  "example.com/required",
  "root",
  "alice",
  "v1.0.0",
  "v1.1.0",
  "v2.0.0-rc.1",
  "go_proxy",
  "lib",
  "gid://gokura/Project/1",
  "gid://gokura/GoModuleVersion/1",
  "gid://gitlab/Packages::Package/1",
];

let registry: Registry;
const people: Asker[] = [];

beforeAll(async () => {
  console.log(`FUZZ_SEED=${SEED}`);
  const server = await testServer();
  registry = server.registry;
  const as = (token?: string) => asker(`${server.url}/api/graphql`, token, []);
  people.push(as(), as(ADMIN_TOKEN), as(await server.token("alice", "api")));
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "alice", accessLevel: 40 });
  for (const [path, visibility] of [
    ["lib", "PUBLIC"],
    ["secret", "PRIVATE"],
  ] as const) {
    await createProject(registry, OPERATOR, { fullPath: `acme/${path}`, visibility });
    await pushRecipe(remoteOf(server.url, `acme/${path}`, ADMIN_TOKEN), (recipe) => {
      const goMod = `module ${MODULE_HOST}/acme/${path}\n\ngo 1.24\n\nrequire example.com/required v1.2.3\n`;
      for (const tag of ["v1.0.0", "v1.1.0", "v1.2.0-rc.1", "nightly"])
        recipe.tag(tag, recipe.commit({ "go.mod": goMod, "README.md": `# ${tag}\n`, LICENSE: "MIT License\n" }));
    });
  }
  const deploy = await createDeployToken(registry, OPERATOR, "acme/lib", {
    name: "ci",
    scopes: ["read_package_registry"],
  });
  people.push(as(deploy.secret));
});

async function askAll(documents: readonly string[]): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let n = next++; n < documents.length; n = next++) {
      const asker = people[n % people.length]!;
      const document = documents[n]!;
      // Nothing waits for it: it only tells which query is late.
      const late = setTimeout(() => console.error(`FUZZ_SEED=${SEED}: late: ${document}`), PATIENCE_MS);
      const answer = await asker(document);
      clearTimeout(late);
      check(document, answer);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function check(document: string, { status, errors }: Answer): void {
  const told = `FUZZ_SEED=${SEED}\n${document}\n${JSON.stringify(errors)}`;
  expect([200, 400, 401, 403, 413], told).toContain(status);
  for (const error of errors ?? []) {
    expect(error.extensions?.code, told).not.toBe("INTERNAL_SERVER_ERROR");
    expect(error.message.length, told).toBeLessThan(10_000);
  }
}

test("random queries", async () => {
  await askAll(Array.from({ length: QUERIES }, () => randomOperation(schema, schema.getQueryType()!, random, NAMES)));
}, 300_000);

test("queries with something broken in them", async () => {
  const noise = [
    "{",
    "}",
    "(",
    "...",
    "$x",
    "@skip(if: true)",
    "\u0000",
    "\u{1f980}",
    '"""',
    "fragment f on Query",
    "null",
    "99999999999999999999",
  ];
  const documents = Array.from({ length: QUERIES / 2 }, () => {
    const document = randomOperation(schema, schema.getQueryType()!, random, NAMES);
    const at = random(document.length);
    return document.slice(0, at) + noise[random(noise.length)] + document.slice(at + random(5));
  });
  await askAll(documents);
}, 300_000);

test("random changes", async () => {
  await askAll(
    Array.from({ length: QUERIES / 2 }, () => randomOperation(schema, schema.getMutationType()!, random, NAMES)),
  );
  // and the registry still answers
  expect((await people[0]!("{ projects { nodes { fullPath } } }")).errors).toBeUndefined();
}, 300_000);

test("many operations in one body are one too many", async () => {
  const answer = await people[0]!(`${"query a { __typename } ".repeat(2)}`);
  expect(answer.status).toBe(400);
});
