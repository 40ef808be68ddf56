// Every key under which something is stored, in one place.
import { hash } from "node:crypto";

/** A module zip, by the SHA-256 of its bytes in hex: `zip/ab/abcdef…`. */
export function zipObjectKey(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`not a SHA-256 in hex: ${sha256}`);
  return `zip/${sha256.slice(0, 2)}/${sha256}`;
}

/** A pack of a repository, by the SHA-256 of its bytes in hex: `pack/ab/abcdef…`. */
export function packObjectKey(sha256: string): string {
  return zipObjectKey(sha256).replace(/^zip/, "pack");
}

/** The bare git repository of a project, below the data directory. By number, so that nothing moves when names change. */
export function repositoryKey(projectId: number): string {
  return `repositories/${projectId}.git`;
}

/**
 * Something of a checksum database: a tile under the name that it has in URLs (`tile/8/0/x001/234`, with `.p` the
 * widest partial one that is known); a record under the SHA-256 of its module and version, which are as long as they like.
 */
export function sumDatabaseObjectKey(database: string, thing: { tile: string } | { record: string }): string {
  // A name may hold slashes; as one directory no name can lie in another.
  const directory = `proved-sumdb/${encodeURIComponent(database)}`;
  if ("record" in thing) {
    const digest = hash("sha256", thing.record, "hex");
    return `${directory}/record/${digest.slice(0, 2)}/${digest}`;
  }
  if (!/^tile\/8\/(?:data|\d+)(?:\/x\d{3})*\/\d{3}(?:\.p)?$/.test(thing.tile))
    throw new Error(`not a tile: ${thing.tile}`);
  return `${directory}/${thing.tile}`;
}

/** A tile of the journal of our own checksum log, by its number, or the name of the last one. */
export function sumJournalKey(tile: number | "last"): string {
  if (tile === "last") return "checksum-journal/last";
  return `checksum-journal/${Math.floor(tile / 1000)}/${String(tile % 1000).padStart(3, "0")}`;
}
