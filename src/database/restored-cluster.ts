// A cluster out of a base backup: its files are written and every one compared with the manifest, before a server may start on
// it. The first start then replays the WAL that came along.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, chown, mkdir, readFile } from "node:fs/promises";
import { dirname, join, normalize, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { Failure } from "../errors.ts";
import type { ServerOwner } from "./postgres-binaries.ts";

interface Manifest {
  readonly Files: readonly {
    readonly Path?: string;
    readonly "Encoded-Path"?: string;
    readonly Size: number;
    readonly Checksum: string;
  }[];
}

/** A file or a directory of a cluster, by its path in it. */
export interface ClusterEntry {
  readonly path: string;
  /** Undefined: it is a directory. */
  readonly content: AsyncIterable<Buffer> | undefined;
}

/**
 * Writes a cluster into a directory that is made for it. Throws conflict when a file is not as the manifest says; the directory
 * is then of no use.
 */
export async function restoreCluster(
  entries: Iterable<ClusterEntry>,
  manifest: string,
  directory: string,
  owner: ServerOwner | undefined,
): Promise<void> {
  const { Files: files } = JSON.parse(await readFile(manifest, "utf8")) as Manifest;
  const expected = new Map(
    files.map((file) => [file.Path ?? Buffer.from(file["Encoded-Path"]!, "hex").toString("utf8"), file]),
  );
  const give = async (path: string, mode: number): Promise<void> => {
    await chmod(path, mode);
    if (owner) await chown(path, owner.uid, owner.gid);
  };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await give(directory, 0o700);
  for (const { path: name, content } of entries) {
    const path = join(directory, normalize(name));
    if (path !== directory && !path.startsWith(directory + sep))
      throw new Failure("conflict", `the backup of the database names a path outside of it: ${name}`);
    if (!content) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await give(path, 0o700);
      continue;
    }
    await mkdir(dirname(path), { recursive: true });
    const hash = createHash("sha256");
    let size = 0;
    await pipeline(
      content,
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          hash.update(piece);
          size += piece.length;
          yield piece;
        }
      },
      createWriteStream(path, { mode: 0o600 }),
    );
    await give(path, 0o600);
    const told = expected.get(name);
    expected.delete(name);
    if (told && (told.Size !== size || told.Checksum !== hash.digest("hex")))
      throw new Failure("conflict", `the backup of the database is damaged: ${name} is not as its manifest says`);
  }
  const missing = [...expected.keys()];
  if (missing.length > 0)
    throw new Failure(
      "conflict",
      `the backup of the database is not whole: ${missing[0]} is missing (of ${missing.length})`,
    );
}
