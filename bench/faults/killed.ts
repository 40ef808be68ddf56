// kill -9 in the middle of pushes: of the server, of its database, of both, again and again. What a client was told stays
// true, nothing is there in part, and the next start leaves nothing lying about.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Figures } from "./figures.ts";
import { litterIn } from "./litter.ts";
import { killNow, postmasterOf, startServer } from "./server.ts";
import { beginWriting, compare } from "./writers.ts";

const WRITERS = 3;
const BYTES = 200_000;
const LONGEST_PEACE_MS = 2_500;
/** How long a start may take until what was left lying about is gone. */
const TIDY_MS = 120_000;

/** Kills so many times. */
export async function killAgainAndAgain(directory: string, kills: number, port: number): Promise<Figures> {
  const data = join(directory, "data");
  mkdirSync(directory, { recursive: true });
  let server = await startServer(data, port);
  const writing = await beginWriting(directory, server.url, WRITERS, BYTES);
  try {
    for (let kill = 0; kill < kills; kill++) {
      await delay(500 + Math.random() * LONGEST_PEACE_MS);
      const postmaster = postmasterOf(data);
      if (kill % 3 !== 0 && postmaster !== undefined) killNow(postmaster);
      if (kill % 3 !== 1) await server.stop("SIGKILL");
      else await delay(1_000); // the server is to look after its database
      if (server.ended()) server = await startServer(data, port);
    }
    await writing.stop();
    await server.stop("SIGKILL");
    server = await startServer(data, port);
    const truth = await compare(server.url, writing.writers);
    let litter = litterIn(data);
    for (const end = Date.now() + TIDY_MS; litter.length > 0 && Date.now() < end; await delay(200))
      litter = litterIn(data);
    return { fault: "kill -9", faults: kills + 1, ...truth, litter, ends: 0 };
  } finally {
    await writing.stop();
    await server.stop("SIGTERM");
  }
}
