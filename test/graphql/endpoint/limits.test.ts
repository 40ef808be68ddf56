// What one request may ask for: everything that is too much is refused before the database is asked, and quickly.
import pg from "pg";
import { beforeAll, describe, expect, test, vi } from "vitest";
import {
  ALIAS_LIMIT,
  BODY_LIMIT_BYTES,
  DEPTH_LIMIT,
  FIELD_LIMIT,
  TIME_LIMIT_MS,
  TOKEN_LIMIT,
} from "../../../src/graphql/endpoint/limits.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { processorMsOf } from "../../support/processor-time.ts";
import { testRegistry } from "../../support/registry.ts";
import {
  type Answer,
  type Asker,
  countStatements,
  type GraphqlServer,
  serveGraphql,
  signUp,
} from "../graphql-server.ts";

let registry: Registry;
let server: GraphqlServer;
let anonymous: Asker;
let user: Asker;
let root: Asker;

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  anonymous = server.as();
  user = server.as(await signUp(registry, { username: "user" }));
  root = server.as(await signUp(registry, { username: "root", admin: true }));
  await createGroup(registry, OPERATOR, { fullPath: "g", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "g/p", visibility: "PUBLIC" });
  await user("{ currentUser { id } }"); // the token is known now
});

/** Fails unless the query is refused as a whole, with this message, without a word to the database, for little work. */
async function expectRefusal(query: string, message: RegExp, variables?: Record<string, unknown>): Promise<Answer> {
  let answer: Answer | undefined;
  let statements: number | undefined;
  const ms = await processorMsOf(async () => {
    statements = await countStatements(async () => {
      answer = await anonymous(query, variables);
    });
  });
  expect(ms).toBeLessThan(1_000);
  expect(answer?.errors?.[0]?.message).toMatch(message);
  expect([answer?.status, answer?.data, statements]).toEqual([400, undefined, 0]);
  return answer!;
}

describe("the size of the document", () => {
  test("tokens", async () => {
    const fields = (count: number) => `{ currentUser { ${"id ".repeat(count)} } }`;
    expect((await anonymous(fields(500))).status).toBe(200);
    const { errors } = await expectRefusal(fields(TOKEN_LIMIT), /more that 3000 tokens/);
    expect(errors?.[0]?.extensions?.code).toBe("GRAPHQL_PARSE_FAILED");
    await expectRefusal(`{ currentUser { id } } #${" {".repeat(100)}\n ${"{".repeat(TOKEN_LIMIT)}`, /tokens|Syntax/);
    await expectRefusal("[".repeat(BODY_LIMIT_BYTES / 2), /Syntax|tokens/);
    await expectRefusal("{a".repeat(TOKEN_LIMIT / 2 - 1), /Syntax/);
  });

  test("fields", async () => {
    const query = (count: number) =>
      `{ ${Array.from({ length: count }, (_, n) => `a${n}: currentUser { ...F }`).join(" ")} } fragment F on User { ${"id ".repeat(98)} }`;
    expect((await anonymous(query(FIELD_LIMIT / 100))).status).toBe(200);
    await expectRefusal(query(FIELD_LIMIT / 100 + 1), /too many selections/);
    await expectRefusal(`{ currentUser { ${"id ".repeat(FIELD_LIMIT)} } }`, /too many selections|aborted/);
  });

  test("syntax errors and unknown names are told", async () => {
    for (const query of ["{", "", "{ currentUser { id }", "query", "{ a(b: ) }", "\u0000", "\ufeff{"]) {
      const { status, errors, data } = await anonymous(query);
      expect([query, status, data]).toEqual([query, 400, undefined]);
      expect(errors?.[0]?.message).toBeTruthy();
    }
    const { errors } = await expectRefusal("{ currentUser { nmae } }", /Cannot query field "nmae"/);
    expect(errors?.[0]?.message).not.toMatch(/Did you mean/);
    await expectRefusal("subscription { __typename }", /no subscriptions/);
    await expectRefusal("query A { currentUser { id } } query B { currentUser { id } }", /operation name/);
  });
});

describe("depth", () => {
  const parents = (depth: number) =>
    `group(fullPath: "g") { ${"parent { ".repeat(depth - 2)} id ${"} ".repeat(depth - 1)}`;

  test(`of ${DEPTH_LIMIT} fields at most`, async () => {
    expect((await anonymous.data(`{ ${parents(DEPTH_LIMIT)} }`)).group).toEqual({ parent: null });
    await expectRefusal(`{ ${parents(DEPTH_LIMIT + 1)} }`, /16 fields deep; 15 is the most/);
  });

  test("also through fragments", async () => {
    const seven = (inner: string) => `{ ${"parent { ".repeat(7)} ${inner} ${"} ".repeat(7)} }`;
    await expectRefusal(
      `{ group(fullPath: "g") { ...A } }
      fragment A on Group ${seven("...B")} fragment B on Group ${seven("... on Group { ... { id } }")}`,
      /16 fields deep/,
    );
  });

  test("fragments that hold themselves are refused", async () => {
    await expectRefusal(
      '{ group(fullPath: "g") { ...A } } fragment A on Group { parent { ...A } }',
      /spread fragment "A" within itself/,
    );
    await expectRefusal(
      '{ group(fullPath: "g") { ...A } } fragment A on Group { ...B } fragment B on Group { ...C parent { ...A } } fragment C on Group { ...B }',
      /within itself/,
    );
  });
});

describe("aliases and fragments", () => {
  const aliases = (count: number) => Array.from({ length: count }, (_, n) => `a${n}: currentUser { id }`).join(" ");

  test(`${ALIAS_LIMIT} aliases at most`, async () => {
    expect((await anonymous(`{ ${aliases(ALIAS_LIMIT)} }`)).status).toBe(200);
    await expectRefusal(`{ ${aliases(ALIAS_LIMIT + 1)} }`, /51 aliases; 50 is the most/);
  });

  test("counted with fragments written out", async () => {
    const six = (inner: string) => Array.from({ length: 6 }, (_, n) => `a${n}: parent { ${inner} }`).join(" ");
    await expectRefusal(
      `{ group(fullPath: "g") { ...A } } fragment A on Group { ${six("...B")} } fragment B on Group { ${six("...C")} } fragment C on Group { ${six("id")} }`,
      /258 aliases/,
    );
  });

  test("fragments that multiply", async () => {
    const levels = 60;
    const fragments = Array.from(
      { length: levels },
      (_, n) =>
        `fragment F${n} on Group { ${n === levels - 1 ? "id" : `...F${n + 1} ...F${n + 1} x: parent { ...F${n + 1} }`} }`,
    );
    await expectRefusal(`{ group(fullPath: "g") { ...F0 } } ${fragments.join(" ")}`, /too many selections/);
    const flat = Array.from(
      { length: 300 },
      (_, n) => `fragment F${n} on Group { id ${n === 299 ? "" : `...F${n + 1}`} }`,
    );
    expect((await anonymous(`{ group(fullPath: "g") { ...F0 } } ${flat.join(" ")}`)).status).toBe(200);
  });

  test("directives without end", async () => {
    await expectRefusal(`{ currentUser ${"@skip(if: false) ".repeat(400)} { id } }`, /can only be used once|tokens/);
  });
});

describe("cost", () => {
  const modules = (first: number, versions: number, fields = "version") =>
    `{ goModules(first: ${first}) { nodes { path latestVersion { version } project { fullPath } versions(first: ${versions}) { edges { cursor node { ${fields} } } pageInfo { hasNextPage } } } } }`;

  test("100 modules with 20 versions each may be asked for by everybody", async () => {
    for (const asker of [anonymous, user, root]) {
      expect((await asker(modules(100, 20, "version time commit h1 retracted"))).status).toBe(200);
      expect((await asker(modules(10, 20, "version goMod { requires { path version } }"))).status).toBe(200);
    }
  });

  test("100 modules with 100 versions each may not, and the message says why", async () => {
    const { errors } = await expectRefusal(
      modules(100, 100),
      /^the query costs 10501, and 4000 is the most for one request: ask for smaller pages/,
    );
    expect(errors?.[0]?.extensions?.code).toBe("TOO_COSTLY");
    for (const [asker, limit] of [
      [user, 5_000],
      [root, 6_000],
    ] as const)
      expect((await asker(modules(100, 100))).errors?.[0]).toMatchObject({
        message: expect.stringContaining(`${limit} is the most`),
        extensions: { reason: "query_too_costly" },
      });
  });

  test("whoever signs in may ask for more", async () => {
    expect((await anonymous(modules(100, 43))).status).toBe(400);
    expect((await user(modules(100, 43))).status).toBe(200);
    expect((await user(modules(100, 53))).status).toBe(400);
    expect((await root(modules(100, 53))).status).toBe(200);
  });

  test("with page sizes out of variables, defaults and nothing at all", async () => {
    const query = (head: string, size: string) =>
      `query ${head} { projects(${size}) { nodes { goModules(${size}) { nodes { versions(${size}) { nodes { id } } } } } } }`;
    await expectRefusal(query("($n: Int)", "first: $n"), /the query costs/, { n: 20 });
    await expectRefusal(query("($n: Int)", "last: $n"), /the query costs/, { n: 20 });
    await expectRefusal(query("($n: Int = 20)", "first: $n"), /the query costs/);
    await expectRefusal(query("", "first: null"), /the query costs/);
    await expectRefusal(
      "{ projects { nodes { goModules { nodes { versions { nodes { id } } } } } } }",
      /the query costs 8941/,
    );
    expect((await anonymous(query("($n: Int)", "first: $n"), { n: 10 })).status).toBe(200);
    await expectRefusal(query("($n: Int!)", "first: $n"), /"\$n" of required type/);
    await expectRefusal(query("($n: Int)", "first: $n"), /"\$n" got invalid value/, { n: "20" });
    await expectRefusal(query("($n: Int)", "first: $n"), /"\$n" got invalid value/, { n: 2 ** 31 });
  });

  test("what is skipped costs nothing", async () => {
    const query = `query ($all: Boolean!) { goModules(first: 100) { nodes { path versions(first: 100) @include(if: $all) { nodes { id } } } } }`;
    await expectRefusal(query, /the query costs/, { all: true });
    expect((await anonymous(query, { all: false })).status).toBe(200);
  });

  test("counts, mergers, searches and changes are dear", async () => {
    await expectRefusal(
      "{ projects(first: 100) { nodes { group { packages(first: 20) { nodes { id } } } } } }",
      /the query costs/,
    );
    const counts = Array.from({ length: 50 }, (_, n) => `c${n}: goModules(first: 0) { count }`);
    await expectRefusal(
      `{ projects(first: 100) { nodes { ${counts.join(" ")} } } }`.replaceAll(
        "goModules(first: 0)",
        "goModules(first: 1)",
      ),
      /the query costs/,
    );
    const searches = Array.from({ length: 50 }, (_, n) => `s${n}: projects(search: "${n}", first: 1) { nodes { id } }`);
    await expectRefusal(`{ ${searches.join(" ")} }`, /the query costs 5100/);
    const changes = Array.from({ length: 50 }, (_, n) => `c${n}: groupCreate(input: {fullPath: "c${n}"}) { errors }`);
    const { status } = await user(
      `mutation { ${changes.join(" ")} c: groupDelete(input: {fullPath: "g"}) { errors } }`,
    );
    expect(status).toBe(400);
  });

  test("introspection tells what the prices in the schema mean", async () => {
    const { __schema } = await user.data("{ __schema { directives { name description args { name description } } } }");
    const directives = __schema.directives as { name: string; description: string; args: { description: string }[] }[];
    for (const name of ["cost", "listSize"]) {
      const directive = directives.find((each) => each.name === name);
      expect(directive?.description).toMatch(/cost/);
      for (const { description } of directive!.args) expect(description).toMatch(/\w/);
    }
  });

  test("introspection is limited, too", async () => {
    const types = "types { fields { type { fields { type { fields { type { fields { name } } } } } } } }";
    expect((await user(`{ __schema { ${types} } }`)).errors?.[0]?.message).toMatch(/introspection depth/i);
    const many = Array.from({ length: 50 }, (_, n) => `s${n}: __schema { types { name } }`).join(" ");
    expect((await user(`{ ${many} }`)).status).toBe(200);
    expect((await user(`{ ${many} a: __schema { types { name } } }`)).status).toBe(400);
  });
});

describe("time", () => {
  test("an answer comes when the time is up, whatever the database does", async () => {
    const lock = new pg.Client(registry.database.url);
    await lock.connect();
    const timers = vi.spyOn(globalThis, "setTimeout");
    try {
      await lock.query('BEGIN; LOCK TABLE "project" IN ACCESS EXCLUSIVE MODE');
      let answered = false;
      const answer = anonymous(
        '{ group(fullPath: "g") { fullPath } project(fullPath: "G/P") { id } other: project(fullPath: "g/x") { id } }',
      ).finally(() => {
        answered = true;
      });
      const waiting = async () =>
        (await lock.query("SELECT FROM pg_locks WHERE NOT granted AND relation = 'project'::regclass")).rowCount;
      await expect.poll(waiting, { timeout: 5_000 }).toBe(2);
      await anonymous.data('{ group(fullPath: "g") { fullPath } }'); // what is not locked has been read by now
      expect(answered).toBe(false);
      const [timeIsUp] = timers.mock.calls.find(([, ms]) => ms === TIME_LIMIT_MS)!;
      timeIsUp();
      const { status, data, errors } = await answer;
      expect([status, data]).toEqual([200, { group: { fullPath: "g" }, project: null, other: null }]);
      expect(errors).toHaveLength(2);
      for (const error of errors ?? [])
        expect(error).toMatchObject({ extensions: { code: "UNAVAILABLE", reason: "took_too_long" } });
    } finally {
      timers.mockRestore();
      await lock.query("ROLLBACK");
      await lock.end();
    }
    expect((await anonymous.data('{ project(fullPath: "g/p") { fullPath } }')).project).toEqual({ fullPath: "g/p" });
  });

  test("a change is waited for, because it is made all the same, and is told whole", async () => {
    const lock = new pg.Client(registry.database.url);
    await lock.connect();
    const timers = vi.spyOn(globalThis, "setTimeout");
    try {
      await lock.query("BEGIN; SELECT FROM project FOR UPDATE");
      let answered = false;
      const answer = root(
        'mutation { projectUpdate(input: { fullPath: "g/p", description: "late" }) { errors project { description } } }',
      ).finally(() => {
        answered = true;
      });
      const waiting = async () =>
        (
          await lock.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
          )
        ).rowCount;
      await expect.poll(waiting, { timeout: 5_000 }).toBe(1);
      const [timeIsUp] = timers.mock.calls.find(([, ms]) => ms === TIME_LIMIT_MS)!;
      timeIsUp();
      await anonymous.data('{ group(fullPath: "g") { fullPath } }');
      expect(answered).toBe(false);
      await lock.query("ROLLBACK");
      const { data, errors } = await answer;
      expect([data, errors]).toEqual([{ projectUpdate: { errors: [], project: { description: "late" } } }, undefined]);
    } finally {
      timers.mockRestore();
      await lock.end();
    }
  });
});
