// A process that uses the embedded PostgreSQL of a data directory until SIGTERM: what a server or a CLI command is to the
// cluster. It says what it found and how it let go, a line of JSON each. Run by cluster-holders.ts.
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { isFailure } from "../../src/errors.ts";

try {
  const held = await startEmbeddedPostgres(process.argv[2]!);
  process.once("SIGTERM", async () => {
    console.log(JSON.stringify(await held.stop()));
    process.exit(0);
  });
  console.log(JSON.stringify({ url: held.url, adopted: held.adopted, directory: held.directory }));
  setInterval(() => {}, 60_000);
} catch (error) {
  if (!isFailure(error)) throw error;
  console.log(JSON.stringify({ failure: error.message }));
}
