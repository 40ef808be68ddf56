// The zip of a module out of a repository, file for file as the go command in direct mode makes it. It does not read blobs:
// it runs `git archive`, which converts line ends, expands `$Id$` and re-encodes as .gitattributes says, with export-ignore
// and export-subst switched off by info/attributes (cmd/go/internal/modfetch/codehost/git.go ReadZip), and picks files from
// that (coderepo.go Zip, golang.org/x/mod/zip Create). So do we, as streams: `ls-tree` tells the names, gomod/module-zip
// selects, and the tar that `git archive` writes flows through the zip writer into a file. Nothing is in memory whole except
// the list of names.
//
// Two things come raw, as in coderepo.go: the LICENSE of the root that a module in a sub-directory inherits, and, elsewhere,
// the go.mod that is served as .mod. The go.mod inside the zip is converted like any file.

import type { Readable } from "node:stream";
import tar from "tar-stream";
import { inTurns } from "../../concurrency/turns.ts";
import { withoutYoungGrowth } from "../../concurrency/young-generation.ts";
import { type Failure, invalid, isFailure } from "../../errors.ts";
import {
  ENTRIES_AT_ONCE,
  MAX_GO_MOD,
  MAX_LICENSE,
  requireValidSelection,
  selectZipFiles,
  type ZipEntry,
} from "../../gomod/module-zip.ts";
import type { FileToZip } from "../../gomod/zip-writer.ts";
import { writeZipFile, type ZipFile } from "../../registry/versions/zip-file.ts";
import { GitError, type GitProcess, spawnGit } from "../process/git-process.ts";
import type { Repository } from "./repository.ts";
import { listTree } from "./tree-listing.ts";

export interface ArchiveRequest {
  readonly repository: Repository;
  /** The object id of the commit. */
  readonly commit: string;
  /** The module's directory in the repository, slash-separated, without slashes around it; "" for the root. */
  readonly subdir: string;
  readonly modulePath: string;
  readonly version: string;
  /** Where the zip goes: a path at which nothing is. Nothing is left there if the promise rejects. */
  readonly file: string;
  /** The most bytes of the files together, and of the zip; default the go command's 500 MiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the zip of a module at a commit to a file, synced to the disk. Throws Failure("not-found") if the directory is not
 * there, Failure("invalid") with the go command's words if the files cannot be a module, Failure("too-large") if they are
 * too many bytes, and the signal's reason if it aborts.
 */
export function archiveModule(request: ArchiveRequest): Promise<ZipFile> {
  return withoutYoungGrowth(() => archive(request));
}

async function archive(request: ArchiveRequest): Promise<ZipFile> {
  const { modulePath, version, file, signal } = request;
  const { kept, license } = await selectFiles(request);
  signal?.throwIfAborted();

  try {
    const files = archivedFiles(request, kept, license);
    return await writeZipFile(file, `${modulePath}@${version}`, files, request.maxBytes);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Which files go into the zip: paths relative to the module, and the LICENSE that it inherits. */
async function selectFiles(request: ArchiveRequest): Promise<{ kept: Set<string>; license: Buffer | undefined }> {
  const { repository, commit, subdir, signal } = request;
  const listed = await listTree(repository.directory, commit, subdir, signal);
  let hasGoMod = false;
  let hasVendor = false;
  let hasLicense = false;
  for await (const some of inTurns(listed, ENTRIES_AT_ONCE))
    for (const { path, kind } of some) {
      hasGoMod ||= path === "go.mod" && kind === "file";
      hasVendor ||= path.startsWith("vendor/") || path.includes("/vendor/");
      hasLicense ||= path === "LICENSE";
    }
  const license = subdir !== "" && !hasLicense ? await rootLicense(repository, commit) : undefined;
  // The go line of go.mod decides about vendored files, and nothing else.
  const goMod = hasGoMod && hasVendor ? await convertedGoMod(request) : undefined;
  signal?.throwIfAborted();
  const selection = await selectZipFiles(withLicense(listed, license), { goMod });
  requireValidSelection(selection);
  return { kept: new Set(selection.kept), license };
}

function withLicense(listed: Iterable<ZipEntry>, license: Buffer | undefined): Iterable<ZipEntry> {
  if (license === undefined) return listed;
  return {
    *[Symbol.iterator]() {
      yield* listed;
      yield { path: "LICENSE", kind: "file", size: license.length };
    },
  };
}

async function rootLicense(repository: Repository, commit: string): Promise<Buffer | undefined> {
  try {
    const found = await repository.readFile(commit, "LICENSE", MAX_LICENSE);
    return found?.kind === "file" || found?.kind === "symlink" ? found.content : undefined;
  } catch (error) {
    throw isFailure(error, "too-large") ? tooLarge("LICENSE", MAX_LICENSE) : error;
  }
}

async function convertedGoMod(request: ArchiveRequest): Promise<Buffer | undefined> {
  const path = request.subdir === "" ? "go.mod" : `${request.subdir}/go.mod`;
  for await (const { name, size, content } of tarredFiles(request, path)) {
    if (name !== path) continue;
    if (size > MAX_GO_MOD) throw tooLarge("go.mod", MAX_GO_MOD);
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  return undefined;
}

function tooLarge(path: string, limit: number): Failure {
  return invalid(`create zip: ${path}: ${path} file too large (max size is ${limit} bytes)`);
}

/**
 * The files that are missing in the zip, with their bytes, one after another, the inherited LICENSE last. Each is taken off
 * the set.
 */
async function* archivedFiles(
  request: ArchiveRequest,
  missing: Set<string>,
  license: Buffer | undefined,
): AsyncGenerator<FileToZip> {
  const prefix = request.subdir === "" ? "" : `${request.subdir}/`;
  const inherits = license !== undefined && missing.delete("LICENSE");
  for await (const { name, size, content } of tarredFiles(request, request.subdir)) {
    const path = name.slice(prefix.length);
    if (!name.startsWith(prefix) || !missing.delete(path)) {
      content.resume();
      continue;
    }
    if (path === "go.mod" && size > MAX_GO_MOD) throw tooLarge(path, MAX_GO_MOD);
    if (path === "LICENSE" && size > MAX_LICENSE) throw tooLarge(path, MAX_LICENSE);
    yield { name: path, content };
  }
  if (missing.size > 0) throw new Error(`git archive lacks ${[...missing].slice(0, 3).join(", ")} of ls-tree`);
  if (inherits) yield { name: "LICENSE", content: license };
}

interface TarredFile {
  readonly name: string;
  /** In bytes, after conversion. */
  readonly size: number;
  /** To be read to its end, or resume()d, before the next file comes. */
  readonly content: Readable;
}

/** The regular files of a path of the commit as `git archive` converts them, as a stream. */
async function* tarredFiles(request: ArchiveRequest, path: string): AsyncGenerator<TarredFile> {
  const { repository, commit, signal } = request;
  const git: GitProcess = await spawnGit(
    repository.directory,
    [
      "-c",
      "core.autocrlf=input",
      "-c",
      "core.eol=lf",
      "archive",
      "--format=tar",
      "--end-of-options",
      commit,
      ...(path === "" ? [] : [path]),
    ],
    { signal },
  );
  git.stdin.end();
  const extract = tar.extract();
  try {
    // The end of a failed git is an end of the tar, not an error of its own: its exit status is asked for below.
    git.stdout.pipe(extract as unknown as NodeJS.WritableStream);
    git.stdout.once("close", () => {
      if (!git.stdout.readableEnded) extract.destroy(new Error("git archive was stopped"));
    });
    for await (const entry of extract) {
      const { name, type, size = 0 } = entry.header;
      if (type === "file") yield { name, size, content: entry as unknown as Readable };
      else entry.resume();
    }
    await git.ended;
  } catch (error) {
    git.stop();
    await git.ended.catch((cause: unknown) => {
      if (cause instanceof GitError && cause.exitCode === null) throw error; // stopped by us
      throw cause;
    });
    throw error;
  } finally {
    git.stop();
    extract.destroy();
    await git.ended.catch(() => {});
  }
}
