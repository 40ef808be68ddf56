// What prisma/schema.prisma says that the migrations do not do yet: all migrations are applied to a scratch database,
// and Prisma's engine compares the two.
import { mkdirSync, readFileSync } from "node:fs";
import pg from "pg";
import { MIGRATIONS, migrate } from "../src/database/migrate.ts";
import { openSchemaEngine } from "./schema-engine.ts";

/** The SQL that is missing, undefined when nothing is. `server` is a PostgreSQL where databases may be made. */
export async function pendingSchemaChanges(server: string): Promise<string | undefined> {
  mkdirSync(MIGRATIONS, { recursive: true });
  const schema = { files: [{ path: "prisma/schema.prisma", content: readFileSync("prisma/schema.prisma", "utf8") }] };
  const scratch = `scratch_${process.pid}`;
  const client = new pg.Client(server);
  await client.connect();
  await client.query(`create database ${scratch}`);
  try {
    const url = server.replace(/\/[^/?]*(\?|$)/, `/${scratch}$1`);
    await migrate(url);
    const engine = await openSchemaEngine(url, schema.files[0]!.content);
    const { stdout } = await engine.diff({
      from: { tag: "schemaDatasource", ...schema, configDir: "." },
      to: { tag: "schemaDatamodel", ...schema },
      script: true,
      exitCode: null,
      shadowDatabaseUrl: null,
      filters: { externalTables: [], externalEnums: [] },
    } as never);
    engine.free();
    return !stdout || stdout.includes("This is an empty migration") ? undefined : stdout;
  } finally {
    await client.query(`drop database ${scratch} with (force)`);
    await client.end();
  }
}
