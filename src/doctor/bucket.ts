// The bucket that zips are in, if there is one: whether it can be reached, takes our key, and does what a store stands on.

import { type BucketPlace, openBucket } from "../storage/s3/bucket.ts";
import { probeBucket } from "../storage/s3/probe.ts";
import { type Finding, good, wrong } from "./finding.ts";

/** Writes, reads and removes a small object; undefined: zips are on the disk. */
export async function examineBucket(place: BucketPlace | undefined): Promise<Finding[]> {
  if (!place) return [good("zips", "in the data directory")];
  const bucket = openBucket(place);
  try {
    await probeBucket(bucket);
    return [good("zips", `in ${bucket.name}, which does what it must`)];
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? ` (${cause.message})` : "";
    return [wrong("zips", `${message}${why}`, "Are GOKURA_S3_* right, may the key do what docs/storage.md asks for?")];
  } finally {
    bucket.close();
  }
}
