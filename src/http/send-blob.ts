// A stored blob as an answer: streamed with backpressure, never whole in memory; HEAD, conditional requests and single
// ranges as RFC 9110 has them (13 and 14). A blob never changes, so its own sum is a strong validator.
import { pipeline } from "node:stream/promises";
import type { Context } from "koa";
import type { DiskBlobs } from "../storage/disk-blobs.ts";
import { matchesEtag } from "./hot-cache.ts";

export interface BlobAnswer {
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly sha256: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers with a blob. Resolves when all is sent or the client is gone. */
export async function sendBlob(ctx: Context, blobs: DiskBlobs, blob: BlobAnswer): Promise<void> {
  const etag = `"${blob.sha256}"`;
  ctx.set({ ...blob.headers, ETag: etag, "Accept-Ranges": "bytes" });
  const condition = ctx.get("If-None-Match");
  if (condition !== "" && matchesEtag(condition, etag)) {
    ctx.status = 304;
    return;
  }
  const range = rangeOf(ctx, blob.size, etag);
  if (range === "unsatisfiable") {
    ctx.body = null;
    ctx.status = 416; // after the body: without one Koa says 204
    ctx.set("Content-Range", `bytes */${blob.size}`);
    return;
  }
  ctx.status = range ? 206 : 200;
  if (range) ctx.set("Content-Range", `bytes ${range.start}-${range.end}/${blob.size}`);
  ctx.length = range ? range.end - range.start + 1 : blob.size;
  if (ctx.method === "HEAD") {
    ctx.respond = false;
    ctx.res.end();
    return;
  }
  const bytes = await blobs.open(blob.key, range);
  ctx.respond = false;
  await pipeline(bytes, ctx.res).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ERR_STREAM_PREMATURE_CLOSE" && error.code !== "ECONNRESET" && error.code !== "EPIPE")
      throw error;
  });
}

/** The one range that is asked for; undefined for the whole, also when several are asked for or If-Range does not fit. */
function rangeOf(
  ctx: Context,
  size: number,
  etag: string,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(ctx.get("Range"));
  const ifRange = ctx.get("If-Range");
  if (!match || (match[1] === "" && match[2] === "") || (ifRange !== "" && ifRange !== etag)) return undefined;
  const [, first = "", last = ""] = match;
  const start = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start > end || start >= size || (first === "" && Number(last) === 0) ? "unsatisfiable" : { start, end };
}
