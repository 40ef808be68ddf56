// Clients that fetch one published version again and again at some of the servers, and look at every byte: what fails and what
// is wrong is counted by what was asked.
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ADMIN_TOKEN } from "../faults/server.ts";

export interface Load {
  /** The servers that are asked, as a balancer knows them. */
  readonly targets: Set<string>;
  readonly counts: { answered: number; failed: number; wrong: number };
  /** What failed, the first of it. */
  readonly failures: string[];
  stop(): Promise<void>;
}

/** So many clients begin to ask for paths; what each has to be is what the first target says now. */
export async function beginLoad(urls: readonly string[], paths: readonly string[], clients: number): Promise<Load> {
  const targets = new Set(urls);
  const counts = { answered: 0, failed: 0, wrong: 0 };
  const failures: string[] = [];
  const right = new Map<string, string>();
  for (const path of paths) {
    const { status, digest } = await get(urls[0]!, path);
    if (status !== 200) throw new Error(`${path}: ${status}`);
    right.set(path, digest);
  }
  let stopping = false;
  const ask = async (): Promise<void> => {
    for (let n = 0; !stopping; n++) {
      const all = [...targets];
      const url = all[n % all.length]!;
      const path = paths[n % paths.length]!;
      try {
        const { status, digest } = await get(url, path);
        if (status !== 200) throw new Error(String(status));
        if (digest === right.get(path)) counts.answered++;
        else counts.wrong++;
      } catch (error) {
        counts.failed++;
        if (failures.length < 20) failures.push(`${url}${path}: ${(error as Error).cause ?? (error as Error).message}`);
      }
      await delay(5);
    }
  };
  const asking = Array.from({ length: clients }, ask);
  return {
    targets,
    counts,
    failures,
    async stop() {
      stopping = true;
      await Promise.all(asking);
    },
  };
}

async function get(url: string, path: string): Promise<{ status: number; digest: string }> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, digest: createHash("sha256").update(bytes).digest("hex") };
}
