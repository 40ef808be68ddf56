// How much is held of what is read for many tags at once. What a tag reads (a commit, trees, go.mod files) is small for
// almost all and may be megabytes for some, and nobody knows which before git has said the size. So many bytes are a budget:
// each reader takes its share of it for every object before its bytes come, and one for whom too little is left gives up what
// it has and is read again later. One that is alone is never turned away, so that there is always one that ends.

/** Thrown to a reader for whose next object too little is left. */
export class BudgetSpent extends Error {}

/** What one reader has taken. */
export interface ReaderShare {
  /** Takes the bytes of an object. Throws BudgetSpent where others hold too much. */
  take(bytes: number): void;
  /** Gives all of them back. */
  giveBack(): void;
}

export interface ReadBudget {
  isSpent(): boolean;
  /** A share for one more reader, which has taken nothing yet. */
  share(): ReaderShare;
}

/** A budget of so many bytes. */
export function createReadBudget(maxBytes: number): ReadBudget {
  let taken = 0;
  return {
    isSpent: () => taken >= maxBytes,
    share() {
      let own = 0;
      return {
        take(bytes) {
          const alone = taken === own;
          if (!alone && taken + bytes > maxBytes) throw new BudgetSpent();
          own += bytes;
          taken += bytes;
        },
        giveBack() {
          taken -= own;
          own = 0;
        },
      };
    },
  };
}
