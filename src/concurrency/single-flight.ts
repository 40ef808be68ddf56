// Work that is done once for all who ask for it while it goes on: they share its answer, or its failure, and whoever comes
// afterwards has it done anew (golang.org/x/sync/singleflight). It is no cache: nothing is kept when the work is over.

/** Work under way, by what it is about. `V`: what all of it is; a single piece may be more. */
export interface SingleFlight<K, V = unknown> {
  /** Joins the work that is under way, else begins it. Who has stopped waiting for it need not look at its failure. */
  run<T extends V>(key: K, work: () => Promise<T>): Promise<T>;
  /** The work that is under way; undefined: none. */
  underWay(key: K): Promise<V> | undefined;
  /** All that is under way. */
  all(): Promise<V>[];
}

export function createSingleFlight<K, V = unknown>(): SingleFlight<K, V> {
  const running = new Map<K, Promise<V>>();
  return {
    run<T extends V>(key: K, work: () => Promise<T>): Promise<T> {
      const known = running.get(key);
      if (known !== undefined) return known as Promise<T>; // of one key all ask for the same
      const begun = work().finally(() => running.delete(key));
      begun.catch(() => {}); // whoever asked may be gone
      running.set(key, begun);
      return begun;
    },
    underWay: (key) => running.get(key),
    all: () => [...running.values()],
  };
}
