// One download of one zip. It goes to a scratch file, hashed on the way, and to everybody who waits for it as it arrives:
// they read the file behind the writer, in blocks, and whoever wants a block that another has just read has it from him: a
// hundred clients that keep up cost one read of each block, and none costs more than a block. No client's leaving ends it.
// What is sent before the zip has been judged is never the whole of it: the last bytes are held back until it is admitted
// and stored, and if it is not, the connections are cut. Small zips are held back entirely, and so get a proper answer; they
// need no file to wait in, and are judged where they are, in memory.
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { noteStreamed } from "../concurrency/streamed-garbage.ts";
import { Failure } from "../errors.ts";
import { MAX_ZIP_FILE } from "../gomod/module-zip.ts";
import type { MadeZip } from "../registry/versions/version-zip.ts";
import { storing } from "../storage/disk-blobs.ts";
import type { ZipSource } from "../storage/zip-reader.ts";
import type { Absent } from "./answers.ts";
import { chunksOf, lengthOf } from "./bounded-body.ts";
import type { FoundUpstream } from "./upstream-client.ts";

/** Nothing is sent before so many bytes are here, nor written. */
const HEAD_START_BYTES = 1024 * 1024;
/** How many of the last bytes wait for the judgement: at least the end of the zip's directory, without which it is none. */
const HELD_BACK_BYTES = 64 * 1024;
/** What is read and sent at once. */
const BLOCK_BYTES = 256 * 1024;
/** The blocks that were read last, for those who come next. */
const KEPT_BLOCKS = 4;

/** How a download ends for everybody who waited. */
export type DownloadOutcome = StoredZip | Absent;

/** The zip of a version that is stored. */
export interface StoredZip {
  readonly kind: "stored";
  /** The version's number. */
  readonly id: number;
  readonly zip: MadeZip;
  /** Whether a list of the module is kept that does not have the version. */
  readonly unlisted?: boolean;
}

/** A zip that came whole. */
export interface ReceivedZip {
  readonly bytes: ZipSource;
  readonly sha256: string;
  readonly size: number;
}

export class Download {
  /** Rejects with a Failure when upstream could not be asked. */
  readonly outcome: Promise<DownloadOutcome>;
  /** Resolves when there is something to read, if there ever is before the end. */
  readonly flowing: Promise<void>;
  #flow: () => void = () => {};
  #step = Promise.withResolvers<void>();
  #state: "arriving" | "complete" | "failed" = "arriving";
  #file: FileHandle | undefined;
  #written = 0;
  #readers = 0;
  readonly #blocks = new Map<number, Promise<Buffer>>();
  /** The whole length, if upstream has told it. */
  length: number | undefined;
  /** All bytes of a small zip that is stored now. */
  whole: Buffer | undefined;

  constructor(run: (download: Download) => Promise<DownloadOutcome>) {
    this.flowing = new Promise((resolve) => {
      this.#flow = resolve;
    });
    this.outcome = run(this).then(
      (outcome) => this.#end(outcome.kind === "stored" ? "complete" : "failed", outcome),
      (error: unknown) => {
        this.#end("failed", undefined);
        throw error;
      },
    );
    this.outcome.catch(() => {}); // whoever asked may be gone
  }

  /**
   * Reads a body to its end and returns what it was: a small one is in memory, a larger one in the scratch file, which stays
   * open for those who read it.
   */
  async receive(scratch: string, answer: FoundUpstream): Promise<ReceivedZip> {
    this.length = lengthOf(answer.headers["content-length"], answer.headers["content-encoding"]);
    const sum = createHash("sha256");
    let waiting: Buffer[] = [];
    let size = 0;
    for await (const chunk of chunksOf(answer, MAX_ZIP_FILE)) {
      sum.update(chunk);
      waiting.push(chunk);
      size += chunk.length;
      const enough = this.#file ? BLOCK_BYTES : HEAD_START_BYTES;
      if (size - this.#written < enough) continue;
      await this.#write(scratch, waiting);
      waiting = [];
      this.#flow();
      this.#wake();
    }
    const sha256 = sum.digest("hex");
    if (!this.#file) return { bytes: Buffer.concat(waiting, size), sha256, size };
    if (waiting.length > 0) await this.#write(scratch, waiting);
    return { bytes: this.#file, sha256, size };
  }

  async #write(scratch: string, chunks: readonly Buffer[]): Promise<void> {
    await storing(async () => {
      this.#file ??= await open(scratch, "wx+");
      await writeAll(this.#file, chunks);
    });
    for (const chunk of chunks) this.#written += chunk.length;
  }

  /** The bytes, as they come. Throws if the zip turns out not to be one that may be had. */
  async *bytes(): AsyncGenerator<Buffer, void, undefined> {
    this.#readers++;
    try {
      for (let at = 0; ; ) {
        const step = this.#step.promise; // before the look, so that nothing is missed
        const isComplete = this.#state === "complete";
        const whole = (isComplete ? this.#written : this.#written - HELD_BACK_BYTES) - at;
        // Only at the end is a block not a whole one.
        if (whole >= BLOCK_BYTES || (isComplete && whole > 0)) {
          const block = await this.#block(at, Math.min(BLOCK_BYTES, whole));
          at += block.length;
          yield block;
        } else if (this.#state === "complete") return;
        else if (this.#state === "failed") throw new Failure("unavailable", "the download came to nothing");
        else await step;
      }
    } finally {
      this.#readers--;
      this.#closeIfUnused();
    }
  }

  /** A block: read, unless another has just read it. */
  #block(start: number, length: number): Promise<Buffer> {
    const known = this.#blocks.get(start);
    if (known !== undefined) return known;
    const reading = this.#read(start, length);
    this.#blocks.set(start, reading);
    reading.catch(() => this.#blocks.delete(start));
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= KEPT_BLOCKS) break;
      this.#blocks.delete(oldest);
    }
    return reading;
  }

  async #read(start: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    noteStreamed(length);
    let size = 0;
    while (size < length) {
      const { bytesRead } = await this.#file!.read(buffer, size, length - size, start + size);
      if (bytesRead === 0) throw new Error("a scratch file is shorter than what was written to it");
      size += bytesRead;
    }
    return buffer;
  }

  #end<T>(state: "complete" | "failed", outcome: T): T {
    this.#state = state;
    this.#wake();
    // Whoever has just been told that it flows begins to read in this very turn.
    setImmediate(() => this.#closeIfUnused());
    return outcome;
  }

  #wake(): void {
    this.#step.resolve();
    this.#step = Promise.withResolvers();
  }

  #closeIfUnused(): void {
    if (this.#state === "arriving" || this.#readers > 0) return;
    const file = this.#file;
    this.#file = undefined;
    this.#blocks.clear();
    file?.close().catch(() => {});
  }

  /** Whether it can still be read as it arrives. */
  get readable(): boolean {
    return this.#file !== undefined && this.#state !== "failed";
  }
}

/** Writes at the end of what was written. The system may take less than it is given. */
async function writeAll(file: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  const { bytesWritten } = await file.writev(chunks);
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  if (bytesWritten < size) await file.writeFile(Buffer.concat(chunks).subarray(bytesWritten));
}
