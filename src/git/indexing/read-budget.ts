// How much is held of what is read for many tags at once. What a tag reads (a commit, trees, go.mod files) is small for
// almost all and may be megabytes for some, and nobody knows which before git has said the size. So many are read at a
// time, each takes room for every object before its bytes come, and one that finds none gives up what it has and is read
// again later. One that is alone is never turned away, so that there is always one that ends.

/** Thrown to a reader for whose next object there is no room. */
export class NoRoom extends Error {}

/** What one reader has taken. */
export interface ReaderRoom {
  /** Takes room for an object of so many bytes. Throws NoRoom where others are in the way. */
  take(bytes: number): void;
  /** Gives all of it back. */
  leave(): void;
}

export interface ReadingRoom {
  isFull(): boolean;
  enter(): ReaderRoom;
}

/** Room for so many bytes. */
export function createReadingRoom(maxBytes: number): ReadingRoom {
  let taken = 0;
  return {
    isFull: () => taken >= maxBytes,
    enter() {
      let own = 0;
      return {
        take(bytes) {
          const alone = taken === own;
          if (!alone && taken + bytes > maxBytes) throw new NoRoom();
          own += bytes;
          taken += bytes;
        },
        leave() {
          taken -= own;
          own = 0;
        },
      };
    },
  };
}
