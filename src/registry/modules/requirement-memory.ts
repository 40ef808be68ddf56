// What published go.mod files require, as it was read before: a module graph is read again and again, and reading a file
// takes longer than fetching it. A version that is stored never says anything else, and its number is never given again, so
// nothing has to be forgotten. Who may read a version is asked for every time (readable-by-name.ts).
import { LRUCache } from "lru-cache";
import type { RememberedRequirements } from "../registry.ts";

/** What a version takes beside its requirements, in requirements. */
const ENTRY = 3;
/** Requirements that are remembered, of about a hundred bytes each. */
const MAX_REQUIREMENTS = 100_000;

export function createRequirementMemory(): RememberedRequirements {
  return new LRUCache({
    maxSize: MAX_REQUIREMENTS,
    sizeCalculation: (read) => ENTRY + (typeof read === "string" ? 0 : read.requires.length),
  });
}
