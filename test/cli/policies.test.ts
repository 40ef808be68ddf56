// gokura policy, advisory and vuln: what they print, and how they end.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { replaceDatabase } from "../../src/registry/advisories/vulnerability-database.ts";
import { testRegistry } from "../support/registry.ts";
import { temporary } from "../support/temporary.ts";
import { cliOnDatabase } from "./cli.ts";

const cli = await cliOnDatabase({ GOKURA_MODULE_HOST: "gokura.test" });

test("a rule is made, listed, explained and removed", async () => {
  const add = "policy add --pattern example.com/bad --versions v1.3.0 --action deny --reason stolen".split(" ");
  const { id } = await cli.json<{ id: number }>(...add);
  expect(await cli.json("policy", "list")).toMatchObject([
    { id, action: "deny", pattern: "example.com/bad", createdBy: "cli" },
  ]);
  expect(await cli.json("policy", "explain", "example.com/bad@v1.3.0")).toMatchObject({
    ...{ kind: "upstream", verdict: "deny", rule: id },
    told: `example.com/bad@v1.3.0 is denied by rule ${id}: stolen; ask an administrator of this registry`,
    change: expect.stringContaining(`removing rule ${id}`),
  });
  expect(await cli.json("policy", "explain", "example.com/bad@v1.2.0")).toMatchObject({ verdict: "allow" });
  await cli.json("policy", "remove", String(id));
  expect(await cli.lines("policy", "list")).toEqual(["there are no rules: everything may be had"]);
  expect(await cli("policy", "remove", String(id))).toMatchObject({ code: 1, stderr: "gokura: Policy Not Found\n" });
});

test("a rule by licences, and one by vulnerabilities", async () => {
  const add = ["policy", "add", "--pattern", "*", "--action"];
  const { id } = await cli.json<{ id: number }>(...add, "hold", "--licenses-other-than", "MIT, BSD-3-Clause");
  const other = await cli.json<{ id: number }>(...add, "deny", "--vulnerable", "fixable");
  expect(await cli.json("policy", "list")).toMatchObject([
    { id, licensesOtherThan: ["BSD-3-Clause", "MIT"], vulnerable: null },
    { id: other.id, licenses: [], vulnerable: "fixable" },
  ]);
  for (const one of [id, other.id]) await cli.json("policy", "remove", String(one));
});

test.each([
  ["policy add --pattern * --action forbid", "use one of allow, deny, hold, warn"],
  ["policy add --pattern * --action hold --age 7w", "is no age"],
  ["policy add --pattern * --action deny --until tomorrow", "use a day"],
  ["policy add --pattern * --action deny --vulnerable yes", "use one of any, fixable"],
  ["policy explain example.com/m", "name MODULE@VERSION"],
  ["vuln report", "name MODULE@VERSION or --go-sum"],
  ["vuln report --go-sum /nowhere", "no such file"],
])("wrong usage: %s", async (line, why) => {
  expect(await cli(...line.split(" "))).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
});

test("a report says what is known by which database, and nothing without one", async () => {
  const goSum = join(temporary("go-sum"), "go.sum");
  writeFileSync(
    goSum,
    "example.com/m v1.0.0 h1:a=\nexample.com/m v1.0.0/go.mod h1:b=\nexample.com/n v1.0.0/go.mod h1:c=\n",
  );
  expect(await cli("vuln", "report", "--go-sum", goSum)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no vulnerability database was mirrored yet"),
  });
  const body = JSON.stringify({
    ...{ id: "GO-2026-0001", modified: "2026-01-01T00:00:00Z", summary: "bad" },
    affected: ["example.com/m", "example.com/n"].map((name) => ({
      package: { name, ecosystem: "Go" },
      ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.2.3" }] }],
    })),
  });
  const modified = new Date("2026-01-01T00:00:00Z");
  const changed = [[{ id: "GO-2026-0001", body }]];
  const registry = await testRegistry({ DATABASE_URL: cli.environment.DATABASE_URL! });
  await replaceDatabase(registry, { modified, modules: "[]", vulns: "[]", changed, ids: ["GO-2026-0001"] }, modified);
  const { code, stdout } = await cli("vuln", "report", "--go-sum", goSum, "--json");
  expect([code, JSON.parse(stdout)]).toEqual([
    1,
    {
      database: { modified: "2026-01-01T00:00:00.000Z", checkedAt: "2026-01-01T00:00:00.000Z" },
      versions: 1,
      vulnerabilities: [
        {
          id: "GO-2026-0001",
          module: "example.com/m",
          version: "v1.0.0",
          fixedIn: "v1.2.3",
          aliases: [],
          summary: "bad",
        },
      ],
    },
  ]);
  process.exitCode = 0;
  expect(await cli.lines("vuln", "report", "example.com/m@v1.2.3")).toEqual([
    "nothing is known of 1 version",
    "by a database of 2026-01-01T00:00:00.000Z, looked at 2026-01-01T00:00:00.000Z",
  ]);
});
