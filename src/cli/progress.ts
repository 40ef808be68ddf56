// What takes long says so, to people: after a second a line on the terminal tells what is waited for and for how long, and
// goes away when it is over. Where standard error is no terminal nothing is written.

const PATIENCE_MS = 1_000;

/** Does the work, and tells what it is while it lasts. */
export async function telling<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return work();
  const start = performance.now();
  let shown = false;
  const timer = setInterval(() => {
    shown = true;
    process.stderr.write(`\r${what} … ${Math.round((performance.now() - start) / 1000)} s\u001b[K`);
  }, PATIENCE_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (shown) process.stderr.write("\r\u001b[K");
  }
}

/** Shows on the terminal how far something is, in the place of what stood there; nothing where standard error is none. */
export function showProgress(text: string, isOver = false): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\u001b[K${isOver ? "\r\u001b[K" : ""}`);
}
