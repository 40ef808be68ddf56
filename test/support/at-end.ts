// What a test file makes goes away when the file is through, in the opposite order. vitest's own afterAll does nothing when
// it is called inside a test or a hook, and that is where most things are made.

const closers: (() => unknown)[] = [];
/** What commands that run here narrow (cli/with-registry.ts), and the next file begins with. */
const umask = process.umask();

/** Has something done after all tests of the file, whatever became of them. */
export function atEnd(closer: () => unknown): void {
  closers.push(closer);
}

/**
 * Takes everything out of an object. The modules of test files stay in memory with what they hold, as long as the process, and
 * that starts many others: the larger it is, the longer each start takes.
 */
export function empty(object: object): void {
  for (const name of Object.keys(object)) Reflect.deleteProperty(object, name);
}

/** Does what is to be done at the end of a file, all of it, and throws the first error. For file-end.ts alone. */
export async function doWhatIsLeft(): Promise<void> {
  process.umask(umask);
  const failures: unknown[] = [];
  for (const closer of closers.splice(0).reverse()) {
    try {
      await closer();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
