// What is opened when somebody first needs it: many servers are never asked for it, and it takes memory or time. All who ask share
// one opening. One that fails, because the machine had no file descriptor left or the disk did not answer, is no reason to fail for
// ever: whoever asks next tries again. (Node does so with import() as well.)

export interface OnDemand<T> {
  /** Opens it if need be. Who is told that it failed may ask again. */
  get(): Promise<T>;
  /** What is open or about to be; undefined: nobody needed it, or it failed. */
  opened(): Promise<T> | undefined;
}

export function onDemand<T>(open: () => Promise<T>): OnDemand<T> {
  let opened: Promise<T> | undefined;
  return {
    get() {
      if (opened) return opened;
      const opening = open();
      opened = opening;
      opening.catch(() => {
        opened = undefined;
      });
      return opening;
    },
    opened: () => opened,
  };
}
