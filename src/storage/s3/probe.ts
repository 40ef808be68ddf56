// What a server is asked before anything is entrusted to it. Many speak S3 and leave out what a store of blobs stands on: that
// two who write one key do not both believe that they were first, that a body is compared with the sum that we signed, that
// a part can be read. Such a server is refused at the start, with the sentence why, and not when something is lost.
import { createHash, randomBytes } from "node:crypto";
import { Failure, isFailure } from "../../errors.ts";
import type { Bucket } from "./bucket.ts";
import { BucketAnswer } from "./requests.ts";

/** Writes, reads and removes a small object in the bucket. Throws a Failure that says what the server does wrong. */
export async function probeBucket(bucket: Bucket): Promise<void> {
  const key = `probe/${randomBytes(8).toString("hex")}`;
  const body = randomBytes(64);
  const sum = createHash("sha256").update(body).digest("hex");
  const wrong = createHash("sha256").update("something else").digest("hex");
  const put = (sha256: string, onlyNew: boolean): Promise<"stored" | "there"> =>
    bucket.put(key, { sha256, size: body.length, body: () => body, onlyNew });
  try {
    await put(sum, true);
    if ((await put(sum, true)) !== "there")
      throw unfit(bucket, "it writes over an object although we ask it not to (If-None-Match)");
    if (await isAccepted(put(wrong, false)))
      throw unfit(bucket, "it takes bytes that have not the SHA-256 that we sign (x-amz-content-sha256)");
    const whole = await contentOf(bucket, key);
    if (whole?.equals(body) !== true) throw unfit(bucket, "it gives other bytes than it was given");
    const part = await contentOf(bucket, key, { start: 1, end: 3 });
    if (part?.equals(body.subarray(1, 4)) !== true) throw unfit(bucket, "it does not give a part of an object (Range)");
    if ((await bucket.head(key))?.size !== body.length) throw unfit(bucket, "it does not tell the size of an object");
    const listed: string[] = [];
    for await (const one of bucket.list("probe")) listed.push(one.key);
    if (!listed.includes(key)) throw unfit(bucket, "it does not list an object");
  } finally {
    await bucket.remove(key).catch(() => {});
  }
  if ((await bucket.head(key)) !== undefined) throw unfit(bucket, "it does not remove an object");
}

async function contentOf(
  bucket: Bucket,
  key: string,
  range?: { readonly start: number; readonly end: number },
): Promise<Buffer | undefined> {
  const body = await bucket.get(key, range).catch((error: unknown) => {
    // It answers, but with something else than was asked for.
    if (error instanceof Failure && error.cause instanceof BucketAnswer && error.cause.status < 300) return undefined;
    throw error;
  });
  return body && Buffer.concat(await body.toArray());
}

/** Whether something is done; refused is false, and a server that cannot be reached throws. */
async function isAccepted(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (isFailure(error) && error.cause instanceof BucketAnswer && error.cause.status < 500) return false;
    throw error;
  }
}

function unfit(bucket: Bucket, why: string): Failure {
  return new Failure(
    "unavailable",
    `${bucket.name} cannot hold blobs: ${why}. Choose another server (docs/storage.md)`,
    {
      reason: "storage_unavailable",
      mustAct: true,
    },
  );
}
