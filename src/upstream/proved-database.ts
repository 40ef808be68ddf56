// A checksum database of others, of which nothing is believed before it was proved (sumdb/proved-log.ts). One head is held by
// all servers (registry/checksums/trusted-heads.ts): before anything is asked it is read, and a larger one is put in its place
// only after its tiles have shown that it continues it. Full tiles are stored once they are proved.
//
// What is wrong is told apart. A database that has signed two histories, or a note with a bad signature, is not believed any
// more by anybody until an administrator has looked. Everything else, a tampered tile, a page of HTML, an answer without the
// wanted lines, may be the way's fault: it cannot be known now, which is never the same as that there is no such version.
//
// The first answer about a version costs one time to the database and back for the record, and one for all tiles together:
// those between the record and what is known are begun with those that show the new head.
import { Failure } from "../errors.ts";
import { escapePath, escapeVersion, type ModulePath } from "../gomod/module-path.ts";
import { type DatabaseTrust, readTrust, recordMisbehaviour, swapHead } from "../registry/checksums/trusted-heads.ts";
import type { Registry } from "../registry/registry.ts";
import type { SumDatabase } from "../sumdb/database-name.ts";
import { LogFault } from "../sumdb/log-fault.ts";
import { parseVerifierKey } from "../sumdb/note.ts";
import { followed, knownLog, type ProvedLog, provedLookup, unknownLog } from "../sumdb/proved-log.ts";
import { parseDataTile, parseLookupAnswer, type VersionSums } from "../sumdb/record.ts";
import { type TilePath, tilePrefix } from "../sumdb/tile-path.ts";
import { edgeAt, HASH_BYTES, leafHash } from "../sumdb/tree-hash.ts";
import { openGoHead, type TreeHead } from "../sumdb/tree-head.ts";
import type { DatabaseSource } from "./database-source.ts";
import { createKeptTiles, MAX_TILE_BYTES } from "./kept-tiles.ts";
import type { Absence } from "./upstream-client.ts";

/** A record has two lines and a tree note a few. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** What was proved of a version. */
export interface ProvedAnswer extends VersionSums {
  readonly kind: "proved";
  /** The number of its record. */
  readonly id: number;
  /** The answer as it came. */
  readonly bytes: Buffer;
}

/**
 * A database. Everything throws unavailable when it cannot be asked, or what it says cannot be proved, or it is not believed
 * any more.
 */
export interface ProvedDatabase extends SumDatabase {
  /** What it says of a version, proved, or its word that it has no record of it. */
  lookup(modulePath: ModulePath, version: string): Promise<ProvedAnswer | Absence>;
  /** The signed note of the newest head that it tells. */
  latest(): Promise<Buffer | Absence>;
  /** A tile as far as it is asked for, of hashes or of records; undefined: the held tree does not have it. */
  tile(tile: TilePath): Promise<Buffer | undefined>;
  /** The note of the head that is held; undefined: none yet. Nobody is asked. */
  heldHead(): Promise<Buffer | undefined>;
}

export function openProvedDatabase(registry: Registry, database: SumDatabase, source: DatabaseSource): ProvedDatabase {
  const { name, verifierKey } = database;
  const verifier = parseVerifierKey(verifierKey);
  const tiles = createKeptTiles(database, source, registry.blobs);
  let known: ProvedLog = unknownLog(verifier, tiles);
  /** Larger heads are taken over one by one. */
  let learning: Promise<unknown> = Promise.resolve();

  /** What all servers believe now. */
  const believed = async (): Promise<ProvedLog> => {
    let trust = await readTrust(registry, verifierKey);
    // Another request may have put a larger one there between the two looks.
    if (trust.head && known.head && trust.head.size < known.head.size) trust = await readTrust(registry, verifierKey);
    if (trust.misbehaviour !== undefined)
      throw new Failure(
        "unavailable",
        `${name} is not believed any more (${trust.misbehaviour}): an administrator must look, and decide with gokura sumdb trust`,
        { reason: "checksum_database_distrusted" },
      );
    const { head } = trust;
    if (!head) known = known.head ? unknownLog(verifier, tiles) : known;
    else if (!known.head?.note.equals(head.note)) known = await caughtUp(known, head);
    return known;
  };

  /**
   * The log with the head that another server put there. What is remembered of tiles holds for one that continues ours; but an
   * administrator may have begun anew, or restored a backup that knows less.
   */
  const caughtUp = async (log: ProvedLog, head: NonNullable<DatabaseTrust["head"]>): Promise<ProvedLog> => {
    const anew = (): ProvedLog => knownLog(verifier, tiles, head.note);
    return log.head && head.size > log.head.size ? followed(log, head.note).catch(anew) : anew();
  };

  const learn = (note: Buffer): Promise<ProvedLog> => {
    const next = learning.then(async () => {
      for (;;) {
        const before = await believed();
        const after = await followed(before, note);
        if (after === before) return before;
        if (!(await swapHead(registry, verifierKey, before.head?.note, after.head!))) continue;
        known = after;
        return after;
      }
    });
    learning = next.catch(() => {});
    return next;
  };

  const isLarger = ({ size }: TreeHead): boolean => known.head === undefined || size > known.head.size;

  /** Does what proves something; what is wrong becomes what a client is told, and what is a proof of fraud is kept. */
  const proving = async <T>(came: Buffer, work: () => Promise<T>): Promise<T> => {
    for (;;) {
      const { wrong } = tiles;
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof LogFault)) throw error;
        if (tiles.wrong > wrong) continue; // it was the store that was wrong
        if (error.kind === "fork" || error.kind === "signature")
          await recordMisbehaviour(registry, database, error, came, known.head?.note);
        throw new Failure("unavailable", `what ${name} says could not be proved: ${error.message}`, {
          cause: error,
          reason: "checksum_database_unproved",
        });
      }
    }
  };

  const proved = async (answer: Buffer, modulePath: string, version: string): Promise<ProvedAnswer> => {
    const { id, note } = parseLookupAnswer(answer);
    const head = openGoHead(note, [verifier]);
    const { memory } = known;
    if (id < head.size) tiles.readAhead(head.size, id, (level, number) => memory.has(`${level}/${number}`));
    const log = isLarger(head) ? await learn(note) : known;
    const { sums } = await provedLookup(log, answer, modulePath, version);
    return { kind: "proved", id, bytes: answer, ...sums };
  };

  /** Records, compared with the hashes of the same places. */
  const provedRecords = async ({ number, width, path }: TilePath): Promise<Buffer> => {
    const hashes = await known.tiles!.tile(0, number);
    const bytes = await source.ask(database, path, MAX_TILE_BYTES);
    if (!Buffer.isBuffer(bytes)) throw new LogFault("unproved", `the log does not have ${path}`);
    const leaves = Buffer.concat(parseDataTile(bytes).map((text) => leafHash(text)));
    if (!leaves.equals(hashes.subarray(0, width * HASH_BYTES)))
      throw new LogFault("unproved", `${path} does not have the records that the head commits to`);
    return bytes;
  };

  return {
    ...{ name, verifierKey, url: database.url },
    async lookup(modulePath, version) {
      await believed();
      const path = `lookup/${escapePath(modulePath)}@${escapeVersion(version)}`;
      const answer = await source.ask(database, path, MAX_ANSWER_BYTES);
      return Buffer.isBuffer(answer) ? proving(answer, () => proved(answer, modulePath, version)) : answer;
    },
    async latest() {
      await believed();
      const answer = await source.ask(database, "latest", MAX_ANSWER_BYTES);
      if (!Buffer.isBuffer(answer)) return answer;
      await proving(answer, async () =>
        isLarger(openGoHead(answer, [verifier])) ? learn(answer) : followed(known, answer),
      );
      return answer;
    },
    async tile(tile) {
      const log = await believed();
      const { level, number, width } = tile;
      const { fullTiles, width: edge } = edgeAt(log.head?.size ?? 0, level === "data" ? 0 : level);
      if (number > fullTiles || (number === fullTiles && width > edge) || !log.tiles) return undefined;
      const { tiles: held } = log;
      return proving(log.head!.note, async () =>
        level === "data" ? provedRecords(tile) : tilePrefix(level, await held.tile(level, number), width),
      );
    },
    heldHead: async () => (await readTrust(registry, verifierKey)).head?.note,
  };
}
