// A copy of a cluster that runs, through the replication protocol, which needs no program beside the server: one tar of the
// data directory with the WAL that makes it whole, and a manifest with a sum for every file. What the database holds at the
// end is in it, everything or nothing of each transaction.
// Source: PostgreSQL, "Streaming Replication Protocol" (BASE_BACKUP); "Backup Manifest Format".
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { PassThrough, type Readable } from "node:stream";
import pg from "pg";
import { Failure } from "../errors.ts";

const COMMAND =
  "BASE_BACKUP (LABEL 'gokura backup', CHECKPOINT 'fast', WAL true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256')";
/** The messages of CopyData, by their first byte. */
const [ARCHIVE, MANIFEST, DATA] = ["n", "m", "d"].map((letter) => letter.charCodeAt(0));

interface CopyConnection {
  query(text: string): void;
  readonly stream: { pause(): void; resume(): void };
}

/**
 * Copies the cluster behind a URL, whose role needs REPLICATION: `take` gets the tar and reads it to its end, and the manifest
 * is written to a file and synced. Throws a Failure when the server lets nobody copy it.
 */
export async function copyCluster(
  url: string,
  take: (tar: Readable) => Promise<void>,
  manifest: string,
): Promise<void> {
  const client = new pg.Client({ connectionString: url, replication: "true" } as pg.ClientConfig);
  client.on("error", () => {}); // told by the query
  try {
    await client.connect();
    const tar = new PassThrough();
    const list = createWriteStream(manifest, { mode: 0o600, flush: true });
    const written = Promise.all([take(tar), once(list, "close")]);
    // Whoever takes it and fails shall not leave the server waiting.
    written.catch((error: Error) => tar.destroy(error));
    const failed = Promise.withResolvers<never>();
    tar.once("error", failed.reject);
    failed.promise.catch(() => {}); // told by who failed
    try {
      await Promise.race([copyOut(client, tar, list), failed.promise]);
    } finally {
      tar.end();
      list.end();
    }
    await written;
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
