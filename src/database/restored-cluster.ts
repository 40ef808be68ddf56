// A cluster out of a base backup: the tar is unpacked and every file compared with the manifest, before a server may start on
// it. The first start then replays the WAL that came along.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, chown, mkdir, readFile } from "node:fs/promises";
import { dirname, join, normalize, sep } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import tar from "tar-stream";
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

/**
 * Unpacks a base backup into a directory that is made for it. Throws conflict when a file is not as the manifest says; the
 * directory is then of no use.
 */
export async function restoreCluster(
  archive: string,
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
  const extract = tar.extract();
  const unpacked = pipeline(createReadStream(archive), createGunzip(), extract);
  for await (const entry of extract) {
    const { name, type } = entry.header;
    const path = join(directory, normalize(name));
    if (path !== directory && !path.startsWith(directory + sep))
      throw new Failure("conflict", `the backup of the database names a path outside of it: ${name}`);
    if (type === "directory") {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await give(path, 0o700);
      entry.resume();
      continue;
    }
    if (type !== "file") throw new Failure("conflict", `the backup of the database holds a ${type}: ${name}`);
    await mkdir(dirname(path), { recursive: true });
    const hash = createHash("sha256");
    let size = 0;
    await pipeline(
      entry as unknown as Readable,
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
  await unpacked;
  const missing = [...expected.keys()];
  if (missing.length > 0)
    throw new Failure(
      "conflict",
      `the backup of the database is not whole: ${missing[0]} is missing (of ${missing.length})`,
    );
}
