// gokura backup and gokura restore.
import { resolve } from "node:path";
import type { Command } from "commander";
import { backUp } from "../backup/backup.ts";
import { alignRefs, restoreFiles } from "../backup/restore.ts";
import { PRODUCT_VERSION, readConfig } from "../config.ts";
import { Failure } from "../errors.ts";
import { examineRegistry } from "../fsck/examine.ts";
import { Repositories } from "../git/objects/repositories.ts";
import { openRegistry } from "../open-registry.ts";
import { PRIVATE_UMASK } from "../storage/data-directory.ts";
import { createLog } from "../telemetry/log.ts";
import { JSON_OPTION } from "./options.ts";
import { printOne } from "./output.ts";
import { showProgress, telling } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";

export function addBackupCommand(program: Command): void {
  program
    .command("backup")
    .description(
      "save database and files into a directory, beside a running server; again to the same place copies what is new",
    )
    .argument("<directory>", "empty, not there, or with an earlier backup of this registry")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nAn external database is not in it: run pg_dump before, and keep the dump beside the backup.\nThe backup holds all secrets of the registry.\nExample: gokura backup /backup/gokura",
    )
    .action(backup);
}

export function addRestoreCommand(program: Command): void {
  program
    .command("restore")
    .description("make a new data directory of a backup, and examine it")
    .argument("<backup>", "the directory that gokura backup wrote")
    .requiredOption("--data-dir <directory>", "empty or not there; nothing is restored over anything")
    .option("--deep", "read and hash every zip and repository, as fsck --deep does")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nWith an external database restore the dump first, and set DATABASE_URL to it.\nExample: gokura restore /backup/gokura --data-dir /srv/gokura-new",
    )
    .action(restore);
}

async function backup(target: string, { json = false }: { json?: boolean }): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const config = readConfig();
  const log = createLog(config.logLevel === "silent" ? "silent" : "warn");
  const opened = await telling("opening the database", () =>
    openRegistry(config, log, "sender", { stopSignal: stopSignal() }),
  );
  try {
    const report = await backUp(opened.registry, resolve(target), {
      gokura: PRODUCT_VERSION,
      embeddedUrl: config.databaseUrl === undefined ? opened.databaseUrl : undefined,
      progress: onTerminal,
    });
    printOne({ ...report }, json);
    if (config.databaseUrl !== undefined && !json)
      console.log("the database is external and not in it: keep a pg_dump that was made before this with it");
  } finally {
    await opened.close();
  }
}

interface RestoreWords {
  readonly dataDir: string;
  readonly deep?: boolean;
  readonly json?: boolean;
}

async function restore(from: string, { dataDir, deep = false, json = false }: RestoreWords): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const config = { ...readConfig(), dataDirectory: resolve(dataDir) };
  const description = await telling("restoring files and database", () =>
    restoreFiles(resolve(from), config.dataDirectory),
  );
  if (description.cluster === null && config.databaseUrl === undefined)
    throw new Failure(
      "conflict",
      "the files are restored; the database of this backup is external: restore its dump, set DATABASE_URL to it, and run gokura fsck",
    );
  const repositories = new Repositories();
  const opened = await openRegistry(config, createLog("warn"), "sender", { stopSignal: stopSignal() });
  try {
    const { registry } = opened;
    const refs = await telling("setting refs", () => alignRefs(registry, repositories));
    const { problems, ...counts } = await telling("examining", () =>
      examineRegistry(registry, repositories, { deep, repair: true, progress: () => {}, found: () => {} }),
    );
    const left = problems.filter(({ repaired }) => !repaired);
    printOne({ moment: description.moment, ...counts, refsSet: refs, problems: left.length }, json);
    if (left.length > 0)
      throw new Failure(
        "conflict",
        `the backup is not whole:\n${left.map(({ fault, about, says }) => `  - ${fault} ${about}: ${says}`).join("\n")}`,
      );
  } finally {
    await repositories.close();
    await opened.close();
  }
}

function onTerminal(what: string, bytes: number): void {
  showProgress(`${what}: ${Math.round(bytes / 1e6)} MB`);
}
