// The documentation of versions: made when somebody first asks, kept with the version, because a zip never changes. One
// package is made at once for whoever has to show it; all packages of a version one after the other, for lists and
// searches. Whoever asks has asked before who may see the version.
//
// Kept are rows, a package each (DocumentedPackage): golang.org/x/tools, 211 packages, takes 386 kB. All of it can be made
// again, so that a new FORMAT simply throws the old away.
import { brotliDecompressSync } from "node:zlib";
import { Failure } from "../../errors.ts";
import type { PackageDocumentation } from "../../godoc/documentation.ts";
import { type DocumentedDirectory, ThreadsClosed, TooMuch } from "../../godoc/thread/documentation-threads.ts";
import { filesOf, type VersionZip } from "../modules/module-files.ts";
import type { Registry } from "../registry.ts";
import { keepable } from "../text.ts";
import { type GoDirectory, goDirectories, goDirectory, readGoDirectory } from "./go-directories.ts";

/** What is kept, and how; to be counted up when either changes. */
export const FORMAT = 3;
/** Packages that are written down in one statement. */
const WRITTEN_AT_ONCE = 20;
/** Of an import path and of a word, in characters; longer ones are found by nobody, and no index takes them. */
const MAX_INDEXED = 500;
const MAX_SYNOPSIS = 1000;

/** A version and where its files are. */
export interface ReadableVersion {
  readonly id: number;
  readonly from: VersionZip;
}

/** A package in a list. */
export interface PackageSummary {
  /** In the module; "" is its root. */
  readonly directory: string;
  readonly name: string;
  readonly synopsis: string;
}

/** The packages of a version. */
export interface VersionPackages {
  /** By directory. */
  readonly packages: readonly PackageSummary[];
  /** Whether these are all; else more are being read. */
  readonly whole: boolean;
  /** Directories beyond the bound: of them only those are read that somebody looks at. */
  readonly leftOut: number;
}

/** The documentation of the package in a directory of a version; undefined if there is none. */
export async function documentationOf(
  registry: Registry,
  version: ReadableVersion,
  path: string,
): Promise<PackageDocumentation | undefined> {
  const kept = await keptDocumentation(registry, version.id, path);
  if (kept) return kept;
  return registry.documentation.packages.run(`${version.id} ${path}`, async () => {
    const directory = goDirectory(await filesOf(registry, version.from), path);
    const found = directory && (await make(registry, directory, true));
    if (!found) return undefined;
    await begin(registry, version.id);
    await write(registry, version.id, [[path, found]]);
    return unpacked(found.content);
  });
}

/** What is kept of the documentation of a package; undefined where none was made yet. */
export async function keptDocumentation(
  registry: Registry,
  versionId: number,
  directory: string,
): Promise<PackageDocumentation | undefined> {
  const kept = await keptContent(registry, versionId, directory);
  return kept && unpacked(kept);
}

/** The packages of a version. Waits so many milliseconds for those that are not read yet; all the same they will be. */
export async function packagesOf(
  registry: Registry,
  version: ReadableVersion,
  patienceMs: number,
): Promise<VersionPackages> {
  const known = await keptPackages(registry, version.id);
  if (known.whole) return known;
  const documented = documentVersion(registry, version);
  const waited = Promise.withResolvers<void>();
  const timer = setTimeout(waited.resolve, patienceMs).unref();
  try {
    await Promise.race([documented, waited.promise]);
  } finally {
    clearTimeout(timer);
  }
  return keptPackages(registry, version.id);
}

/** The documentation of all packages of a version that are read, by directory. */
export async function everythingDocumented(
  registry: Registry,
  versionId: number,
): Promise<Map<string, PackageDocumentation>> {
  const { rows } = await registry.database.pool.query<{ directory: string; content: Buffer }>(
    'SELECT directory, content FROM documented_package WHERE version_id = $1 ORDER BY directory COLLATE "C"',
    [versionId],
  );
  return new Map(rows.map(({ directory, content }) => [directory, unpacked(content)]));
}

/** Documents all packages of a version. */
export function documentVersion(registry: Registry, version: ReadableVersion): Promise<void> {
  return registry.documentation.versions.run(version.id, async () => {
    const release = await registry.documentation.turns.take();
    try {
      const { directories, leftOut } = goDirectories(await filesOf(registry, version.from));
      const known = await begin(registry, version.id);
      const done: [string, DocumentedDirectory][] = [];
      for (const directory of directories) {
        if (known.has(directory.path)) continue;
        const found = await make(registry, directory, false);
        if (found) done.push([directory.path, found]);
        if (done.length === WRITTEN_AT_ONCE) await write(registry, version.id, done.splice(0));
      }
      await write(registry, version.id, done);
      await registry.database.pool.query(
        "UPDATE documented_version SET whole = true, left_out = $2, documented_at = now() WHERE version_id = $1",
        [version.id, leftOut],
      );
    } finally {
      release();
    }
  });
}

async function make(
  registry: Registry,
  directory: GoDirectory,
  soon: boolean,
): Promise<DocumentedDirectory | undefined> {
  const read = await readGoDirectory(registry, directory);
  try {
    return await registry.documentation.threads.document(read, soon);
  } catch (error) {
    if (error instanceof ThreadsClosed)
      throw new Failure("unavailable", "the server stops; ask again in a moment", { cause: error });
    if (!(error instanceof TooMuch)) throw error;
    registry.log.warn(
      { err: error, version: directory.from.prefix, directory: directory.path },
      "a package takes too much to be documented",
    );
    return undefined;
  }
}

function unpacked(content: Uint8Array): PackageDocumentation {
  return JSON.parse(brotliDecompressSync(content).toString("utf8"));
}

/** Makes sure of the version's row, throws away what another format left, and names the directories that are there. */
async function begin(registry: Registry, versionId: number): Promise<Set<string>> {
  const { pool } = registry.database;
  await pool.query("DELETE FROM documented_version WHERE version_id = $1 AND format <> $2", [versionId, FORMAT]);
  const { rowCount } = await pool.query(
    `INSERT INTO documented_version (version_id, format) SELECT id, $2::int FROM module_version WHERE id = $1
     ON CONFLICT (version_id) DO UPDATE SET documented_at = now()`,
    [versionId, FORMAT],
  );
  if (rowCount === 0) throw new Failure("not-found", "the version is gone");
  const { rows } = await pool.query<{ directory: string }>(
    "SELECT directory FROM documented_package WHERE version_id = $1",
    [versionId],
  );
  return new Set(rows.map(({ directory }) => directory));
}

async function write(
  registry: Registry,
  versionId: number,
  some: readonly (readonly [directory: string, found: DocumentedDirectory])[],
): Promise<void> {
  if (some.length === 0) return;
  const rows = some.map(([directory, { name, synopsis, imports, words, content }]) => ({
    directory,
    name: keepable(name).slice(0, MAX_INDEXED),
    synopsis: keepable(synopsis).slice(0, MAX_SYNOPSIS).toWellFormed(),
    imports: indexed(imports),
    words: indexed(words),
    content: Buffer.from(content).toString("base64"),
  }));
  // Of two servers that document the same the first one stays: they say the same. A version that is gone takes none.
  await registry.database.pool.query(
    `INSERT INTO documented_package (version_id, directory, name, synopsis, imports, words, content)
     SELECT d.version_id, p.directory, p.name, p.synopsis, p.imports, p.words, decode(p.content, 'base64')
     FROM documented_version d, jsonb_to_recordset($2::jsonb)
       AS p (directory text, name text, synopsis text, imports text[], words text[], content text)
     WHERE d.version_id = $1 ON CONFLICT DO NOTHING`,
    [versionId, JSON.stringify(rows)],
  );
}

function indexed(texts: readonly string[]): string[] {
  return texts.filter((text) => text.length <= MAX_INDEXED).map(keepable);
}

async function keptContent(registry: Registry, versionId: number, directory: string): Promise<Buffer | undefined> {
  if (directory.includes("\0")) return undefined;
  const { rows } = await registry.database.pool.query<{ content: Buffer }>({
    name: "documented-package",
    text: `SELECT p.content FROM documented_version d JOIN documented_package p USING (version_id)
      WHERE d.version_id = $1 AND d.format = ${FORMAT} AND p.directory = $2`,
    values: [versionId, directory],
  });
  return rows[0]?.content;
}

async function keptPackages(registry: Registry, versionId: number): Promise<VersionPackages> {
  const { rows } = await registry.database.pool.query<{ whole: boolean; leftOut: number; packages: PackageSummary[] }>({
    name: "documented-packages",
    text: `SELECT whole, left_out AS "leftOut", COALESCE((
        SELECT json_agg(json_build_object('directory', directory, 'name', name, 'synopsis', synopsis)
          ORDER BY directory COLLATE "C") FROM documented_package WHERE version_id = $1), '[]') AS packages
      FROM documented_version WHERE version_id = $1 AND format = ${FORMAT}`,
    values: [versionId],
  });
  return rows[0] ?? { packages: [], whole: false, leftOut: 0 };
}
