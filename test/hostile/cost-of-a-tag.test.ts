// New tags cost only themselves. What one more tag costs is counted, on top of few tags and of many: statements sent to the
// database and rows that came back, programs started, and objects asked of git. A number that grows with the old tags is
// a scan of them. (Git's own list of refs and the database's comparison with it look at every ref; they are one each.)
import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Registry } from "../../src/registry/registry.ts";
import type { Recipe } from "../support/git-fixture.ts";
import { testRegistry } from "../support/registry.ts";
import { hostedRepository } from "./hosted-repository.ts";

const FEW = 30;
const MANY = 120;

interface Cost {
  statements: number;
  rows: number;
  programs: number;
  objects: number;
}

const spent: Cost = { statements: 0, rows: 0, programs: 0, objects: 0 };
// biome-ignore lint/suspicious/noExplicitAny: pg's many overloads
const client = pg.Client.prototype as any;
const { query } = client;
const { spawn } = childProcess;

beforeAll(() => {
  client.query = function counted(...args: unknown[]) {
    if (!String(args[0]).startsWith("SET ")) spent.statements++; // that is a connection that opens (database/client.ts)
    const answer = query.apply(this, args);
    if (answer instanceof Promise)
      void answer.then((result) => (spent.rows += result?.rows?.length ?? 0)).catch(() => {});
    return answer;
  };
  childProcess.spawn = ((...args: Parameters<typeof spawn>) => {
    spent.programs++;
    const child = spawn(...args);
    const write = child.stdin?.write.bind(child.stdin);
    if (child.stdin && write)
      child.stdin.write = ((chunk: unknown, ...rest: []) => {
        spent.objects += (String(chunk).match(/^(?:info|contents) /gm) ?? []).length;
        return write(chunk, ...rest);
      }) as typeof child.stdin.write;
    return child;
  }) as typeof spawn;
  syncBuiltinESMExports();
});
afterAll(() => {
  client.query = query;
  childProcess.spawn = spawn;
  syncBuiltinESMExports();
});

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const before = { ...spent };
  await work();
  return Object.fromEntries(
    Object.entries(before).map(([name, n]) => [name, spent[name as keyof Cost] - n]),
  ) as unknown as Cost;
}

/** A series of tags, by number; each on a commit of its own with a go.mod of its own. */
type Series = (recipe: Recipe, modulePath: string, n: number) => void;

const SERIES: Record<string, Series> = {
  "of one module": (r, modulePath, n) => r.tag(`v1.${n}.0`, r.commit({ "go.mod": `module ${modulePath}\n// ${n}\n` })),
  "of a module that retracts": (r, modulePath, n) =>
    r.tag(`v1.${n}.0`, r.commit({ "go.mod": `module ${modulePath} // ${n}\n\nretract [v1.0.0, v1.5.0]\n` })),
  "of twenty modules": (r, modulePath, n) =>
    r.tag(
      `m${n % 20}/v1.${n}.0`,
      r.commit({ [`m${n % 20}/go.mod`]: `module ${modulePath}/m${n % 20}\n\nrequire example.com/a v1.${n}.0\n` }),
    ),
  "of a module from before modules": (r, _, n) =>
    r.tag(`v${1 + (n % 9)}.${n}.0`, r.commit({ "a.go": `package a // ${n}\n` })),
  "that are no versions": (r, _, n) => r.tag(`release-${n}`, r.commit({ "a.go": `package a // ${n}\n` })),
  "that are pre-releases": (r, modulePath, n) =>
    r.tag(`v1.0.0-rc.${n}`, r.commit({ "go.mod": `module ${modulePath}\n// ${n}\n` })),
};

let registry: Registry;
let projects = 0;
beforeAll(async () => {
  registry = await testRegistry();
});

describe("one more tag costs the same however many there are", () => {
  test.each(Object.entries(SERIES))("%s", async (name, tag) => {
    const hosted = await hostedRepository(registry, `${name.replaceAll(" ", "-")}-${++projects}`);
    let count = 0;
    const grow = (to: number): void =>
      hosted.change((r) => {
        for (; count < to; count++) tag(r, hosted.modulePath, count);
      });
    const oneMore = async (): Promise<Cost> => {
      await hosted.record();
      grow(count + 1);
      return costOf(() => hosted.record());
    };
    /** What a server does by itself meanwhile only ever adds to it. */
    const cheapest = async (): Promise<Cost> => {
      const costs = [await oneMore(), await oneMore(), await oneMore()];
      return costs.reduce((a, b) => (b.statements < a.statements ? b : a));
    };
    grow(FEW);
    const onFew = await cheapest();
    grow(MANY);
    const onMany = await cheapest();
    expect(onMany).toEqual(onFew);
    expect(onMany.statements).toBeLessThan(50);
    // The list of refs, whether the branch still has its old commit, and the reader of objects if it was not running.
    expect(onMany.programs).toBeLessThanOrEqual(3);
    expect(onMany.objects).toBeLessThan(30);
  });
});
