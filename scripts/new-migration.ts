// npm run migration:new NAME: writes prisma/migrations/<time>_NAME/migration.sql, the SQL that takes the migrated
// database to what prisma/schema.prisma says. Needs no network: the engine is WebAssembly, the database a scratch one in
// the embedded PostgreSQL of ./data (or of DATABASE_URL). What Prisma's language cannot say (triggers, CHECKs) is
// written into the file by hand afterwards.
import { mkdirSync, writeFileSync } from "node:fs";
import { startEmbeddedPostgres } from "../src/database/embedded-postgres.ts";
import { pendingSchemaChanges } from "./pending-schema-changes.ts";

const name = process.argv[2];
if (!name || !/^[a-z0-9_]+$/.test(name)) throw new Error("usage: npm run migration:new name_in_snake_case");
const embedded = process.env.DATABASE_URL ? undefined : await startEmbeddedPostgres("./data");
try {
  const sql = await pendingSchemaChanges(process.env.DATABASE_URL ?? embedded!.url);
  if (sql === undefined) console.log("nothing to do: the migrations already lead to schema.prisma");
  else {
    const path = `prisma/migrations/${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}_${name}`;
    mkdirSync(path, { recursive: true });
    writeFileSync("prisma/migrations/migration_lock.toml", 'provider = "postgresql"\n');
    writeFileSync(`${path}/migration.sql`, sql);
    console.log(`${path}/migration.sql\n\n${sql}`);
  }
} finally {
  await embedded?.stop();
}
