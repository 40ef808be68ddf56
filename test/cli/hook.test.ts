// gokura hook: hooks are made, listed and removed, and what they were told is read and told again.
import { beforeAll, expect, test } from "vitest";
import { inTransaction } from "../../src/database/sql.ts";
import { announce } from "../../src/registry/forge/hook-events.ts";
import { testRegistry } from "../support/registry.ts";
import { type Cli, cliOnDatabase } from "./cli.ts";

let cli: Cli;

beforeAll(async () => {
  cli = await cliOnDatabase();
  await cli("group", "create", "acme");
  await cli("project", "create", "acme/lib");
});

const URL_OF_IT = "https://ci.example.invalid/gokura";

test("add, list, remove; of a project, of a group, of the instance", async () => {
  const words = ["hook", "add", URL_OF_IT, "--events", "version.published,tag.moved", "--name", "CI"];
  const made = await cli.json(...words, "--project", "acme/lib");
  const shown = { of: "acme/lib", url: URL_OF_IT, name: "CI", events: ["version.published", "tag.moved"], state: "on" };
  expect(made).toMatchObject({ ...shown, signingToken: expect.stringMatching(/^whsec_/) });
  expect(await cli.json("hook", "list", "--project", "acme/lib")).toEqual([{ ...shown, id: made.id }]);
  const ofGroup = await cli.json("hook", "add", URL_OF_IT, "--group", "acme");
  expect([ofGroup.of, (ofGroup.events as string[]).length]).toEqual(["acme", 8]);
  expect(await cli.json("hook", "add", URL_OF_IT)).toMatchObject({ of: "the instance" });
  expect(await cli.json("hook", "list")).toHaveLength(1);
  expect(await cli.json("hook", "remove", String(made.id))).toMatchObject({ id: made.id });
  expect(await cli.json("hook", "list", "--project", "acme/lib")).toEqual([]);
  expect((await cli(...words, "--project", "acme/lib", "--group", "acme")).code).toBe(2);
  expect((await cli("hook", "add", URL_OF_IT, "--events", "push")).code).toBe(2);
  expect((await cli("hook", "add", "ftp://x")).code).toBe(1);
  expect((await cli("hook", "remove", "99999")).code).toBe(1);
});

test("deliveries, retry", async () => {
  const { id } = await cli.json("hook", "add", URL_OF_IT, "--project", "acme/lib");
  const registry = await testRegistry({ DATABASE_URL: cli.environment.DATABASE_URL! });
  const project = await registry.prisma.project.findFirstOrThrow({ where: { fullPath: "acme/lib" } });
  const told = { tag: "v1.0.0" };
  await inTransaction(registry.database.pool, (tx) => announce(tx, { projectId: project.id }, "tag.moved", [told]));
  const [first] = await cli.json<Record<string, unknown>[]>("hook", "deliveries", String(id));
  expect(first).toMatchObject({ event: "tag.moved", attempts: 0, error: null });
  expect(JSON.parse(first!.sent as string).data.tags).toEqual([told]);
  const again = await cli.json("hook", "retry", String(first!.id));
  expect(again).toMatchObject({ event: "tag.moved", attempts: 0 });
  const all = await cli.json<Record<string, unknown>[]>("hook", "deliveries", String(id));
  expect(all.map(({ id, message }) => [id, message])).toEqual([
    [again.id, first!.message],
    [first!.id, first!.message],
  ]);
  expect((await cli("hook", "retry", "99999")).code).toBe(1);
});
