import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { atEnd } from "./at-end.ts";

/** A database of its own for this test file, copied from the migrated template. */
export async function testDatabase(): Promise<string> {
  const { admin, template, run } = inject("postgres");
  return createDatabase(
    admin,
    `test_${run}_${randomBytes(6).toString("hex")}`,
    `template ${template} strategy file_copy`,
  );
}

/** The same without any table. */
export async function emptyDatabase(): Promise<string> {
  const { admin, run } = inject("postgres");
  return createDatabase(admin, `test_${run}_${randomBytes(6).toString("hex")}`, "");
}

async function createDatabase(admin: string, name: string, how: string): Promise<string> {
  const client = new pg.Client(admin);
  await client.connect();
  await client.query(`create database ${name} ${how}`);
  atEnd(async () => {
    await client.query(`drop database ${name} with (force)`);
    await client.end();
  });
  return admin.replace(/[^/]*$/, name);
}
