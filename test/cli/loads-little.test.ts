// A command shall answer before one notices that it was started, and most of its time goes into loading files. So a command
// that reads one table loads no more than that takes, and a server loads the doors that not everybody uses when somebody
// knocks. What is loaded is asked of Node itself (module.registerHooks), in processes of their own.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { gokura, serveGokura } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

const HOOK = `import { registerHooks } from "node:module";
import { writeSync } from "node:fs";
registerHooks({ load(url, context, next) { if (url.startsWith("file:")) writeSync(2, "loaded " + url + "\\n"); return next(url, context); } });
`;

const directory = temporary("loads");
const hook = join(directory, "hook.mjs");
writeFileSync(hook, HOOK);
const TELLING = { NODE_OPTIONS: `--import=${hook}` };

async function filesLoadedBy(...words: string[]): Promise<string[]> {
  const database = { DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: join(directory, "data") };
  const { code, stderr } = await gokura(words, { ...database, ...TELLING });
  expect(code, stderr).toBe(0);
  return loadedIn(stderr);
}

const loadedIn = (stderr: string): string[] => [...stderr.matchAll(/^loaded (\S+)$/gm)].map((match) => match[1]!);

const packagesOf = (files: readonly string[]): string[] => [
  ...new Set(files.flatMap((file) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? [])),
];

test("a list of users loads neither the queue, nor counters, nor any door, nor Prisma's engine", async () => {
  const files = await filesLoadedBy("user", "list");
  const packages = packagesOf(files);
  expect(packages).toContain("pg");
  for (const unneeded of ["pg-boss", "prom-client", "koa", "@apollo/server", "graphql", "zod", "isomorphic-git"])
    expect(packages).not.toContain(unneeded);
  expect(files.filter((file) => file.includes("query_compiler"))).toEqual([]);
  expect(files.length).toBeLessThan(205); // ten of them say what settings may be
});

test("a command that needs no database loads none", async () => {
  expect(packagesOf(await filesLoadedBy("version"))).toEqual(
    expect.not.arrayContaining(["pg", "pino", "@prisma/client"]),
  );
});

test("a server loads GraphQL, REST and Prisma's engine when they are first asked for", async () => {
  const environment = {
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: join(directory, "server"),
    GOKURA_ADMIN_TOKEN: "administrator-token-of-the-test",
  };
  await (await serveGokura(environment)).stop(); // the first start makes the administrator, by Prisma
  const server = await serveGokura({ ...environment, ...TELLING });
  const loaded = (pattern: RegExp): boolean => loadedIn(server.stderr()).some((file) => pattern.test(file));
  const headers = { authorization: `Bearer ${environment.GOKURA_ADMIN_TOKEN}` };
  const [apollo, zod, engine] = [/@apollo\/server/, /node_modules\/zod\//, /query_compiler/];
  expect([apollo, zod, engine].map(loaded)).toEqual([false, false, false]);
  expect((await fetch(`${server.url}/api/v4/packages/go/example.com/x/@v/list`, { headers })).status).toBe(404);
  expect([apollo, zod].map(loaded)).toEqual([false, false]);

  expect((await fetch(`${server.url}/api/v4/user`, { headers })).status).toBe(200);
  expect([apollo, zod].map(loaded)).toEqual([false, true]);

  const asked = await Promise.all(
    [1, 2, 3].map(() =>
      fetch(`${server.url}/api/graphql`, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: '{"query":"{ currentUser { username } }"}',
      }).then((answer) => answer.json()),
    ),
  );
  expect(asked).toEqual(Array(3).fill({ data: { currentUser: { username: "root" } } }));
  expect([apollo, zod, engine].map(loaded)).toEqual([true, true, true]);
  expect((await server.stop()).code).toBe(0);
});
