// The repositories of this process, and the object readers that they share: a reader is a git process that is kept running
// (cat-file.ts), so there are only so many, and the one that was not used for longest makes way.
import { isAbsolute } from "node:path";
import { Failure } from "../../errors.ts";
import { CatFile } from "./cat-file.ts";
import { Repository } from "./repository.ts";

/** Repositories whose object reader is kept running. */
const MAX_OPEN_READERS = 32;

/** The repositories of this process: lends each its object reader from a bounded pool. Close it when done. */
export class Repositories {
  readonly #readers = new Map<string, CatFile>(); // least recently used first
  readonly #closing = new Set<Promise<void>>();
  readonly #maxReaders: number;
  readonly #idleMs: number | undefined;
  #closed = false;

  constructor(options: { maxReaders?: number; idleMs?: number } = {}) {
    this.#maxReaders = options.maxReaders ?? MAX_OPEN_READERS;
    this.#idleMs = options.idleMs;
  }

  /** The repository in an absolute directory. Costs nothing and checks nothing; keep it or make it anew, as you like. */
  at(directory: string): Repository {
    if (!isAbsolute(directory)) throw new TypeError("a repository directory is absolute");
    return new Repository(directory, () => this.#reader(directory));
  }

  /** Lets go of a repository that is about to be moved or deleted. */
  async forget(directory: string): Promise<void> {
    const reader = this.#readers.get(directory);
    this.#readers.delete(directory);
    await reader?.close();
  }

  /** Ends all object readers after what they still owe. Reading afterwards is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    const readers = [...this.#readers.values()];
    this.#readers.clear();
    await Promise.all([...readers.map((reader) => reader.close()), ...this.#closing]);
  }

  #reader(directory: string): CatFile {
    if (this.#closed) throw new Failure("unavailable", "the server is stopping", { reason: "server_stopping" });
    const reader =
      this.#readers.get(directory) ??
      new CatFile(directory, this.#idleMs === undefined ? {} : { idleMs: this.#idleMs });
    this.#readers.delete(directory);
    this.#readers.set(directory, reader);
    for (const [oldest, idle] of this.#readers) {
      if (this.#readers.size <= this.#maxReaders) break;
      this.#readers.delete(oldest);
      const closing = idle.retire().finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    return reader;
  }
}
