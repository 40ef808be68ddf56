// gokura storage: where zips and repositories are, and how they come from the disk into a bucket or back.
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Config, readConfig } from "../config.ts";
import { countConnectedServers } from "../database/connected-servers.ts";
import { Failure } from "../errors.ts";
import { bringRepositories, leaveBlobs } from "../git/hosting/brought-repositories.ts";
import { Repositories } from "../git/objects/repositories.ts";
import { type OpenedRegistry, openRegistry } from "../open-registry.ts";
import { parseBytes } from "../settings/amounts.ts";
import { claimDataDirectory, demandSameAccount, openDataDirectory, PRIVATE_UMASK } from "../storage/data-directory.ts";
import { openDiskBlobs } from "../storage/disk-blobs.ts";
import { type Bucket, openBucket } from "../storage/s3/bucket.ts";
import { type CopiedZips, copyToBucket, copyToDisk } from "../storage/s3/copied-zips.ts";
import { probeBucket } from "../storage/s3/probe.ts";
import { createLog } from "../telemetry/log.ts";
import { evictZips } from "../upstream/eviction.ts";
import { JSON_OPTION } from "./options.ts";
import { harmless, printOne } from "./output.ts";
import { showProgress } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";
import { withIntake } from "./with-intake.ts";

interface CopyWords {
  readonly to: "s3" | "disk";
  readonly finish?: boolean;
  readonly json?: boolean;
}

export function addStorageCommands(program: Command): void {
  const storage = program.command("storage").description("where zips are kept: on the disk or in a bucket of S3");
  storage
    .command("check")
    .description("write, read and remove a small object in the bucket of GOKURA_S3_*, as a server does at its start")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura storage check")
    .action(async ({ json = false }: { json?: boolean }) => {
      await withBucket(async (bucket) => {
        await probeBucket(bucket);
        printOne({ bucket: bucket.name, fit: true }, json);
      });
    });
  storage
    .command("copy")
    .description("copy all zips (and packs or repositories) that the other place has not, beside a running server")
    .addOption(new Option("--to <place>", "where they go").choices(["s3", "disk"]).makeOptionMandatory())
    .option("--finish", "to the disk, when no server runs: from now on the repositories are there alone")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
Into a bucket: set GOKURA_S3_* for this command, copy, start the server with the same settings, copy once more. Until
then the server finds in the data directory what is not yet in the bucket. Back: copy to the disk, start without them.
With GOKURA_REPOSITORIES=blobs repositories are copied to the disk as well, into a data directory that no server uses:
copy while servers run, stop them, copy once more with --finish, start with GOKURA_REPOSITORIES=disk.
Example: gokura storage copy --to s3`,
    )
    .action(copy);
  storage
    .command("evict")
    .description("make room: remove zips from upstream that nobody asked for lately; they are fetched again on demand")
    .option("--max <bytes>", "what may stay, such as 50G; GOKURA_UPSTREAM_MAX_BYTES if not given", bytes)
    .option("--dry-run", "only tell what would go")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
What was asked for within 30 days stays, and so does what a module here requires, what GOKURA_UPSTREAM_KEEP names, and
what its upstream has no more. Lists, .info, .mod and sums stay; a zip that comes back must have the h1 that it had.
Example: gokura storage evict --max 50G --dry-run`,
    )
    .action(evict);
}

interface EvictWords {
  readonly max?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

async function evict({ max, dryRun = false, json = false }: EvictWords): Promise<void> {
  await withIntake({}, async ({ registry, upstream: { client }, config, signal }) => {
    const rules = max === undefined ? config.eviction : { maxBytes: max, keep: config.eviction?.keep ?? "" };
    if (!rules) throw new Failure("invalid", "how much may stay? Give --max 50G, or set GOKURA_UPSTREAM_MAX_BYTES");
    if (!client)
      throw new Failure("invalid", "GOKURA_UPSTREAM is off: nobody could be asked for what goes, so nothing does");
    const report = await evictZips(registry, client, rules, {
      dryRun,
      over: () => signal.aborted,
      told: (zip) => {
        if (!json)
          console.log(harmless(`${dryRun ? "would go" : "gone"} ${zip.modulePath}@${zip.version} ${zip.size}`));
      },
    });
    printOne({ ...report, dryRun }, json);
  });
}

async function copy({ to, finish = false, json = false }: CopyWords): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const config = readConfig();
  const bringsRepositories = to === "disk" && config.repositories === "blobs";
  if (finish && !bringsRepositories)
    throw new Failure("invalid", "--finish is for --to disk with GOKURA_REPOSITORIES=blobs: nothing else ends");
  const zips = config.bucket || !bringsRepositories ? await copyZips(config, to) : undefined;
  const repositories = bringsRepositories ? await copyRepositories(config, finish) : undefined;
  showProgress("", true);
  printOne({ ...(zips ?? { to: join(config.dataDirectory, "blobs") }), ...repositories }, json);
}

async function copyZips({ dataDirectory }: Config, to: "s3" | "disk"): Promise<Record<string, string | number>> {
  await openDataDirectory(dataDirectory, true);
  await demandSameAccount(dataDirectory);
  const disk = await openDiskBlobs(join(dataDirectory, "blobs"));
  return withBucket(async (bucket) => {
    await probeBucket(bucket);
    const options = {
      signal: stopSignal(),
      told: ({ copied, bytes, present }: CopiedZips) =>
        showProgress(`${copied} copied (${Math.round(bytes / 1e6)} MB), ${present} there already`),
    };
    const report = await (to === "s3" ? copyToBucket(disk, bucket, options) : copyToDisk(bucket, disk, options));
    return { to: to === "s3" ? bucket.name : join(dataDirectory, "blobs"), ...report };
  });
}

async function copyRepositories(config: Config, finish: boolean): Promise<Record<string, number>> {
  const signal = stopSignal();
  const log = createLog(config.logLevel === "silent" ? "silent" : "error");
  await openDataDirectory(config.dataDirectory, true);
  const give = await claimDataDirectory(config.dataDirectory, log);
  const repositories = new Repositories();
  let opened: OpenedRegistry | undefined;
  try {
    opened = await openRegistry(config, log, "sender", { stopSignal: signal });
    const servers = finish ? await countConnectedServers(opened.databaseUrl) : 0;
    if (servers > 0)
      throw new Failure("conflict", `--finish is for the end: ${servers} servers use the database, stop them`);
    const { brought, present, failures } = await bringRepositories(
      opened.registry,
      repositories,
      (soFar) => showProgress(`${soFar.brought} repositories copied, ${soFar.present} there already`),
      signal,
    );
    if (failures.length > 0)
      throw new Failure(
        "unavailable",
        `${failures.length} repositories could not be copied; what was is kept, try again:\n${failures.map((why) => `  - ${why}`).join("\n")}`,
      );
    if (finish) await leaveBlobs(opened.registry);
    return { repositoriesCopied: brought, repositoriesPresent: present };
  } finally {
    await repositories.close();
    await opened?.close();
    await give();
  }
}

function bytes(text: string): number {
  try {
    return parseBytes(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

async function withBucket<T>(work: (bucket: Bucket) => Promise<T>): Promise<T> {
  const { bucket: settings } = readConfig();
  if (!settings)
    throw new Failure("invalid", "no bucket is set: GOKURA_S3_ENDPOINT and its relatives (docs/storage.md)");
  const bucket = openBucket(settings);
  try {
    return await work(bucket);
  } finally {
    bucket.close();
  }
}
