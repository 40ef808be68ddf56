// When a token was last used, to the minute. Noting it costs a hit nothing but an entry in a set; the database hears of it
// once a minute and at the end. The first use of all is written down at once: whoever made a token looks whether it arrived.
import type pg from "pg";
import type { Log } from "../../telemetry/log.ts";
import type { NotedTokens } from "../registry.ts";

const WRITE_EVERY_MS = 60_000;

export class TokenUse implements NotedTokens {
  readonly #pool: pg.Pool;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #used = new Set<number>();
  readonly #never = new Set<number>();

  constructor(pool: pg.Pool, log: Log) {
    this.#pool = pool;
    this.#log = log;
    this.#timer = setInterval(() => void this.write(), WRITE_EVERY_MS).unref();
  }

  /** Notes that a token opened something just now. */
  add(tokenId: number): void {
    this.#used.add(tokenId);
  }

  /** Remembers that a token was never used before. */
  neverUsed(tokenId: number): void {
    this.#never.add(tokenId);
  }

  /** Writes down that a token opened something for the first time; nothing for one that was used before. */
  writeFirst(tokenId: number): Promise<void> | undefined {
    return this.#never.delete(tokenId) ? this.write() : undefined;
  }

  /** Writes down what was noted. A failure loses these times and nothing else. */
  async write(): Promise<void> {
    if (this.#used.size === 0) return;
    const ids = [...this.#used];
    this.#used = new Set();
    await this.#pool
      .query("UPDATE token SET last_used_at = now() WHERE id = ANY($1)", [ids])
      .catch((error) => this.#log.warn({ err: error }, "could not write down when tokens were used"));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }
}
