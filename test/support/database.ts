import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { atEnd } from "./at-end.ts";

/** A database of its own for this test file, copied from the migrated template. */
export function testDatabase(): Promise<string> {
  return createDatabase(`template ${inject("postgres").template} strategy file_copy`);
}

/** The same without any table. */
export function emptyDatabase(): Promise<string> {
  return createDatabase("");
}

async function createDatabase(how: string): Promise<string> {
  const { admin } = inject("postgres");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const client = new pg.Client(admin);
  await client.connect();
  await client.query(`create database ${name} ${how}`);
  atEnd(async () => {
    await client.query(`drop database ${name} with (force)`);
    await client.end();
  });
  return admin.replace(/[^/]*$/, name);
}
