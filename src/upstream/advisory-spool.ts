// Advisories on their way into the database: a feed is taken over as a whole or not at all, and one of 100,000 is a gigabyte
// in memory. So what was read of it lies in a file that has no name any more, which goes with the process whatever happens.
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdvisoryText } from "../registry/advisories/vulnerability-database.ts";

/** Advisories that are read back at once. */
const PART = 200;

export interface AdvisorySpool {
  /** Keeps an advisory; several may be under way. */
  add(advisory: AdvisoryText): Promise<void>;
  /** All that were kept, in parts. */
  parts(): AsyncGenerator<readonly AdvisoryText[]>;
  close(): Promise<void>;
}

/** Opens an empty one. */
export async function openAdvisorySpool(): Promise<AdvisorySpool> {
  const file = await openNameless();
  const kept: { readonly id: string; readonly at: number; readonly length: number }[] = [];
  let end = 0;
  return {
    async add({ id, body }) {
      const bytes = Buffer.from(body);
      const at = end;
      end += bytes.length;
      await file.write(bytes, 0, bytes.length, at);
      kept.push({ id, at, length: bytes.length });
    },
    async *parts() {
      for (let from = 0; from < kept.length; from += PART)
        yield await Promise.all(
          kept.slice(from, from + PART).map(async ({ id, at, length }) => {
            const { buffer } = await file.read(Buffer.alloc(length), 0, length, at);
            return { id, body: buffer.toString("utf8") };
          }),
        );
    },
    close: () => file.close(),
  };
}

async function openNameless(): Promise<FileHandle> {
  const directory = await mkdtemp(join(tmpdir(), "gokura-advisories-"));
  try {
    return await open(join(directory, "spool"), "wx+", 0o600);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
