// Checksum databases of others through us, so that clients need not reach them and an office without the internet can still
// verify. What a database says is signed, so we can pass it on but not change it, and do not: every byte is as it came. Only
// what we have proved ourselves (proved-database.ts) is passed on as its word and kept: records, and tiles. None of it ever
// changes. A record that is not there may be there in a moment, so absence is not kept; /latest grows old.
// Source: go.dev/design/25530-sumdb, "Proxying a Checksum Database".
import { createSingleFlight } from "../concurrency/single-flight.ts";
import { type Failure, isFailure, notFound } from "../errors.ts";
import { escapePath, escapeVersion, type ModulePath } from "../gomod/module-path.ts";
import { parseLookupPath } from "../gomod/proxy-path.ts";
import type { Blobs } from "../storage/blobs.ts";
import { sumDatabaseObjectKey } from "../storage/object-keys.ts";
import { smallObjects } from "../storage/small-objects.ts";
import { databaseIn } from "../sumdb/database-name.ts";
import { FULL_WIDTH, parseTilePath, type TilePath, tilePrefix } from "../sumdb/tile-path.ts";
import type { DatabaseSource } from "./database-source.ts";
import { MAX_TILE_BYTES } from "./kept-tiles.ts";
import type { ProvedDatabase } from "./proved-database.ts";
import type { Absence } from "./upstream-client.ts";

/** How long /latest is believed. */
const LATEST_MS = 60_000;
const TEXT = "text/plain; charset=utf-8";
const WEEK_SECONDS = 7 * 24 * 3600;
const MINUTE_SECONDS = 60;

export interface SumdbFound {
  readonly kind: "found";
  readonly bytes: Buffer;
  readonly contentType: string;
  /** How long a client may keep it. */
  readonly maxAgeSeconds: number;
  /** Whether it can never be otherwise. */
  readonly immutable: boolean;
}

export type SumdbAnswer = SumdbFound | Absence;

export interface SumdbProxyParts {
  readonly databases: readonly ProvedDatabase[];
  readonly blobs: Blobs;
  /** Whom to ask. */
  readonly source: DatabaseSource;
  /** Whether a module path may be told to others: not if it is hosted here, or private. */
  readonly mayAsk: (modulePath: ModulePath) => boolean | Promise<boolean>;
  readonly now?: () => number;
}

export interface SumdbProxy {
  /**
   * Answers what stands behind `/sumdb/`, as it was sent: `<name>/lookup/…`. `storedOnly`: nobody is asked. Throws not-found
   * for a database that is not proxied and a path that no database has, invalid for a lookup that is none, unavailable when
   * nobody could be asked or what came could not be proved.
   */
  serve(nameAndRest: string, options?: { readonly storedOnly?: boolean }): Promise<SumdbAnswer>;
}

export function createSumdbProxy(parts: SumdbProxyParts): SumdbProxy {
  const { databases, blobs, source, mayAsk, now = Date.now } = parts;
  const store = smallObjects(blobs);
  const lookingUp = createSingleFlight<string>();
  const latest = new Map<string, { bytes: Buffer; until: number }>();

  const offline = (database: ProvedDatabase, path: string): Failure =>
    notFound(`${database.name}/${path} is not stored here, and nobody is asked`);

  const serveTile = async (database: ProvedDatabase, tile: TilePath, storedOnly: boolean): Promise<SumdbAnswer> => {
    const type = tile.level === "data" ? TEXT : "application/octet-stream";
    const isPartial = tile.width < FULL_WIDTH;
    const partialKey = sumDatabaseObjectKey(database.name, { tile: `${tile.fullPath}.p` });
    if (storedOnly) {
      // A narrow tile is the beginning of each wider one, so of the partial ones the widest is enough.
      const whole = await store.get(sumDatabaseObjectKey(database.name, { tile: tile.fullPath }));
      const widest = whole ?? (isPartial ? await store.get(partialKey) : undefined);
      const beginning = widest && tilePrefix(tile.level, widest, tile.width);
      if (!beginning) throw offline(database, tile.path);
      return pinned(beginning, type);
    }
    // A client that has heard of a newer head than we did, from elsewhere, may be told of it by us a moment later.
    const known = (await database.tile(tile)) ?? ((await newerHead(database)) && (await database.tile(tile)));
    if (known) {
      if (isPartial) await keepWider(partialKey, tile, known);
      return pinned(known, type);
    }
    // No head vouches for it: the client judges it, and it is not kept.
    const answer = await source.ask(database, tile.path, MAX_TILE_BYTES);
    return Buffer.isBuffer(answer) ? { ...changing(answer), contentType: type } : answer;
  };

  /** Of the partial tiles of a place the widest is kept. */
  const keepWider = async (key: string, { level, width }: TilePath, bytes: Buffer): Promise<void> => {
    const kept = await store.get(key);
    if (!kept || tilePrefix(level, kept, width) === undefined) await store.put(key, bytes);
  };

  /** Whether the database tells a head that was not asked for a moment ago. */
  const newerHead = async (database: ProvedDatabase): Promise<boolean> => {
    const known = latest.get(database.name);
    if (known && now() < known.until) return false;
    return (await askLatest(database)).kind === "found";
  };

  const serveLookup = async (database: ProvedDatabase, text: string, storedOnly: boolean): Promise<SumdbAnswer> => {
    const { modulePath, version } = parseLookupPath(text);
    const key = sumDatabaseObjectKey(database.name, { record: `${modulePath}@${version}` });
    if (!(await mayAsk(modulePath)))
      throw notFound(
        `${modulePath} is not told to checksum databases: it is hosted here or private; this registry's own database knows it (gokura sumdb key)`,
      );
    const stored = await store.get(key);
    if (stored) return pinned(stored, TEXT);
    if (storedOnly) throw offline(database, `lookup/${escapePath(modulePath)}@${escapeVersion(version)}`);
    return lookingUp.run(key, async (): Promise<SumdbAnswer> => {
      const answer = await database.lookup(modulePath, version);
      if (answer.kind === "absent") return answer;
      await store.put(key, answer.bytes);
      return pinned(answer.bytes, TEXT);
    });
  };

  const askLatest = async (database: ProvedDatabase): Promise<SumdbAnswer> => {
    const answer = await database.latest();
    if (!Buffer.isBuffer(answer)) return answer;
    latest.set(database.name, { bytes: answer, until: now() + LATEST_MS });
    return changing(answer);
  };

  const serveLatest = async (database: ProvedDatabase, storedOnly: boolean): Promise<SumdbAnswer> => {
    const known = latest.get(database.name);
    if (known && now() < known.until) return changing(known.bytes);
    const held = async (otherwise: unknown): Promise<SumdbAnswer> => {
      const note = await database.heldHead();
      if (!note) throw otherwise;
      return changing(note);
    };
    if (storedOnly) return held(offline(database, "latest"));
    try {
      return await askLatest(database);
    } catch (error) {
      // An older tree is as true as it was, unless its database was caught lying.
      const isAway = isFailure(error, "unavailable") && !error.reason.startsWith("checksum_");
      if (isAway) return await held(error);
      throw error;
    }
  };

  return {
    async serve(nameAndRest, options = {}) {
      const storedOnly = (options.storedOnly ?? false) || source.off;
      const found = databaseIn(databases, decoded(nameAndRest));
      if (!found) throw notFound("this checksum database is not proxied here (GOKURA_SUMDB)");
      const { database, rest } = found;
      if (rest === "supported") return { ...changing(Buffer.alloc(0)), maxAgeSeconds: MINUTE_SECONDS };
      if (rest === "latest") return await serveLatest(database, storedOnly);
      if (rest.startsWith("lookup/")) return await serveLookup(database, rest.slice("lookup/".length), storedOnly);
      const tile = parseTilePath(rest);
      if (tile) return await serveTile(database, tile, storedOnly);
      throw notFound("a checksum database has supported, latest, lookup/MODULE@VERSION and tile/8/LEVEL/NUMBER");
    },
  };
}

const pinned = (bytes: Buffer, contentType: string): SumdbFound => ({
  kind: "found",
  bytes,
  contentType,
  maxAgeSeconds: WEEK_SECONDS,
  immutable: true,
});

const changing = (bytes: Buffer): SumdbFound => ({
  kind: "found",
  bytes,
  contentType: TEXT,
  maxAgeSeconds: LATEST_MS / 1000,
  immutable: false,
});

function decoded(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw notFound("the URL has a broken percent-encoding");
  }
}
