// Checksum databases through us, so that clients need not reach them and an office without the internet can still verify.
// What a database says is signed, so we can pass it on but not change it, and do not: every byte is as it came. Nearly all
// of it never changes and is stored for ever (full tiles, partial tiles of one width, records); only /latest grows old. A
// record that is not there may be there in a moment, so absence is not stored.
// How a database is reached is the go command's rule: the first upstream whose /sumdb/<name>/supported says 200 is used for
// everything, and if none does, the database itself.
// Sources: go.dev/design/25530-sumdb, "Proxying a Checksum Database"; cmd/go/internal/modfetch/sumdb.go (initBase).
import { createSingleFlight } from "../concurrency/single-flight.ts";
import { Failure, isFailure, notFound } from "../errors.ts";
import { escapePath, escapeVersion, type ModulePath, unescapePath, unescapeVersion } from "../gomod/module-path.ts";
import { canonicalVersion } from "../gomod/version.ts";
import type { DiskBlobs } from "../storage/disk-blobs.ts";
import { sumDatabaseObjectKey } from "../storage/object-keys.ts";
import { smallObjects } from "../storage/small-objects.ts";
import { databaseIn, type SumDatabase } from "../sumdb/database-name.ts";
import { isRecordAnswer, isTreeNote } from "../sumdb/record-answer.ts";
import { FULL_WIDTH, isTile, parseTilePath, type TilePath, tilePrefix } from "../sumdb/tile-path.ts";
import { bytesOf } from "./bounded-body.ts";
import { isOff, type ProxyUpstream } from "./policy.ts";
import type { Absence, FetchOptions, UpstreamClient } from "./upstream-client.ts";

/** How long /latest is believed. */
const LATEST_MS = 60_000;
/** How long the way to a database is remembered. */
const WAY_MS = 10 * 60_000;
/** A record has two lines and a tree note a few. */
const MAX_RECORD_BYTES = 64 * 1024;
/** 256 records. */
const MAX_TILE_BYTES = 4 * 1024 * 1024;
const FIRST_BYTE_TIMEOUT_MS = 30_000;
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
  readonly databases: readonly SumDatabase[];
  readonly blobs: DiskBlobs;
  /** Whom to ask; nobody if its list begins with `off`. */
  readonly client: UpstreamClient;
  /** Whether a module path may be told to others: not if it is hosted here, or private. */
  readonly mayAsk: (modulePath: ModulePath) => boolean | Promise<boolean>;
  readonly now?: () => number;
}

export interface SumdbProxy {
  /**
   * Answers what stands behind `/sumdb/`, as it was sent: `<name>/lookup/…`. `storedOnly`: nobody is asked. Throws not-found
   * for a database that is not proxied and a path that no database has, invalid for a lookup that is none, unavailable when
   * nobody could be asked.
   */
  serve(nameAndRest: string, options?: { readonly storedOnly?: boolean }): Promise<SumdbAnswer>;
}

/** Where a database is asked: a proxy of the list, or the database itself, and the path in front. */
interface Way {
  readonly at: ProxyUpstream;
  readonly prefix: string;
}

export function createSumdbProxy(parts: SumdbProxyParts): SumdbProxy {
  const { databases, blobs, client, mayAsk, now = Date.now } = parts;
  const store = smallObjects(blobs);
  const ways = new Map<string, { way: Promise<Way>; until: number }>();
  const latest = new Map<string, { bytes: Buffer; until: number }>();
  const fetching = createSingleFlight<string>();

  const wayTo = (database: SumDatabase): Promise<Way> => {
    const known = ways.get(database.name);
    if (known !== undefined && now() < known.until) return known.way;
    const way = findWay(client, database);
    ways.set(database.name, { way, until: now() + WAY_MS });
    way.catch(() => ways.delete(database.name));
    return way;
  };

  /** Asks for something once, however many want it, and keeps it when it is good. */
  const fetchOnce = (
    database: SumDatabase,
    path: string,
    maxBytes: number,
    isGood: (bytes: Buffer) => boolean,
    keep: (bytes: Buffer) => Promise<void>,
  ): Promise<Buffer | Absence> => {
    return fetching.run(`${database.name}/${path}`, async (): Promise<Buffer | Absence> => {
      const { at, prefix } = await wayTo(database);
      const answer = await client.ask(at, `${prefix}${path}`, timed(maxBytes));
      if (answer.kind === "absent") return answer;
      const bytes = await bytesOf(answer.body);
      if (!isGood(bytes))
        throw new Failure("unavailable", `${at.name} answered something else than ${database.name} would to /${path}`);
      await keep(bytes);
      return bytes;
    });
  };

  const offline = (database: SumDatabase, path: string): Failure =>
    notFound(`${database.name}/${path} is not stored here, and nobody is asked`);

  const serveTile = async (database: SumDatabase, tile: TilePath, storedOnly: boolean): Promise<SumdbAnswer> => {
    const type = tile.level === "data" ? TEXT : "application/octet-stream";
    const partial = tile.width < FULL_WIDTH;
    const wholeKey = sumDatabaseObjectKey(database.name, { tile: tile.fullPath });
    const partialKey = sumDatabaseObjectKey(database.name, { tile: `${tile.fullPath}.p` });
    const whole = await store.get(wholeKey);
    if (whole && !partial) return pinned(whole, type);
    // A narrow tile is the beginning of each wider one, so of the partial ones the widest is enough.
    const widest = whole ?? (partial ? await store.get(partialKey) : undefined);
    const beginning = widest && tilePrefix(tile.level, widest, tile.width);
    if (beginning) return pinned(beginning, type);
    if (storedOnly) throw offline(database, tile.path);
    const answer = await fetchOnce(
      database,
      tile.path,
      MAX_TILE_BYTES,
      (bytes) => isTile(tile, bytes),
      (bytes) => store.put(partial ? partialKey : wholeKey, bytes),
    );
    return Buffer.isBuffer(answer) ? pinned(answer, type) : answer;
  };

  const serveLookup = async (database: SumDatabase, text: string, storedOnly: boolean): Promise<SumdbAnswer> => {
    const { modulePath, version } = parseLookup(text);
    const key = sumDatabaseObjectKey(database.name, { record: `${modulePath}@${version}` });
    if (!(await mayAsk(modulePath)))
      throw notFound(
        `${modulePath} is not told to checksum databases: it is hosted here or private; set GONOSUMDB for it`,
      );
    const stored = await store.get(key);
    if (stored) return pinned(stored, TEXT);
    const path = `lookup/${escapePath(modulePath)}@${escapeVersion(version)}`;
    if (storedOnly) throw offline(database, path);
    const answer = await fetchOnce(
      database,
      path,
      MAX_RECORD_BYTES,
      (bytes) => isRecordAnswer(bytes, database.name, modulePath, version),
      (bytes) => store.put(key, bytes),
    );
    return Buffer.isBuffer(answer) ? pinned(answer, TEXT) : answer;
  };

  const serveLatest = async (database: SumDatabase, storedOnly: boolean): Promise<SumdbAnswer> => {
    const key = sumDatabaseObjectKey(database.name, "latest");
    const known = latest.get(database.name);
    if (known && now() < known.until) return changing(known.bytes);
    const stored = async (otherwise: unknown): Promise<SumdbAnswer> => {
      const bytes = known?.bytes ?? (await store.get(key));
      if (!bytes) throw otherwise;
      return changing(bytes);
    };
    if (storedOnly) return await stored(offline(database, "latest"));
    try {
      const answer = await fetchOnce(
        database,
        "latest",
        MAX_RECORD_BYTES,
        (bytes) => isTreeNote(bytes, database.name),
        async (bytes) => {
          latest.set(database.name, { bytes, until: now() + LATEST_MS });
          await store.put(key, bytes);
        },
      );
      return Buffer.isBuffer(answer) ? changing(answer) : answer;
    } catch (error) {
      // An older tree is as true as it was.
      if (isFailure(error, "unavailable")) return await stored(error);
      throw error;
    }
  };

  return {
    async serve(nameAndRest, options = {}) {
      const storedOnly = (options.storedOnly ?? false) || isOff(client.list);
      const text = decoded(nameAndRest);
      const found = databaseIn(databases, text);
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
      const answer = await client.ask(upstream, `${prefix}supported`, timed(MAX_RECORD_BYTES));
      if (answer.kind === "absent") continue;
      answer.body.resume(); // nothing is in it
      return { at: upstream, prefix };
    } catch (error) {
      if (upstream.fallback === "on-absence") throw error;
    }
  }
  return direct;
}

function decoded(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw notFound("the URL has a broken percent-encoding");
  }
}

/** `<escaped module path>@<escaped version>`, a canonical version only (sumdb/server.go refuses others with 400). */
function parseLookup(text: string): { modulePath: ModulePath; version: string } {
  const at = text.indexOf("@");
  if (at < 0) throw new Failure("invalid", "a lookup is of MODULE@VERSION");
  const modulePath = unescapePath(text.slice(0, at));
  const version = unescapeVersion(text.slice(at + 1));
  if (canonicalVersion(version) !== version)
    throw new Failure("invalid", `a checksum database knows canonical versions only, not ${version.slice(0, 60)}`);
  return { modulePath, version };
}
