// How much work something is, in processor time of this process: a busy machine makes everything slow, but not more.

/** Milliseconds of processor time, user and system, that a function took. */
export function processorMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
