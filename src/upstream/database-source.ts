// How a checksum database is reached, which is the go command's rule: the first upstream whose /sumdb/<name>/supported says
// 200 is asked about everything, and if none does, the database itself. What it answers is carried, and not believed.
// Sources: go.dev/design/25530-sumdb, "Proxying a Checksum Database"; cmd/go/internal/modfetch/sumdb.go (initBase).
import { createSingleFlight } from "../concurrency/single-flight.ts";
import { Failure, isFailure } from "../errors.ts";
import type { SumDatabase } from "../sumdb/database-name.ts";
import { bytesOf } from "./bounded-body.ts";
import { isOff, type ProxyUpstream } from "./policy.ts";
import type { Absence, FetchOptions, UpstreamClient } from "./upstream-client.ts";

/** How long the way to a database is remembered; then it is looked for again, and the old one used meanwhile. */
const WAY_MS = 10 * 60_000;
const SUPPORTED_BYTES = 64 * 1024;
const FIRST_BYTE_TIMEOUT_MS = 30_000;

export interface DatabaseSource {
  /** Whether nobody is asked at all. */
  readonly off: boolean;
  /** Asks a database for something, once for all who want it now. Throws unavailable when it cannot be asked. */
  ask(database: SumDatabase, path: string, maxBytes: number): Promise<Buffer | Absence>;
}

/** Where a database is asked: a proxy of the list, or the database itself, and the path in front. */
interface Way {
  readonly at: ProxyUpstream;
  readonly prefix: string;
}

export function createDatabaseSource(client: UpstreamClient, now: () => number = Date.now): DatabaseSource {
  const ways = new Map<string, { readonly way: Way; readonly until: number }>();
  const looking = createSingleFlight<string>();
  const fetching = createSingleFlight<string>();

  const lookFor = (database: SumDatabase): Promise<Way> =>
    looking.run(database.name, async () => {
      const way = await findWay(client, database);
      ways.set(database.name, { way, until: now() + WAY_MS });
      return way;
    });
  const wayTo = async (database: SumDatabase): Promise<Way> => {
    const known = ways.get(database.name);
    if (known === undefined) return lookFor(database);
    if (now() >= known.until) lookFor(database).catch(() => {}); // nobody waits for it
    return known.way;
  };

  return {
    off: isOff(client.list),
    ask: (database, path, maxBytes) =>
      fetching.run(`${database.name}/${path}`, async (): Promise<Buffer | Absence> => {
        const { at, prefix } = await wayTo(database);
        try {
          const answer = await client.ask(at, `${prefix}${path}`, timed(maxBytes));
          return answer.kind === "absent" ? answer : await bytesOf(answer.body);
        } catch (error) {
          // An answer that does not end says nothing about the module.
          if (isFailure(error, "too-large")) throw new Failure("unavailable", `${database.name}: ${error.message}`);
          throw error;
        }
      }),
  };
}

const timed = (maxBytes: number): FetchOptions => ({ maxBytes, firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS });

/** initBase: through the first proxy that says that it supports the database, else to the database itself. */
async function findWay(client: UpstreamClient, database: SumDatabase): Promise<Way> {
  const { name, url } = database;
  const itself = url ?? `https://${name}`;
  const direct: Way = { at: { kind: "proxy", url: itself, name, fallback: "on-absence" }, prefix: "" };
  if (url !== undefined) return direct;
  for (const upstream of client.list) {
    if (upstream.kind !== "proxy") break;
    const prefix = `sumdb/${name}/`;
    try {
      const answer = await client.ask(upstream, `${prefix}supported`, timed(SUPPORTED_BYTES));
      if (answer.kind === "absent") continue;
      answer.body.resume(); // nothing is in it
      return { at: upstream, prefix };
    } catch (error) {
      if (upstream.fallback === "on-absence") throw error;
    }
  }
  return direct;
}
