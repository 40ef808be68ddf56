// Large objects, in parts: what one PUT may bring is bounded (5 GB at Amazon, far less behind many a proxy), and a connection
// that breaks costs one part. Nobody sees anything of it before the end: each part is signed with its SHA-256, which the
// server compares, and the parts become the object only when all of them together have the SHA-256 that was promised.
// Parts of an upload that never ended are nobody's; they cost room until they are given up.
// Source: Amazon S3 User Guide, "Uploading and copying objects using multipart upload"; "Prevent object overwrites with
// conditional writes".
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BucketAnswer, type PutObject, type Requests } from "./requests.ts";
import { xmlText, xmlTexts } from "./xml.ts";

/** No object may have more of them. */
const MAX_PARTS = 10_000;
/** An upload that is older and has not ended never will. */
export const ABANDONED_UPLOAD_MS = 24 * 3_600_000;

/** Puts an object in parts of so many bytes, or larger ones where there would be too many. */
export async function putInParts(
  requests: Requests,
  key: string,
  object: PutObject,
  partBytes: number,
): Promise<"stored" | "there"> {
  if (object.onlyNew && (await requests.sizeOf(key)) === object.size) return "there";
  const begun = await requests.ask({
    method: "POST",
    url: withQuery(requests.urlOf(key), { uploads: "" }),
    headers: { "content-type": "application/octet-stream" },
  });
  const id = xmlText(await requests.textOf(begun, 200), "UploadId");
  try {
    const tags = await sendParts(requests, key, id, object, Math.max(partBytes, Math.ceil(object.size / MAX_PARTS)));
    const done = await complete(requests, key, id, object, tags);
    if (done === "there") await abandon(requests, key, id);
    return done;
  } catch (error) {
    // What cannot be given up now is, in a day, by whoever looks for it.
    await abandon(requests, key, id).catch(() => {});
    throw error;
  }
}

/** Sends all parts, one after the other, and returns what the server calls them. */
async function sendParts(
  requests: Requests,
  key: string,
  id: string,
  { sha256, size, body }: PutObject,
  partBytes: number,
): Promise<string[]> {
  const whole = createHash("sha256");
  const tags: string[] = [];
  for (let start = 0; start < size; start += partBytes) {
    const range = { start, end: Math.min(start + partBytes, size) - 1 };
    const part = createHash("sha256");
    const content = body(range);
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      part.update(piece);
      whole.update(piece);
    }
    const answer = await requests.ask({
      method: "PUT",
      url: withQuery(requests.urlOf(key), { partNumber: String(tags.length + 1), uploadId: id }),
      headers: { "content-length": String(range.end - range.start + 1) },
      payload: part.digest("hex"),
      body: () => body(range),
    });
    await requests.textOf(answer, 200);
    tags.push(answer.headers.etag ?? "");
  }
  if (whole.digest("hex") !== sha256)
    throw requests.refused(new BucketAnswer(400, "XAmzContentSHA256Mismatch", "the parts are not what was promised"));
  return tags;
}

/** Makes the parts the object. */
async function complete(
  requests: Requests,
  key: string,
  id: string,
  { size, onlyNew }: PutObject,
  tags: readonly string[],
): Promise<"stored" | "there"> {
  const parts = tags.map(
    (tag, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${tag.replaceAll('"', "&quot;")}</ETag></Part>`,
  );
  const list = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
  const ask = (condition: Record<string, string>): Promise<IncomingMessage> =>
    requests.ask({
      method: "POST",
      url: withQuery(requests.urlOf(key), { uploadId: id }),
      headers: { "content-length": String(list.length), "content-type": "application/xml", ...condition },
      payload: createHash("sha256").update(list).digest("hex"),
      body: () => list,
    });
  let answer = await ask(onlyNew ? { "if-none-match": "*" } : {});
  // A server that has no conditions here writes the same bytes once more, if two do so at once.
  if (onlyNew && answer.statusCode === 501) {
    answer.resume();
    answer = await ask({});
  }
  const text = await requests.textOf(answer, 200, 404, 409, 412);
  // Amazon says 200 before it knows, and then what went wrong.
  const code = xmlText(text, "Code");
  if (answer.statusCode === 200 && code === "") return "stored";
  if (onlyNew && answer.statusCode === 412) return "there";
  // Another wrote the same at once, or our own words came through when their answer did not. Same key, same bytes.
  if ((await requests.sizeOf(key)) === size) return "there";
  throw requests.refused(new BucketAnswer(answer.statusCode!, code, xmlText(text, "Message")));
}

async function abandon(requests: Requests, key: string, id: string): Promise<void> {
  const url = withQuery(requests.urlOf(key), { uploadId: id });
  await requests.textOf(await requests.ask({ method: "DELETE", url }), 200, 204, 404);
}

/**
 * Gives up uploads below a prefix that were begun before a time, in milliseconds since 1970, and returns how many.
 * `bucket`: its URL; `prefix`: what keys of requests.urlOf() begin with in the bucket.
 */
export async function abandonUploads(
  requests: Requests,
  bucket: URL,
  prefix: string,
  begunBefore: number,
): Promise<number> {
  let abandoned = 0;
  let after: Record<string, string> | undefined = {};
  while (after) {
    const url = withQuery(bucket, { uploads: "", prefix, ...after });
    const page = await requests.textOf(await requests.ask({ method: "GET", url }), 200);
    for (const upload of xmlTexts(page, "Upload")) {
      if (!(Date.parse(xmlText(upload, "Initiated")) < begunBefore)) continue;
      await abandon(requests, xmlText(upload, "Key").slice(prefix.length), xmlText(upload, "UploadId"));
      abandoned++;
    }
    const next = xmlText(page, "NextKeyMarker");
    after =
      xmlText(page, "IsTruncated") === "true" && next !== ""
        ? { "key-marker": next, "upload-id-marker": xmlText(page, "NextUploadIdMarker") }
        : undefined;
  }
  return abandoned;
}

function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const asked = new URL(url);
  for (const [name, value] of Object.entries(query)) asked.searchParams.set(name, value);
  return asked;
}
