// How often others have their turn while something is done. Counted, not timed: a busy machine is slow, but takes no turn
// away.

/** How many turns the event loop made until the work was done; 0 if it held the loop from its beginning to its end. */
export async function loopTurnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let next = setImmediate(function count() {
    turns++;
    next = setImmediate(count);
  });
  try {
    await work();
  } finally {
    clearImmediate(next);
  }
  return turns;
}
