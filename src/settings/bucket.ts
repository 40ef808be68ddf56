// GOKURA_S3_*: the bucket that holds the zips, if they are not to be on the server's disk.

import { Failure } from "../errors.ts";
import type { BucketPlace } from "../storage/s3/bucket.ts";
import { parseUrl } from "./addresses.ts";

/** The bucket, and how it is used. */
export interface BucketSettings extends BucketPlace {
  /** Whether clients are sent to the bucket for zips. */
  readonly redirect: boolean;
  /** How much of it is kept on the local disk, in bytes. */
  readonly cacheBytes: number;
}

/** A server of buckets, and who we are there. */
export type BackupServer = Omit<BucketPlace, "bucket" | "prefix">;

/** Names of buckets that every kind of server takes (Amazon S3, "Bucket naming rules"). */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*\/?$/;

/** What the settings name together; undefined: no bucket. Adds to the mistakes what is missing. */
export function bucketOf(
  get: (name: string) => string | undefined,
  rest: Pick<BucketSettings, "caFile" | "partBytes" | "redirect" | "cacheBytes"> & {
    readonly pathStyle: boolean | undefined;
  },
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

/** The server of buckets for backups; undefined: none is named. What is not said of it is as for the bucket of the zips. */
export function backupServerOf(
  get: (name: string) => string | undefined,
  zips: BucketSettings | undefined,
  partBytes: number,
  mistakes: string[],
): BackupServer | undefined {
  const named = get("GOKURA_BACKUP_S3_ENDPOINT");
  const endpoint = named === undefined ? zips?.endpoint : parsedEndpoint(named, mistakes, "GOKURA_BACKUP_S3_ENDPOINT");
  if (endpoint === undefined) return undefined;
  const accessKeyId = get("GOKURA_BACKUP_S3_ACCESS_KEY_ID") ?? zips?.accessKeyId;
  const secretAccessKey = get("GOKURA_BACKUP_S3_SECRET_ACCESS_KEY") ?? zips?.secretAccessKey;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    mistakes.push(
      "GOKURA_BACKUP_S3_ACCESS_KEY_ID and GOKURA_BACKUP_S3_SECRET_ACCESS_KEY are needed for GOKURA_BACKUP_S3_ENDPOINT",
    );
    return undefined;
  }
  const region = get("GOKURA_BACKUP_S3_REGION") ?? zips?.region ?? "us-east-1";
  const pathStyle = !/\.amazonaws\.com(?:\.cn)?$/.test(endpoint);
  return { endpoint, accessKeyId, secretAccessKey, region, pathStyle, caFile: zips?.caFile, partBytes };
}

/** The bucket and the prefix of s3://BUCKET/PREFIX; undefined: the text is a directory. Throws invalid for what is neither. */
export function bucketInUrl(text: string): Pick<BucketPlace, "bucket" | "prefix"> | undefined {
  if (!/^s3:\/\//i.test(text)) return undefined;
  const [, bucket = "", rest = ""] = /^s3:\/\/([^/]+)\/?(.*)$/i.exec(text) ?? [];
  const prefix = rest.replace(/\/$/, "");
  if (!BUCKET.test(bucket) || (prefix !== "" && !PREFIX.test(prefix)))
    throw new Failure("invalid", `${text} is not like s3://bucket/prefix`);
  return { bucket, prefix: prefix === "" ? "" : `${prefix}/` };
}

function parsedEndpoint(text: string, mistakes: string[], name = "GOKURA_S3_ENDPOINT"): string {
  try {
    return parseUrl(text);
  } catch (error) {
    mistakes.push(`${name}: ${(error as Error).message}`);
    return text;
  }
}
