import { defineConfig } from "prisma/config";
import { runningDatabaseUrl } from "./src/database/running-database.ts";

// Prisma downloads a schema engine before any command. Only `migrate` and `db` use it (we migrate without it); for the
// others any program will do in its place, which keeps generate, validate, format and studio off the network.
if (!process.argv.some((word) => word === "migrate" || word === "db")) {
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;
  process.env.CHECKPOINT_DISABLE ??= "1";
}

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: {
    url:
      process.env.DATABASE_URL ??
      runningDatabaseUrl(process.env.GOKURA_DATA_DIR ?? "./data") ??
      "postgresql://no-embedded-database-is-running",
  },
});
