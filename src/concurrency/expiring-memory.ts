// A memory of what is true for a while only. lru-cache looks at the time when it is asked for a key, so what nobody asks for
// again stays until so much has come that it is the oldest: for things that count for seconds, that is memory for nothing,
// and one that grows for hours. Here whatever has had its time is let go when something new comes, once in each such time: at
// most what has come within two of them is held. Without a timer, so that nothing holds a server that has stopped.
import { LRUCache } from "lru-cache";

/** Looking through is not worth while more often. */
const LEAST_PAUSE_MS = 1_000;

/** An LRUCache with a `ttl`, in milliseconds, that lets go of what is older. */
export class ExpiringMemory<K extends {}, V extends {}> extends LRUCache<K, V> {
  #lookedThrough = performance.now();

  constructor(options: LRUCache.Options<K, V, unknown> & { readonly ttl: number }) {
    super(options);
  }

  override set(key: K, value: V | undefined, options?: LRUCache.SetOptions<K, V, unknown>): this {
    const now = performance.now();
    if (now - this.#lookedThrough > Math.max(this.ttl, LEAST_PAUSE_MS)) {
      this.#lookedThrough = now;
      this.purgeStale();
    }
    return super.set(key, value, options);
  }
}
