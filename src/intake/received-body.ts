// The body of an upload on its way into a scratch file: bounded in bytes, summed while it comes, and at a pace that is the
// client's to keep. What is cut on its way leaves nothing.
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { Failure } from "../errors.ts";
import { clientPace } from "../git/protocol/client-pace.ts";
import { storing } from "../storage/disk-blobs.ts";

/** A body that came whole. */
export interface ReceivedBody {
  readonly size: number;
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes a body to a path at which nothing is. Throws too-large at the first byte too many, and the stream's error when it is
 * cut; then nothing is left there. The stream is not destroyed by that, so that an answer can still be sent.
 */
export async function receiveBody(body: Readable, path: string, maxBytes: number): Promise<ReceivedBody> {
  const pace = clientPace(() => body.destroy(new Error("the client sends too slowly")));
  const chunks: AsyncIterator<Buffer, void> = body.iterator({ destroyOnReturn: false });
  const digest = createHash("sha256");
  let size = 0;
  const handle = await open(path, "wx");
  try {
    for (;;) {
      const next = await pace.wait(chunks.next(), ({ value }) => value?.length ?? 0);
      if (next.done) break;
      size += next.value.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      digest.update(next.value);
      await storing(() => handle.writeFile(next.value as Buffer));
    }
    await handle.close();
    return { size, sha256: digest.digest("hex") };
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(path, { force: true });
    throw error;
  }
}

/** The failure of an upload that has more bytes than it may. */
export function tooLarge(maxBytes: number): Failure {
  return new Failure("too-large", `an upload has at most ${maxBytes} bytes here`);
}
