// How much work something is, in processor time of this process: a busy machine makes everything slow, but not more.

/** Milliseconds of processor time, user and system, that a function took. */
export function processorMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  return since(before);
}

/** The processor time in milliseconds until a promise is kept, with all that the process did meanwhile. */
export async function processorMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  return since(before);
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
