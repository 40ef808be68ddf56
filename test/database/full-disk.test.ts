// PostgreSQL that has no space left (SQLSTATE 53100) is no defect of ours: every door says so with 503, and the log once.
import { expect, test } from "vitest";
import { ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, testServer } from "../support/server.ts";

test("a full disk inside PostgreSQL is 503 on every door, and one line in the log without a stack", async () => {
  const server = await testServer();
  await server.registry.database.pool.query(`
    CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER no_space BEFORE INSERT ON "group" FOR EACH ROW EXECUTE FUNCTION no_space();
    CREATE TRIGGER no_space BEFORE INSERT ON token FOR EACH ROW EXECUTE FUNCTION no_space()`);
  const headers = { ...bearer(ADMIN_TOKEN), "content-type": "application/json" };
  const post = (path: string, body: object) =>
    ask(server.url, path, { method: "POST", headers, body: JSON.stringify(body) });

  for (const name of ["one", "two", "three"]) {
    const rest = await post("/api/v4/groups", { name, path: name });
    expect([rest.status, rest.text]).toEqual([503, expect.stringContaining("the server's disk is full")]);
    const graphql = await post("/api/graphql", {
      query: `mutation { groupCreate(input: { fullPath: "${name}" }) { group { id } } }`,
    });
    expect(graphql.text).toContain("disk_full");
  }
  const told = server.logged.filter((line) => line.includes("the disk is full"));
  expect(told).toHaveLength(1);
  expect(told[0]).not.toContain('"stack"');
  const errors = server.logged.filter((line) => /"level":"(?:error|fatal)"/.test(line));
  expect(errors).toEqual(told);
});
