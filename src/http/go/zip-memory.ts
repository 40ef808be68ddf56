// Zips that are read into memory whole, so that a hit is one write: a file costs a read, a copy and a turn of the loop for
// each piece. Whole zips in memory must be bounded, whoever asks for how many: so many bytes may be on the way from the disk
// or held by clients that are slow to take them; beyond that zips are streamed from the disk in pieces, as the large ones are.
import { createSingleFlight } from "../../concurrency/single-flight.ts";
import type { Blobs } from "../../storage/blobs.ts";

export class ZipMemory {
  readonly #maxBytes: number;
  /** What is being read, by key: many who ask at once share one read. */
  readonly #reading = createSingleFlight<string, Buffer>();
  /** Bytes that some client has not taken yet, and by how many. */
  readonly #held = new Map<Buffer, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** All bytes of a blob; undefined when there is no room for them. Throws not-found when there is no such blob. */
  async read(blobs: Blobs, key: string, size: number): Promise<Buffer | undefined> {
    if (this.#reading.underWay(key) === undefined && this.#bytes + size > this.#maxBytes) return undefined;
    return this.#reading.run(key, async () => {
      this.#bytes += size;
      try {
        return await blobs.read(key);
      } finally {
        this.#bytes -= size;
      }
    });
  }

  /** Says that a client has not taken all of these bytes yet; what it returns says that it has, or is gone. */
  hold(bytes: Buffer): () => void {
    const holders = this.#held.get(bytes) ?? 0;
    if (holders === 0) this.#bytes += bytes.length;
    this.#held.set(bytes, holders + 1);
    return () => {
      const left = this.#held.get(bytes)! - 1;
      if (left > 0) this.#held.set(bytes, left);
      else {
        this.#held.delete(bytes);
        this.#bytes -= bytes.length;
      }
    };
  }
}
