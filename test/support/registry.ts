import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config.ts";
import { openRegistry } from "../../src/open-registry.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { atEnd } from "./at-end.ts";
import { testDatabase } from "./database.ts";

/** A registry without doors, on a database and a data directory of its own; everything goes away after the test file. */
export async function testRegistry(environment: Record<string, string> = {}): Promise<Registry> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "gokura-data-"));
  const config = readConfig({
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: dataDirectory,
    GOKURA_MODULE_HOST: "gokura.test",
    ...environment,
  });
  const opened = await openRegistry(config, createLog("silent"), "sender");
  atEnd(async () => {
    await opened.close();
    await rm(dataDirectory, { recursive: true, force: true });
  });
  return opened.registry;
}
