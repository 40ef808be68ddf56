// A command shall answer before one notices that it was started, and most of its time goes into loading files. So a command
// that reads one table loads no more than that takes, and a server loads the doors that not everybody uses when somebody
// knocks. What is loaded is asked of Node itself (module.registerHooks), in processes of their own.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { gokura } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

const HOOK = `import { registerHooks } from "node:module";
import { writeSync } from "node:fs";
registerHooks({ load(url, context, next) { if (url.startsWith("file:")) writeSync(2, "loaded " + url + "\\n"); return next(url, context); } });
`;

async function filesLoadedBy(...words: string[]): Promise<string[]> {
  const directory = temporary("loads");
  const hook = join(directory, "hook.mjs");
  writeFileSync(hook, HOOK);
  const { code, stderr } = await gokura(words, {
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: join(directory, "data"),
    NODE_OPTIONS: `--import=${hook}`,
  });
  expect(code, stderr).toBe(0);
  return [...stderr.matchAll(/^loaded (\S+)$/gm)].map((match) => match[1]!);
}

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
  expect(files.length).toBeLessThan(180);
});

test("a command that needs no database loads none", async () => {
  expect(packagesOf(await filesLoadedBy("version"))).toEqual(
    expect.not.arrayContaining(["pg", "pino", "@prisma/client"]),
  );
});
