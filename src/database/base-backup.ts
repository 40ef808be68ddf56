// A copy of a cluster that runs, through the replication protocol, which needs no program beside the server: one tar of the
// data directory with the WAL that makes it whole, and a manifest with a sum for every file. What the database holds at the
// end is in it, everything or nothing of each transaction.
// Source: PostgreSQL, "Streaming Replication Protocol" (BASE_BACKUP); "Backup Manifest Format".
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import pg from "pg";
import { Failure } from "../errors.ts";

const COMMAND =
  "BASE_BACKUP (LABEL 'gokura backup', CHECKPOINT 'fast', WAL true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256')";
/** Fast: what is in a cluster compresses well, and the disk is the slower one. */
const GZIP_LEVEL = 1;

/** The messages of CopyData, by their first byte. */
const [ARCHIVE, MANIFEST, DATA] = ["n", "m", "d"].map((letter) => letter.charCodeAt(0));

interface CopyConnection {
  query(text: string): void;
  readonly stream: { pause(): void; resume(): void };
}

/**
 * Writes base.tar.gz and the manifest of the cluster behind a URL, whose role needs REPLICATION, and syncs both. Throws a
 * Failure when the server lets nobody copy it.
 */
export async function writeBaseBackup(url: string, archive: string, manifest: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, replication: "true" } as pg.ClientConfig);
  client.on("error", () => {}); // told by the query
  try {
    await client.connect();
    const tar = new PassThrough();
    const list = createWriteStream(manifest, { mode: 0o600 });
    const written = Promise.all([
      pipeline(tar, createGzip({ level: GZIP_LEVEL }), createWriteStream(archive, { mode: 0o600 })),
      once(list, "close"),
    ]);
    written.catch(() => {}); // told below
    try {
      await copyOut(client, tar, list);
    } finally {
      tar.end();
      list.end();
    }
    await written;
    for (const path of [archive, manifest]) await sync(path);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // 55000 object_not_in_prerequisite_state, 53300 too_many_connections: a server of before this release.
    if (code === "55000" || code === "53300" || /wal_level|max_wal_senders|WAL sender/.test(message))
      throw new Failure(
        "unavailable",
        `the database cannot be copied while it runs (${message}): start the server again once, which switches that on`,
        { cause: error },
      );
    throw error;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Runs the command; the pieces go where they belong, as fast as they are taken there. */
function copyOut(client: pg.Client, tar: PassThrough, list: WriteStream): Promise<void> {
  return new Promise((done, fail) => {
    let sink: PassThrough | WriteStream | undefined;
    let failed: Error | undefined;
    let waiting = false; // what has been read from the socket already comes all the same
    const query = {
      submit(connection: CopyConnection) {
        connection.query(COMMAND);
      },
      handleCopyData({ chunk }: { readonly chunk: Buffer }, connection: CopyConnection) {
        const kind = chunk[0];
        if (kind === ARCHIVE) sink = tar;
        else if (kind === MANIFEST) sink = list;
        else if (kind === DATA && sink && !failed) {
          // A copy: pg uses its buffer again.
          if (sink.write(Buffer.from(chunk.subarray(1))) || waiting) return;
          waiting = true;
          connection.stream.pause();
          sink.once("drain", () => {
            waiting = false;
            connection.stream.resume();
          });
        }
      },
      handleRowDescription() {},
      handleDataRow() {},
      handleCommandComplete() {},
      handlePortalSuspended() {},
      handleEmptyQuery() {},
      handleCopyInResponse() {},
      handleError(error: Error) {
        failed = error;
        fail(error);
      },
      handleReadyForQuery() {
        if (!failed) done();
      },
    };
    client.query(query as unknown as pg.Submittable);
    client.once("end", () => fail(new Failure("unavailable", "the database ended while it was copied")));
  });
}

async function sync(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
