// A connection pooler between a server and its database: what would be lost in it is looked for at the start.
import { expect, test } from "vitest";
import { demandUsableConnections } from "../../src/database/pooled.ts";
import { testDatabase } from "../support/database.ts";
import { transactionPooler } from "../support/transaction-pooler.ts";

test("connections that keep their session are good", async () => {
  const url = await testDatabase();
  await demandUsableConnections(url, undefined);
  await demandUsableConnections(url, url);
});

test("a pooler that lends connections for a transaction is refused, with the way around it", async () => {
  const url = await testDatabase();
  const pooled = await transactionPooler(url);
  await expect(demandUsableConnections(pooled, undefined)).rejects.toThrow("set DATABASE_LISTEN_URL");
  await expect(demandUsableConnections(url, pooled)).rejects.toThrow("it must name the PostgreSQL itself");
  await expect(demandUsableConnections(pooled, url)).rejects.toThrow("max_prepared_statements");
});

test("two URLs that lead to different databases are refused", async () => {
  await expect(demandUsableConnections(await testDatabase(), await testDatabase())).rejects.toThrow(
    "the same database",
  );
});
