// Uploads: versions that come as finished modules, without git. What is sent is judged by the rules by which the go command
// judges what it downloads, and a zip is kept exactly as it was sent; of a tar the zip is made here, as of a repository. All
// that can be said before the body is said before it; all that is wrong with the body is said at once; and nothing that was
// refused is kept. A version that is published already stays as it is: the same content again is no mistake (pipelines are
// run twice), other content is refused with both sums.
import { open, rm } from "node:fs/promises";
import { createSlots, type Slots } from "../concurrency/slots.ts";
import { withoutYoungGrowth } from "../concurrency/young-generation.ts";
import { Failure, isFailure } from "../errors.ts";
import { goModObjection } from "../git/indexing/go-mod-objection.ts";
import { type ModuleArchives, zipOf } from "../git/indexing/module-archives.ts";
import { h1OfGoMod } from "../gomod/dir-hash.ts";
import { synthesizeGoMod } from "../gomod/go-mod-file.ts";
import { quote } from "../gomod/go-quote.ts";
import { locateModule, type ModuleLocation } from "../gomod/module-root.ts";
import { MAX_ZIP_FILE } from "../gomod/module-zip.ts";
import { isIncompatible, isPseudoVersion } from "../gomod/version.ts";
import { checkModuleZip } from "../gomod/zip-check.ts";
import { ownerOf } from "../registry/forge/module-owner.ts";
import { moduleRootsOf } from "../registry/forge/projects.ts";
import { protectedTagRefusals } from "../registry/forge/protected-tags.ts";
import { demandRoom } from "../registry/forge/quotas.ts";
import { TAGS } from "../registry/forge/ref-names.ts";
import type { Principal } from "../registry/principal.ts";
import type { ProjectRow } from "../registry/rows.ts";
import { readModuleZip } from "../registry/versions/module-zip-content.ts";
import { findVersion, type ServedVersion } from "../registry/versions/served-versions.ts";
import { findGrave, notUploaded } from "../registry/versions/tombstones.ts";
import { publishUploaded } from "../registry/versions/uploaded-versions.ts";
import { type MadeZip, zipKeyOf } from "../registry/versions/version-zip.ts";
import { BadZip, readZipDirectory } from "../storage/zip-reader.ts";
import { isExactVersion } from "../upstream/admission.ts";
import { brokenRules, faultLine } from "./broken-rules.ts";
import type { ReceivedBody } from "./received-body.ts";
import { readUploadedTree, writeTree } from "./uploaded-tree.ts";

/** Uploads that are judged at the same time: each keeps one processor busy. */
const JUDGED_AT_ONCE = 2;

export interface Uploads {
  readonly archives: ModuleArchives;
  /** The most bytes that a tar may have; a zip has no more than a module's may. */
  readonly maxBytes: number;
  /** Told of projects that have new versions. */
  readonly changed: (projectId: number) => void;
  readonly places: Slots;
}

export function openUploads(parts: Omit<Uploads, "places">): Uploads {
  return { ...parts, places: createSlots(JUDGED_AT_ONCE, { what: "uploads" }) };
}

/** Which version an upload is. */
export interface UploadName {
  readonly modulePath: string;
  readonly version: string;
}

/** A version that is to be uploaded to a project, by somebody who may do that (demandPublish). */
export interface Upload extends UploadName {
  readonly principal: Principal;
  readonly project: ProjectRow;
  /** A finished module zip, or a tree as `git archive` writes it. */
  readonly format: "zip" | "tar";
  /** The h1 that the sender says it has. */
  readonly claimed?: string | undefined;
}

/** A version that is published, by this upload or before. */
export interface UploadOutcome {
  readonly isNew: boolean;
  readonly h1: string;
  readonly goModH1: string;
  /** Of the bytes of the zip that is kept, in hexadecimal. */
  readonly sha256: string;
  /** Bytes of that zip. */
  readonly size: number;
}

/** The most bytes that a body may have. */
export function maxBytesOf(uploads: Uploads, format: Upload["format"]): number {
  return format === "zip" ? Math.min(MAX_ZIP_FILE, uploads.maxBytes) : uploads.maxBytes;
}

/**
 * Publishes an upload. `receive` writes its body to a path, and is asked only when nothing else is against it. Throws
 * forbidden, conflict, gone and unprocessable, each with all there is to say, and what `receive` throws.
 */
export async function publishUpload(
  uploads: Uploads,
  upload: Upload,
  receive: (path: string) => Promise<ReceivedBody>,
): Promise<UploadOutcome> {
  const { registry } = uploads.archives;
  const location = await demandName(uploads, upload);
  const before = await findVersion(registry, upload.project.id, upload.modulePath, upload.version);
  if (before && upload.claimed !== undefined) return samePublished(uploads, upload, before, upload.claimed);
  if (!before) await demandRoom(registry, upload.project.group, 1);
  const [body, made] = [registry.blobs.scratch(), registry.blobs.scratch()];
  try {
    const received = await receive(body);
    const leave = await uploads.places.take();
    try {
      const judged = await withoutYoungGrowth(() =>
        upload.format === "zip" ? judgeZip(upload, body, received) : makeZip(upload, location, body, made),
      );
      return await keep(uploads, upload, judged, upload.format === "zip" ? body : made);
    } finally {
      leave();
    }
  } finally {
    await rm(body, { force: true });
    await rm(made, { force: true });
  }
}

/** Refuses a name that cannot be given, whatever comes; says how the module would lie in the project's repository. */
async function demandName({ archives }: Uploads, upload: Upload): Promise<ModuleLocation> {
  const { registry } = archives;
  const { project, principal, modulePath, version } = upload;
  const roots = moduleRootsOf(registry, project);
  const [location] = roots.flatMap((root) => locateModule(root, modulePath) ?? []);
  const owner = await ownerOf(registry, modulePath);
  if (!location || owner?.id !== project.id)
    throw new Failure(
      "forbidden",
      `${modulePath} is no module of ${project.fullPath}: its modules are ${roots.join(" or ")} and below`,
      { reason: "module_path_foreign" },
    );
  if (isPseudoVersion(version))
    throw brokenRules([
      `${version} is a pseudo-version: it names a commit, and is made of one; push the commit, or upload a version such as v0.1.0`,
    ]);
  if (!isExactVersion(modulePath, version))
    throw brokenRules([
      `${quote(version)} is no version of ${modulePath}: it must be vMAJOR.MINOR.PATCH, of its major`,
    ]);
  const grave = await findGrave(registry, modulePath, version);
  if (grave && !grave.returnable) throw notUploaded(modulePath, version, grave);
  const tag = `${TAGS}${location.tagPrefix}${version.replace(/\+incompatible$/, "")}`;
  const refused = await protectedTagRefusals(registry, principal, project, [{ name: tag, kind: "create" }]);
  const reason = refused.get(tag);
  if (reason !== undefined)
    throw new Failure("forbidden", `${modulePath}@${version} would be the tag ${tag.slice(TAGS.length)}: ${reason}`);
  return location;
}

/** Which version a module zip says that it is, by the first name in it. Throws unprocessable if it says none. */
export async function nameInZip(path: string, size: number): Promise<UploadName> {
  const file = await open(path);
  try {
    const entries = await withoutYoungGrowth(() => readZipDirectory(file, size));
    const pattern = /^([^@]+)@([^/]+)\//;
    const named = entries.find(({ name }) => pattern.test(name));
    const [, modulePath, version] = (named && pattern.exec(named.name)) ?? [];
    if (modulePath !== undefined && version !== undefined) return { modulePath, version };
    throw brokenRules(["the names in the zip do not begin with MODULE@VERSION/"]);
  } catch (error) {
    throw error instanceof BadZip ? brokenRules([error.message]) : error;
  } finally {
    await file.close();
  }
}

/** A zip that may be kept. */
interface JudgedZip extends MadeZip {
  readonly goMod: Buffer | undefined;
}

/** Judges a zip by the rules of module zips. Throws unprocessable with every rule that it breaks. */
async function judgeZip(upload: Upload, path: string, { size, sha256 }: ReceivedBody): Promise<JudgedZip> {
  const prefix = `${upload.modulePath}@${upload.version}`;
  const file = await open(path);
  try {
    const entries = await readZipDirectory(file, size);
    const { invalid, sizeError } = await checkModuleZip(prefix, entries, size);
    const faults = [
      ...(sizeError === undefined ? [] : [sizeError]),
      ...invalid.map(faultLine),
      ...(upload.claimed === undefined ? directoryRules(entries) : []),
    ];
    if (faults.length > 0) throw brokenRules(faults);
    return { ...(await readModuleZip(prefix, file, entries)), sha256, size };
  } catch (error) {
    throw error instanceof BadZip ? brokenRules([error.message]) : error;
  } finally {
    await file.close();
  }
}

/**
 * Entries for directories, as `zip -r` writes them, count in the sum of a zip and not in that of the files which the go command
 * unpacks (x/mod/sumdb/dirhash, HashZip and HashDir): it builds, and `go mod verify` calls the module modified wherever it
 * came. So a new version has none. Who names its sum brings one that others know by it.
 */
function directoryRules(entries: readonly { readonly name: string }[]): string[] {
  const directories = entries.filter(({ name }) => name.endsWith("/"));
  const [first] = directories;
  if (first === undefined) return [];
  const what = `${first.name}: the zip has entries for directories (${directories.length}), for which "go mod verify" fails everywhere`;
  return [`${what}; leave them out (zip -D), or send the sum that the version has elsewhere as Gokura-H1`];
}

async function makeZip(upload: Upload, location: ModuleLocation, tar: string, zip: string): Promise<JudgedZip> {
  const tree = await readUploadedTree(tar, upload.modulePath, location);
  const { h1, sha256, size } = await writeTree(tar, tree, `${upload.modulePath}@${upload.version}`, zip);
  return { h1, sha256, size, goMod: tree.goMod };
}

/** Keeps a zip as the version, or says that it is that version already. First the bytes, then the row that promises them. */
async function keep(uploads: Uploads, upload: Upload, zip: JudgedZip, path: string): Promise<UploadOutcome> {
  const { registry } = uploads.archives;
  const { principal, project, modulePath, version, claimed } = upload;
  const { h1, sha256, size } = zip;
  const rules = [
    claimed === undefined || claimed === h1 ? undefined : otherThanClaimed(h1, claimed),
    goModRule(upload, zip),
  ];
  const broken = rules.filter((rule) => rule !== undefined);
  if (broken.length > 0) throw brokenRules(broken);
  const published = await findVersion(registry, project.id, modulePath, version);
  if (published) return samePublished(uploads, upload, published, h1);
  await demandRoom(registry, project.group, size);
  await registry.blobs.adopt(path, zipKeyOf(zip));
  const goMod = zip.goMod ?? Buffer.from(synthesizeGoMod(modulePath));
  const isNew = await publishUploaded(registry, principal, project.id, {
    ...{ modulePath, version, goMod },
    legacy: zip.goMod === undefined,
    zip: { h1, sha256, size },
  });
  uploads.changed(project.id);
  if (isNew)
    registry.log.info({ project: project.fullPath, module: modulePath, version, h1 }, "a version was uploaded");
  if (isNew) return { isNew, h1, goModH1: h1OfGoMod(goMod), sha256, size };
  const other = await findVersion(registry, project.id, modulePath, version);
  if (!other) throw new Failure("conflict", `${modulePath}@${version} was deleted a moment ago`);
  return samePublished(uploads, upload, other, h1);
}

/** What the go command would have against the go.mod. */
function goModRule({ modulePath, version }: Upload, { goMod }: JudgedZip): string | undefined {
  if (goMod === undefined) return undefined;
  if (isIncompatible(version))
    return "+incompatible suffix not allowed: module contains a go.mod file, so module path must match major version";
  return goModObjection(modulePath, { goMod, legacy: false });
}

function otherThanClaimed(h1: string, claimed: string): string {
  return `the upload has ${h1}, and Gokura-H1 says ${claimed}: it is not what was meant to be sent`;
}

/** The version that is published, if it has this h1. Throws conflict with both sums if it has another one. */
async function samePublished(
  { archives }: Uploads,
  { project, modulePath, version }: Upload,
  published: ServedVersion,
  h1: string,
): Promise<UploadOutcome> {
  const zip = await zipOf(archives, project.id, published).catch((error: unknown) => {
    if (isFailure(error, "not-found")) return undefined; // its tag cannot be one
    throw error;
  });
  if (zip?.h1 === h1)
    return { isNew: false, h1, goModH1: h1OfGoMod(published.goMod), sha256: zip.sha256, size: zip.size };
  const from = published.commit === null ? "by an upload" : `from commit ${published.commit.slice(0, 12)}`;
  throw new Failure(
    "conflict",
    `${modulePath}@${version} was published ${from} with ${zip?.h1 ?? "no zip that could be made"} and stays so; this has ${h1}: publish another version`,
    { reason: "version_differs" },
  );
}
