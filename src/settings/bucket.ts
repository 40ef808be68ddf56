// GOKURA_S3_*: the bucket that holds the zips, if they are not to be on the server's disk.

import type { BucketPlace } from "../storage/s3/bucket.ts";
import { parseUrl } from "./addresses.ts";

/** The bucket, and how it is used. */
export interface BucketSettings extends BucketPlace {
  /** Whether clients are sent to the bucket for zips. */
  readonly redirect: boolean;
  /** How much of it is kept on the local disk, in bytes. */
  readonly cacheBytes: number;
}

/** Names of buckets that every kind of server takes (Amazon S3, "Bucket naming rules"). */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*\/?$/;

/** What the settings name together; undefined: no bucket. Adds to the mistakes what is missing. */
export function bucketOf(
  get: (name: string) => string | undefined,
  rest: Pick<BucketSettings, "caFile" | "redirect" | "cacheBytes"> & { readonly pathStyle: boolean | undefined },
  mistakes: string[],
): BucketSettings | undefined {
  const needed = ["ENDPOINT", "BUCKET", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"].map((name) => `GOKURA_S3_${name}`);
  const values = needed.map(get);
  if (values.every((value) => value === undefined)) {
    if (get("GOKURA_S3_PREFIX") !== undefined || get("GOKURA_S3_REGION") !== undefined || rest.redirect)
      mistakes.push("GOKURA_S3_*: set GOKURA_S3_ENDPOINT and GOKURA_S3_BUCKET too, or none of them");
    return undefined;
  }
  for (const [index, name] of needed.entries())
    if (values[index] === undefined) mistakes.push(`${name} is missing: a bucket needs ${needed.join(", ")}`);
  const [endpoint = "", bucket = "", accessKeyId = "", secretAccessKey = ""] = values;
  if (bucket !== "" && !BUCKET.test(bucket)) mistakes.push(`GOKURA_S3_BUCKET: "${bucket}" is no name of a bucket`);
  const prefix = get("GOKURA_S3_PREFIX") ?? "";
  if (prefix !== "" && !PREFIX.test(prefix))
    mistakes.push(`GOKURA_S3_PREFIX: "${prefix}" is not like gokura or teams/go, without a slash before it`);
  return {
    ...{ bucket, accessKeyId, secretAccessKey, ...rest },
    endpoint: endpoint === "" ? "" : parsedEndpoint(endpoint, mistakes),
    prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`,
    region: get("GOKURA_S3_REGION") ?? "us-east-1",
    // Amazon wants the bucket in the name, and nearly everybody else in the path.
    pathStyle: rest.pathStyle ?? !/\.amazonaws\.com(?:\.cn)?$/.test(endpoint),
  };
}

function parsedEndpoint(text: string, mistakes: string[]): string {
  try {
    return parseUrl(text);
  } catch (error) {
    mistakes.push(`GOKURA_S3_ENDPOINT: ${(error as Error).message}`);
    return text;
  }
}
