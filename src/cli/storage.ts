// gokura storage: where the zips are, and how they come from the disk into a bucket or back.
import { join } from "node:path";
import { type Command, Option } from "commander";
import { readConfig } from "../config.ts";
import { Failure } from "../errors.ts";
import { openDataDirectory, PRIVATE_UMASK } from "../storage/data-directory.ts";
import { openDiskBlobs } from "../storage/disk-blobs.ts";
import { type Bucket, openBucket } from "../storage/s3/bucket.ts";
import { copyToBucket, copyToDisk } from "../storage/s3/copied-zips.ts";
import { probeBucket } from "../storage/s3/probe.ts";
import { JSON_OPTION } from "./options.ts";
import { printOne } from "./output.ts";
import { showProgress } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";

interface CopyWords {
  readonly to: "s3" | "disk";
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
    .description("copy all zips that the other place has not, beside a running server; nothing is removed")
    .addOption(new Option("--to <place>", "where they go").choices(["s3", "disk"]).makeOptionMandatory())
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
Into a bucket: set GOKURA_S3_* for this command, copy, start the server with the same settings, copy once more. Until
then the server finds in the data directory what is not yet in the bucket. Back: copy to the disk, start without them.
Example: gokura storage copy --to s3`,
    )
    .action(copy);
}

async function copy({ to, json = false }: CopyWords): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const { dataDirectory } = readConfig();
  await openDataDirectory(dataDirectory, true);
  const disk = await openDiskBlobs(join(dataDirectory, "blobs"));
  await withBucket(async (bucket) => {
    await probeBucket(bucket);
    const options = {
      signal: stopSignal(),
      told: ({ copied, bytes, present }: { copied: number; bytes: number; present: number }) =>
        showProgress(`${copied} copied (${Math.round(bytes / 1e6)} MB), ${present} there already`),
    };
    const report = await (to === "s3" ? copyToBucket(disk, bucket, options) : copyToDisk(bucket, disk, options));
    showProgress("", true);
    printOne({ to: to === "s3" ? bucket.name : join(dataDirectory, "blobs"), ...report }, json);
  });
}

async function withBucket(work: (bucket: Bucket) => Promise<void>): Promise<void> {
  const { bucket: settings } = readConfig();
  if (!settings)
    throw new Failure("invalid", "no bucket is set: GOKURA_S3_ENDPOINT and its relatives (docs/storage.md)");
  const bucket = openBucket(settings);
  try {
    await work(bucket);
  } finally {
    bucket.close();
  }
}
