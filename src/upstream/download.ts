// One download of one zip. It goes to a scratch file, hashed on the way, and to everybody who waits for it as it arrives:
// they read the file behind the writer, in blocks, and whoever wants a block that another has just read has it from him: a
// hundred clients that keep up cost one read of each block, and none costs more than a block. No client's leaving ends it.
// What is sent before the zip has been judged is never the whole of it: the last bytes are held back until it is admitted
// and stored, and if it is not, the connections are cut. Small zips are held back entirely, and so get a proper answer.
import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { Failure, isFailure } from "../errors.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { MAX_ZIP_FILE } from "../gomod/module-zip.ts";
import { findUpstreamVersion, storeUpstreamPart } from "../registry/versions/upstream-modules.ts";
import { type MadeZip, zipKeyOf } from "../registry/versions/version-zip.ts";
import { storing } from "../storage/disk-blobs.ts";
import type { Absent } from "./absence.ts";
import { admitZip, Refused } from "./admission.ts";
import { ask, chunksOf, type DependencyProxy, type Found, lengthOf, pathOf, refuse } from "./asking.ts";
import { lookOrGet, ZIP_PATIENCE_MS } from "./download-lock.ts";
import type { FoundUpstream } from "./upstreams.ts";

/** Nothing is sent before so many bytes are here. */
const HEAD_START_BYTES = 1024 * 1024;
/** How many of the last bytes wait for the judgement: at least the end of the zip's directory, without which it is none. */
const HELD_BACK_BYTES = 64 * 1024;
/** What is read and sent at once. */
const BLOCK_BYTES = 256 * 1024;
/** The blocks that were read last, for those who come next. */
const KEPT_BLOCKS = 8;

/** How a download ends for everybody who waited. */
export type DownloadOutcome = StoredZip | Absent;

/** The zip of a version that is stored. */
export interface StoredZip {
  readonly kind: "stored";
  /** The version's number. */
  readonly id: number;
  readonly zip: MadeZip;
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
  /** Of how many bytes those who wait have been told. */
  #told = 0;
  readonly #blocks = new Map<number, Promise<Buffer>>();
  /** The whole length, if upstream has told it. */
  length: number | undefined;

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

  /** Writes a body to a scratch file and returns what it was. The file stays open for those who read it. */
  async receive(scratch: string, answer: FoundUpstream): Promise<{ file: FileHandle; sha256: string; size: number }> {
    const file = await storing(() => open(scratch, "wx+"));
    this.#file = file;
    this.length = lengthOf(answer.headers["content-length"], answer.headers["content-encoding"]);
    const sum = createHash("sha256");
    for await (const chunk of chunksOf(answer, MAX_ZIP_FILE)) {
      sum.update(chunk);
      await storing(() => file.writeFile(chunk));
      this.#written += chunk.length;
      if (this.#written >= HEAD_START_BYTES) this.#flow();
      if (this.#written - this.#told >= BLOCK_BYTES) this.#wake();
    }
    return { file, sha256: sum.digest("hex"), size: this.#written };
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
    this.#told = this.#written;
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

/** Begins the download of a zip, or waits for the process that has begun it. `goMod` gets the version's .mod. */
export function startDownload(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  rest: string,
  goMod: () => Promise<Found | Absent>,
): Download {
  const path = pathOf(modulePath, rest);
  const look = async (): Promise<DownloadOutcome | undefined> => {
    const stored = await findUpstreamVersion(proxy.registry, modulePath, version);
    if (!stored?.zip || !(await isThere(proxy, stored.zip))) return undefined;
    return { kind: "stored", id: stored.id, zip: stored.zip };
  };
  return new Download((download) =>
    lookOrGet(
      proxy.locks,
      path,
      look,
      async () => {
        // Both at once: the zip is judged by its .mod, and what comes from far away comes in one time instead of two.
        const described = goMod();
        described.catch(() => {}); // looked at when the zip has come so far
        const answer = await ask(proxy, modulePath, rest, MAX_ZIP_FILE);
        if (answer.kind === "absent") return answer;
        return receiveZip(proxy, download, { modulePath, version, path, answer, described });
      },
      ZIP_PATIENCE_MS,
    ),
  );
}

/** Whether the bytes of a stored zip are there: a disk may have been lost, or a server may have another one. */
function isThere({ registry }: DependencyProxy, zip: MadeZip): Promise<boolean> {
  return registry.blobs.has(zipKeyOf(zip));
}

interface ArrivingZip {
  readonly modulePath: ModulePath;
  readonly version: string;
  readonly path: string;
  readonly answer: FoundUpstream;
  readonly described: Promise<Found | Absent>;
}

async function receiveZip(
  proxy: DependencyProxy,
  download: Download,
  { modulePath, version, path, answer, described }: ArrivingZip,
): Promise<DownloadOutcome> {
  const { registry } = proxy;
  const scratch = registry.blobs.scratch();
  try {
    const { file, sha256, size } = await download.receive(scratch, answer);
    const mod = await described;
    if (mod.kind === "absent") return mod;
    const h1 = await admitZip(modulePath, version, file, size, mod.body);
    const zip: MadeZip = { h1, sha256, size };
    // First the bytes, then the row that promises them.
    await registry.blobs.adopt(scratch, zipKeyOf(zip));
    const stored = await storeUpstreamPart(registry, modulePath, version, { goMod: mod.body, zip });
    const pinned = stored.zip!;
    // Only if the blob of a pinned zip was lost can it differ: then the very same bytes are wanted back.
    if (pinned.h1 !== h1 || (pinned.sha256 !== sha256 && !(await isThere(proxy, pinned))))
      throw new Refused(`the zip is ${h1} (${sha256}), but ${pinned.h1} (${pinned.sha256}) is pinned`);
    return { kind: "stored", id: stored.id, zip: pinned };
  } catch (error) {
    if (error instanceof Refused) return await refuse(proxy, path, answer.upstream, error);
    if (!isFailure(error)) registry.log.error({ err: error, path }, "a download failed");
    throw error;
  } finally {
    answer.body.destroy();
    await rm(scratch, { force: true });
  }
}
