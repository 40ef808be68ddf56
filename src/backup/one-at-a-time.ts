// Two backups into one place would take away from each other what they count on: each removes, when it is done, what it does not
// need itself. So the second is refused. What says that one is under way is a lock in the database that is saved, held by a
// connection: it is gone with the process, however that ends, and is seen from other machines too.
import { realpath } from "node:fs/promises";
import { openLocks } from "../database/locks.ts";
import { Failure } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";
import { makeDirectory } from "../storage/durable-files.ts";
import type { BucketPlace } from "../storage/s3/bucket.ts";

/** What is locked for a directory, which is made if need be: whatever way leads there. */
export async function directoryOfBackups(directory: string): Promise<string> {
  await makeDirectory(directory, 0o700);
  return await realpath(directory);
}

/** What is locked for a bucket. */
export function bucketOfBackups({
  endpoint,
  bucket,
  prefix,
}: Pick<BucketPlace, "endpoint" | "bucket" | "prefix">): string {
  return `${endpoint}/${bucket}/${prefix}`;
}

/** Works while no other backup of this database goes to the place. Throws conflict, and does nothing, when one does. */
export async function oneAtATime<T>(
  { log }: Pick<Registry, "log">,
  databaseUrl: string,
  place: string,
  work: () => Promise<T>,
): Promise<T> {
  const locks = openLocks(databaseUrl, log);
  try {
    if (!(await locks.tryLock(`backup ${place}`)))
      throw new Failure(
        "conflict",
        `another backup to ${place} is under way: wait until it has ended, or end it; what it has copied so far is not copied again`,
      );
    return await work();
  } finally {
    await locks.close();
  }
}
