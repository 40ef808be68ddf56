// The files of a package: VERSION.mod and VERSION.zip, with the sizes and sums of exactly the bytes that the Go endpoint
// serves. Sums are worked out when somebody first asks for them and kept from then on (PackageFile): nothing but this asks
// for MD5 and SHA-1, and reading a zip once more costs a moment. A zip that has not been made yet is left out, and made: it
// is there when the list is asked for again.

import { createHash } from "node:crypto";
import { Writable } from "node:stream";
import type { PackageFileKind } from "../../database/generated/client.ts";
import { isFailure } from "../../errors.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { isUnzippable } from "../versions/rejected-tags.ts";
import { zipKeyOf } from "../versions/version-zip.ts";
import type { PackageRow } from "./packages.ts";
import { findPackage } from "./packages.ts";

/** How long a zip that is being made is not asked for again. */
const ASK_AGAIN_SECONDS = 60;

/** A file of a package. */
export interface PackageFileRow {
  readonly id: number;
  /** The number of its package. */
  readonly versionId: number;
  readonly kind: PackageFileKind;
  readonly modulePath: string;
  readonly version: string;
  /** The full path of the project. */
  readonly projectPath: string;
  /** VERSION.mod or VERSION.zip. */
  readonly fileName: string;
  /** Bytes. */
  readonly size: bigint;
  /** Sums in hex. */
  readonly md5: string;
  readonly sha1: string;
  readonly sha256: string;
  /** When the package was published. */
  readonly createdAt: Date;
}

type Sums = Pick<PackageFileRow, "size" | "md5" | "sha1" | "sha256">;

/** The files of packages that the asker was found to see, by the package's number: .mod, then .zip. */
export async function filesOfPackages(
  registry: Registry,
  packages: readonly PackageRow[],
): Promise<Map<number, PackageFileRow[]>> {
  const where = { versionId: { in: packages.map(({ id }) => id) } };
  const known = Map.groupBy(
    await registry.prisma.packageFile.findMany({ where, orderBy: { kind: "asc" } }),
    (file) => file.versionId,
  );
  const files = new Map<number, PackageFileRow[]>();
  for (const row of packages) {
    const found = known.get(row.id) ?? [];
    const all =
      found.length === 2
        ? found
        : await addMissing(
            registry,
            row,
            found.map(({ kind }) => kind),
          );
    files.set(
      row.id,
      all.map((file) => fileOf(row, file)),
    );
  }
  return files;
}

/** A file of a package that the principal may read, with its package; undefined for others, and if there is none. */
export async function findPackageFile(
  registry: Registry,
  principal: Principal,
  id: number,
): Promise<{ file: PackageFileRow; package: PackageRow } | undefined> {
  const file = await registry.prisma.packageFile.findUnique({ where: { id } });
  const found = file && (await findPackage(registry, principal, file.versionId));
  return found ? { file: fileOf(found.package, file), package: found.package } : undefined;
}

type StoredFile = Sums & Pick<PackageFileRow, "id" | "versionId" | "kind">;

function fileOf(
  { packageName: modulePath, version, projectPath, createdAt }: PackageRow,
  file: StoredFile,
): PackageFileRow {
  return { ...file, modulePath, version, projectPath, fileName: `${version}.${file.kind.toLowerCase()}`, createdAt };
}

/** Works out what is not known yet, and returns all that is known then. */
async function addMissing(
  registry: Registry,
  row: PackageRow,
  known: readonly PackageFileKind[],
): Promise<StoredFile[]> {
  const sums = await oneAtATime(async () => ({
    MOD: known.includes("MOD") ? undefined : await sumsOfGoMod(registry, row.id),
    ZIP: known.includes("ZIP") ? undefined : await sumsOfZip(registry, row),
  }));
  for (const kind of ["MOD", "ZIP"] as const) {
    const found = sums[kind];
    // Whoever comes first decides, and a version that was deleted meanwhile has no files.
    if (found)
      await registry.prisma.$executeRaw`INSERT INTO package_file (version_id, kind, size, md5, sha1, sha256)
        SELECT id, ${kind}::"PackageFileKind", ${found.size}, ${found.md5}, ${found.sha1}, ${found.sha256}
        FROM module_version WHERE id = ${row.id} FOR SHARE ON CONFLICT DO NOTHING`;
  }
  return registry.prisma.packageFile.findMany({ where: { versionId: row.id }, orderBy: { kind: "asc" } });
}

async function sumsOfGoMod(registry: Registry, id: number): Promise<Sums | undefined> {
  const row = await registry.prisma.moduleVersion.findUnique({ where: { id }, select: { goMod: true } });
  if (!row?.goMod) return undefined;
  const { sink, sums } = summing();
  sink.write(row.goMod);
  return sums();
}

async function sumsOfZip(registry: Registry, row: PackageRow): Promise<Sums | undefined> {
  const { zipKey: sha256, zipSize, packageName, version } = row;
  if (sha256 === null || zipSize === null) {
    await haveZipMade(registry, row);
    return undefined;
  }
  const { sink, sums } = summing();
  try {
    const blob = await registry.blobs.open(zipKeyOf({ sha256 }));
    await blob.copyTo(sink, { start: 0, end: Number(zipSize) - 1 });
  } catch (error) {
    if (!isFailure(error, "not-found")) throw error;
    registry.log.error({ module: packageName, version, sha256 }, "the zip of a version is not among the blobs");
    return undefined;
  }
  const found = sums();
  if (found.sha256 === sha256) return found;
  registry.log.error({ module: packageName, version, sha256, found: found.sha256 }, "a stored zip has changed");
  return undefined;
}

/** Leaves the job that makes a zip. */
async function haveZipMade(
  registry: Registry,
  { id, packageOf: projectId, packageName, version }: PackageRow,
): Promise<void> {
  if (await isUnzippable(registry, projectId, { modulePath: packageName, version })) return;
  await registry.prisma.$transaction((tx) =>
    registry.jobs.sendOnceIn(ASK_AGAIN_SECONDS, tx, "build-zips", { projectId, versionIds: [id] }),
  );
}

/** A sink that works out the sums of what is written into it. */
function summing(): { sink: Writable; sums: () => Sums } {
  const [md5, sha1, sha256] = [createHash("md5"), createHash("sha1"), createHash("sha256")];
  let size = 0n;
  const sink = new Writable({
    write(bytes: Buffer, _, done) {
      for (const hash of [md5, sha1, sha256]) hash.update(bytes);
      size += BigInt(bytes.length);
      done();
    },
  });
  return {
    sink,
    sums: () => ({ size, md5: md5.digest("hex"), sha1: sha1.digest("hex"), sha256: sha256.digest("hex") }),
  };
}

let last: Promise<unknown> = Promise.resolve();

/** Reads one file at a time, however many are asked for: a zip may have hundreds of megabytes. */
function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work);
  last = mine.catch(() => {});
  return mine;
}
