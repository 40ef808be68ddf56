// What the files of a module say about it: its readme, its licences, its go line. Of one version it is read out of the zip
// when somebody asks; of each module it is written down (ModuleDocument), from the newest version that has a zip, so that
// lists and searches need no zip. That is the work of the job describe-module, left behind when a zip is stored. Nothing
// waits for it, and what it writes can be made again at any time.
//
// Two servers may describe one module at once, and versions come and go meanwhile: after writing, each looks again which
// version counts, and does it over until that is the one that it wrote. So whoever writes last has looked last.
import type { ModuleDocument } from "../../database/generated/client.ts";
import { Failure, isFailure } from "../../errors.ts";
import { MAX_LICENSE_CHARACTERS, type RecognizedLicense } from "../../gomod/license.ts";
import { isLicenseFile, readmeAmong } from "../../gomod/root-files.ts";
import type { DescribeModulePayload } from "../../jobs/describe-module.ts";
import type { Registry } from "../registry.ts";
import { keepable } from "../text.ts";
import { latestVersions } from "../versions/listed-versions.ts";
import { readGoMod, readLargeGoMod } from "../versions/readable-go-mod.ts";
import { licenseMatcher } from "./known-licenses.ts";
import { type ModuleFile, readRootFiles, type VersionZip, zipPrefix } from "./module-files.ts";

/** Of a readme, in bytes of UTF-8. */
const MAX_README_BYTES = 64 * 1024;
/** Licence files of one module that are read. */
const MAX_LICENSE_FILES = 20;
/** Modules that one run of the job describes when it catches up. */
const CATCH_UP_MODULES = 100;
/** How often a description is done over because another version counts by then. */
const ATTEMPTS = 5;
/** So many descriptions, of 64 KiB and more, are in memory and written down at once. */
const AT_ONCE = 20;

/** A licence that was found in a file. */
export interface LicenseInFile extends RecognizedLicense {
  /** In the module's root. */
  readonly filePath: string;
}

export interface Readme {
  readonly path: string;
  /** The first 64 KiB. */
  readonly text: string;
  readonly truncated: boolean;
}

/** What the files in the root of a version say. */
export interface VersionDocument {
  readonly readme: Readme | undefined;
  /** By file, and in one file the largest first. */
  readonly licenses: readonly LicenseInFile[];
}

/** What was written down of a module. */
export interface DescribedModule extends VersionDocument {
  /** The version that it was read from. */
  readonly versionId: number;
  readonly goVersion: string | undefined;
}

// ---- of one version --------------------------------------------------------------------------------------------------

/** Reads the readme and the licences of a version. */
export function describeVersion(registry: Registry, from: VersionZip): Promise<VersionDocument> {
  return readRootFiles(registry, from, async (root, readHead) => {
    const licenses: LicenseInFile[] = [];
    for (const file of root.filter(({ path }) => isLicenseFile(path)).slice(0, MAX_LICENSE_FILES)) {
      const matcher = await licenseMatcher();
      const text = (await readHead(file, MAX_LICENSE_CHARACTERS)).toString("utf8");
      for (const { spdxId, coverage } of matcher.recognize(text))
        licenses.push({ spdxId, filePath: file.path, coverage });
    }
    const readmePath = readmeAmong(root.map(({ path }) => path));
    const readme = root.find(({ path }) => path === readmePath);
    return { readme: readme && asReadme(readme, await readHead(readme, MAX_README_BYTES)), licenses };
  });
}

function asReadme(file: ModuleFile, head: Buffer): Readme {
  const isCut = head.length < Number(file.size);
  // As people see it, whatever its bytes are; the database takes no NUL.
  const text = keepable(new TextDecoder("utf-8").decode(head, { stream: isCut }));
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_README_BYTES) return { path: file.path, text, truncated: isCut };
  const cut = new TextDecoder("utf-8").decode(bytes.subarray(0, MAX_README_BYTES), { stream: true });
  return { path: file.path, text: cut, truncated: true };
}

// ---- of modules, written down ----------------------------------------------------------------------------------------

/** What is written down of modules, by their numbers. */
export async function descriptionsOf(
  registry: Registry,
  moduleIds: readonly number[],
): Promise<Map<number, DescribedModule>> {
  if (moduleIds.length === 0) return new Map();
  const { rows } = await registry.database.pool.query<Omit<ModuleDocument, "licenses" | "describedAt">>({
    name: "descriptions-of-modules",
    text: `SELECT module_id AS "moduleId", version_id AS "versionId", readme_path AS "readmePath", readme,
        readme_truncated AS "readmeTruncated", license_files AS "licenseFiles", go_version AS "goVersion"
      FROM module_document WHERE module_id = ANY($1)`,
    values: [moduleIds],
  });
  return new Map(
    rows.map(({ moduleId, versionId, readmePath, readme, readmeTruncated, licenseFiles, goVersion }) => [
      moduleId,
      {
        versionId,
        readme:
          readmePath === null || readme === null
            ? undefined
            : { path: readmePath, text: readme, truncated: readmeTruncated },
        licenses: licenseFiles as unknown as LicenseInFile[],
        goVersion: goVersion ?? undefined,
      },
    ]),
  );
}

/** Leaves the job that describes what was stored before there were descriptions, or while there was no server. */
export async function resumeDescribing(registry: Registry): Promise<void> {
  const [waiting] = await undescribed(registry, 0, 1);
  if (waiting !== undefined) await registry.jobs.beginWalk("describe-module", { undescribedAfter: 0 });
}

/** Does what the job describe-module says. */
export async function describe(registry: Registry, what: DescribeModulePayload): Promise<void> {
  if ("undescribedAfter" in what) return describeUndescribed(registry, what.undescribedAfter);
  if ("moduleId" in what) return describeModules(registry, [what.moduleId]);
  const { rows } = await registry.database.pool.query<{ module_id: number }>(
    "SELECT DISTINCT module_id FROM module_version WHERE id = ANY($1::int[])",
    [what.versionIds],
  );
  await describeModules(
    registry,
    rows.map((row) => row.module_id),
  );
}

/** Describes some modules that are not described, and leaves the rest to another run. */
export async function describeUndescribed(registry: Registry, after: number): Promise<void> {
  const ids = await undescribed(registry, after, CATCH_UP_MODULES);
  for (const id of ids)
    await describeModules(registry, [id]).catch((error: unknown) =>
      registry.log.error({ err: error, moduleId: id }, "a module cannot be described; the next start tries again"),
    );
  const last = ids.at(-1);
  if (last !== undefined && ids.length === CATCH_UP_MODULES)
    await registry.jobs.continueWalk("describe-module", { undescribedAfter: last });
}

async function undescribed(registry: Registry, after: number, take: number): Promise<number[]> {
  const { rows } = await registry.database.pool.query<{ id: number }>(
    `SELECT m.id FROM module m
     WHERE m.id > $1
       AND NOT EXISTS (SELECT FROM module_document d WHERE d.module_id = m.id)
       AND EXISTS (SELECT FROM module_version v WHERE v.module_id = m.id AND v.zip_key IS NOT NULL)
     ORDER BY m.id LIMIT $2`,
    [after, take],
  );
  return rows.map(({ id }) => id);
}

/** Writes down what the files of modules say, where another version counts than was described. Throws when one failed. */
export async function describeModules(registry: Registry, moduleIds: readonly number[]): Promise<void> {
  const failures: unknown[] = [];
  let left = [...moduleIds];
  for (let attempt = 0; left.length > 0 && attempt < ATTEMPTS; attempt++) {
    const versions = await versionsToDescribe(registry, left);
    left = [];
    const outcomes: Outcome[] = [];
    for (let at = 0; at < versions.length; at += AT_ONCE)
      outcomes.push(...(await describeSome(registry, versions.slice(at, at + AT_ONCE))));
    for (const { version, error } of outcomes) {
      // Told in the log: the bytes of a zip are lost. The version may also have gone meanwhile.
      if (isFailure(error, "unavailable")) continue;
      if (error === undefined || !(await isThere(registry, version)))
        left.push(version.moduleId); // looked at once more
      else failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  if (left.length > 0 && (await versionsToDescribe(registry, left)).length > 0)
    throw new Failure(
      "unavailable",
      `the versions of modules ${left.join(", ")} change too fast to be described; it is tried again`,
    );
}

async function isThere({ database }: Registry, { id }: VersionToDescribe): Promise<boolean> {
  const { rows } = await database.pool.query("SELECT FROM module_version WHERE id = $1", [id]);
  return rows.length > 0;
}

interface Outcome {
  readonly version: VersionToDescribe;
  /** What went wrong with it; undefined: it is written down. */
  readonly error: unknown;
}

/**
 * Describes some versions and writes them down together, because each statement waits for the disk. One that cannot be written,
 * such as one that has gone meanwhile, keeps no other from it: then each is written by itself.
 */
async function describeSome(registry: Registry, versions: readonly VersionToDescribe[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const documents: Written[] = [];
  for (const version of versions)
    try {
      documents.push(await documentOf(registry, version));
    } catch (error) {
      outcomes.push({ version, error });
    }
  const failureOf = (some: readonly Written[]): Promise<unknown> =>
    write(registry, some).then(
      () => undefined,
      (error: unknown) => error,
    );
  const together = documents.length === 0 ? undefined : await failureOf(documents);
  const isKnown = together === undefined || documents.length === 1;
  for (const document of documents)
    outcomes.push({ version: document.of, error: isKnown ? together : await failureOf([document]) });
  return outcomes;
}

interface VersionToDescribe {
  readonly id: number;
  readonly moduleId: number;
  readonly path: string;
  readonly version: string;
  readonly goMod: Buffer | null;
  readonly h1: string;
  readonly zipKey: string;
  readonly zipSize: string;
  readonly hosted: boolean;
}

/** Of each module the latest version if it has a zip, else the newest that has; those are left out that are described. */
async function versionsToDescribe(registry: Registry, moduleIds: readonly number[]): Promise<VersionToDescribe[]> {
  const latest = [...(await latestVersions(registry, moduleIds)).values()].map(({ id }) => id);
  const { rows } = await registry.database.pool.query<VersionToDescribe>({
    name: "versions-to-describe",
    text: `SELECT v.id, m.id AS "moduleId", m.path, v.version, v.go_mod AS "goMod", v.h1, v.zip_key AS "zipKey",
        v.zip_size AS "zipSize", m.project_id IS NOT NULL AS hosted
      FROM module m CROSS JOIN LATERAL (
        SELECT * FROM module_version WHERE module_id = m.id AND zip_key IS NOT NULL
        ORDER BY id = ANY($2::int[]) DESC, retracted,
          CASE kind WHEN 'RELEASE' THEN 0 WHEN 'PRERELEASE' THEN 1 WHEN 'INCOMPATIBLE' THEN 2 ELSE 3 END, sort_key DESC
        LIMIT 1) AS v
      WHERE m.id = ANY($1::int[])
        AND NOT EXISTS (SELECT FROM module_document d WHERE d.module_id = m.id AND d.version_id = v.id)
      ORDER BY m.id`,
    values: [moduleIds, latest],
  });
  return rows;
}

/** A description as it is written down, in the names of its columns. */
interface Written {
  readonly of: VersionToDescribe;
  readonly readme_path: string | undefined;
  readonly readme: string | undefined;
  readonly readme_truncated: boolean;
  readonly licenses: readonly string[];
  readonly license_files: readonly LicenseInFile[];
  readonly go_version: string | undefined;
}

async function documentOf(registry: Registry, version: VersionToDescribe): Promise<Written> {
  const zip = { h1: version.h1, sha256: version.zipKey, size: Number(version.zipSize) };
  const { readme, licenses } = await describeVersion(registry, {
    zip,
    prefix: zipPrefix(version.path, version.version),
  });
  return {
    of: version,
    readme_path: readme?.path,
    readme: readme?.text,
    readme_truncated: readme?.truncated ?? false,
    licenses: [...new Set(licenses.map(({ spdxId }) => spdxId))].sort(),
    license_files: licenses,
    go_version: await goVersionOf(version.goMod),
  };
}

async function write(registry: Registry, documents: readonly Written[]): Promise<void> {
  await registry.database.pool.query({
    name: "write-module-documents",
    // Of two who write the same one is passed over, by whichever of the two keys; whoever looks next sees what is there.
    text: `WITH said AS (
        SELECT * FROM json_to_recordset($1::json) AS said (module_id int, version_id int, readme_path text, readme text,
          readme_truncated bool, licenses text[], license_files jsonb, go_version text)),
      known AS (
        UPDATE module_document d SET version_id = said.version_id, readme_path = said.readme_path, readme = said.readme,
          readme_truncated = said.readme_truncated, licenses = said.licenses, license_files = said.license_files,
          go_version = said.go_version, described_at = now()
        FROM said WHERE d.module_id = said.module_id RETURNING d.module_id)
      INSERT INTO module_document
        (module_id, version_id, readme_path, readme, readme_truncated, licenses, license_files, go_version, described_at)
      SELECT *, now() FROM said WHERE NOT EXISTS (SELECT FROM known WHERE known.module_id = said.module_id)
      ON CONFLICT DO NOTHING`,
    values: [
      JSON.stringify(documents.map(({ of, ...said }) => ({ module_id: of.moduleId, version_id: of.id, ...said }))),
    ],
  });
  for (const { of } of documents)
    if (of.hosted) await registry.jobs.sendAlone("document-module", { moduleId: of.moduleId });
}

/** The go line of a go.mod, if it is a Go version. */
export async function goVersionOf(goMod: Buffer | null): Promise<string | undefined> {
  if (goMod === null) return undefined;
  const bytes = Buffer.from(goMod);
  await readLargeGoMod(bytes);
  const go = readGoMod(bytes).file?.go;
  return go !== undefined && /^[0-9a-z.]{1,20}$/.test(go) ? go : undefined;
}
