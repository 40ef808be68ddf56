// gokura backup and gokura restore.
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { backUp } from "../backup/backup.ts";
import { backUpToBucket } from "../backup/bucket-backup.ts";
import { bucketOfBackups, directoryOfBackups, oneAtATime } from "../backup/one-at-a-time.ts";
import { alignRefs, restoreFiles, restoreFromBucket } from "../backup/restore.ts";
import { type Config, PRODUCT_VERSION, readConfig } from "../config.ts";
import { Failure } from "../errors.ts";
import { examineRegistry } from "../fsck/examine.ts";
import { Repositories } from "../git/objects/repositories.ts";
import { openRegistry } from "../open-registry.ts";
import { bucketInUrl } from "../settings/bucket.ts";
import { PRIVATE_UMASK } from "../storage/data-directory.ts";
import { type Bucket, type BucketPlace, openBucket } from "../storage/s3/bucket.ts";
import { probeBucket } from "../storage/s3/probe.ts";
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
    .argument(
      "<target>",
      "a directory: empty, not there, or with an earlier backup of this registry; or s3://bucket/prefix",
    )
    .option("--keep <number>", "how many backups stay in a bucket; 7 if not given", keepOf)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nAn external database is not in it: run pg_dump before, and keep the dump beside the backup.\nThe backup holds all secrets of the registry.\nExample: gokura backup s3://acme-backup/gokura --keep 30",
    )
    .action(backup);
}

export function addRestoreCommand(program: Command): void {
  program
    .command("restore")
    .description("make a new data directory of a backup, and examine it")
    .argument("<backup>", "the directory that gokura backup wrote, or s3://bucket/prefix")
    .option("--moment <moment>", "which backup of a bucket, as gokura backup named it; the newest if not given")
    .requiredOption("--data-dir <directory>", "empty or not there; nothing is restored over anything")
    .option("--deep", "read and hash every zip and repository, as fsck --deep does")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nWith an external database restore the dump first, and set DATABASE_URL to it.\nExample: gokura restore /backup/gokura --data-dir /srv/gokura-new",
    )
    .action(restore);
}

/** How many backups stay in a bucket where nobody says. */
const KEPT = 7;

function keepOf(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("give how many backups stay, at least 1");
  return Number(text);
}

/** The bucket of s3://bucket/prefix, if it is fit to hold a backup; undefined: the text is a directory. */
async function bucketOf(
  config: Config,
  text: string,
): Promise<{ readonly bucket: Bucket; readonly place: BucketPlace } | undefined> {
  const named = bucketInUrl(text);
  if (!named) return undefined;
  if (!config.backupServer)
    throw new Failure("invalid", "set GOKURA_BACKUP_S3_ENDPOINT and its keys: where the bucket is (docs/settings.md)");
  const { bucket: zips } = config;
  if (zips?.bucket === named.bucket && zips.prefix === named.prefix && zips.endpoint === config.backupServer.endpoint)
    throw new Failure("conflict", `${text} is where the zips are: give another prefix, or better another bucket`);
  const place = { ...config.backupServer, ...named };
  const bucket = openBucket(place);
  await probeBucket(bucket);
  return { bucket, place };
}

async function backup(target: string, { json = false, keep = KEPT }: { json?: boolean; keep?: number }): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const config = readConfig();
  const log = createLog(config.logLevel === "silent" ? "silent" : "warn");
  const opened = await telling("opening the database", () =>
    openRegistry(config, log, "sender", { stopSignal: stopSignal() }),
  );
  let bucket: Bucket | undefined;
  try {
    const named = await bucketOf(config, target);
    bucket = named?.bucket;
    const place = named ? bucketOfBackups(named.place) : await directoryOfBackups(resolve(target));
    const options = {
      gokura: PRODUCT_VERSION,
      embeddedUrl: config.databaseUrl === undefined ? opened.databaseUrl : undefined,
      progress: onTerminal,
    };
    const report = await oneAtATime(opened.registry, opened.databaseUrl, place, () =>
      named
        ? backUpToBucket(opened.registry, named.bucket, { ...options, keep })
        : backUp(opened.registry, resolve(target), options),
    );
    printOne({ ...report }, json);
    if (config.databaseUrl !== undefined && !json)
      console.log("the database is external and not in it: keep a pg_dump that was made before this with it");
  } finally {
    bucket?.close();
    await opened.close();
  }
}

interface RestoreWords {
  readonly moment?: string;
  readonly dataDir: string;
  readonly deep?: boolean;
  readonly json?: boolean;
}

async function restore(from: string, { dataDir, moment, deep = false, json = false }: RestoreWords): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const config = { ...readConfig(), dataDirectory: resolve(dataDir) };
  const bucket = (await bucketOf(config, from))?.bucket;
  const description = await telling("restoring files and database", async () => {
    if (!bucket) return restoreFiles(resolve(from), config.dataDirectory);
    const saved = await restoreFromBucket(bucket, moment, config.dataDirectory).finally(() => bucket.close());
    return { moment: saved.moment, cluster: saved.hasDatabase ? "database" : null };
  });
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
