// Queries that a client sends once and then names by their SHA-256 (Apollo's "automatic persisted queries"): a page that
// asks the same long query again and again sends 64 characters. A name stands for a text and nothing else: who sends it is
// asked for the right to every answer, and what it costs is counted, as if the text had been sent. Only what was valid is
// kept, in memory and within bounds; a client whose query is not known (any more) is told so, and sends the text again.
import { LRUCache } from "lru-cache";

/** Of all texts together, in characters. */
const MAX_SIZE = 8 * 1024 * 1024;
/** From the last time that it was sent as a text. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** What Apollo Server keeps persisted queries in. */
export interface PersistedQueries {
  get(key: string): Promise<string | undefined>;
  set(key: string, text: string): Promise<void>;
  delete(key: string): Promise<boolean>;
}

/** An empty memory of queries. */
export function rememberQueries(): PersistedQueries {
  const texts = new LRUCache<string, string>({
    maxSize: MAX_SIZE,
    sizeCalculation: (text, key) => text.length + key.length,
    ttl: KEPT_MS,
  });
  return {
    get: async (key) => texts.get(key),
    set: async (key, text) => void texts.set(key, text),
    delete: async (key) => texts.delete(key),
  };
}
