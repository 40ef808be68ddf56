// A tree that was uploaded as a tar, as `git archive` writes one, becomes a module's zip by the rules by which the go command
// makes it of a repository: the same files, and so the same h1. The tar is the module's directory or the whole repository; the
// go.mod that declares the module says where in it the module lies. It is read twice, since which files belong to the zip is
// known only after the last name (a go.mod further down makes its directory another module).
//
// Source: golang.org/x/mod/zip CreateFromDir, which also leaves out the directories of version control.
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import tar from "tar-stream";
import { isFailure } from "../errors.ts";
import { declaredModulePath } from "../gomod/go-mod-line.ts";
import type { ModuleLocation } from "../gomod/module-root.ts";
import { MAX_GO_MOD, MAX_LICENSE, needsRootLicense, selectZipFiles, type ZipEntry } from "../gomod/module-zip.ts";
import type { FileToZip } from "../gomod/zip-writer.ts";
import { writeZipFile, type ZipFile } from "../registry/versions/zip-file.ts";
import { brokenRules, faultLine } from "./broken-rules.ts";

/** A tar of more files is no module's: its zip's directory would be larger than any that is read. */
const MAX_ENTRIES = 500_000;
/** Directories in which version control keeps its own files. */
const VERSION_CONTROL = new Set([".bzr", ".git", ".hg", ".svn"]);

/** The tree of a module that was uploaded, looked through. */
export interface UploadedTree {
  /** Where in the tar the module lies, with a slash at the end; "" at its root. */
  readonly prefix: string;
  readonly goMod: Buffer;
  /** Paths relative to the module. */
  readonly kept: ReadonlySet<string>;
  /** The LICENSE of the tar's root, which the module inherits. */
  readonly license: Buffer | undefined;
}

/** Looks a tar through. Throws unprocessable with all that keeps it from being the module. */
export async function readUploadedTree(
  file: string,
  modulePath: string,
  location: ModuleLocation,
): Promise<UploadedTree> {
  const { entries, goMods, license } = await listTree(file, placesOf(location)).catch((error: unknown) => {
    if (isFailure(error) || (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw brokenRules([`this is no tar that can be read: ${(error as Error).message}`]);
  });
  const prefixes = [...goMods.keys()].filter((prefix) => declaredModulePath(goMods.get(prefix)!) === modulePath);
  const [prefix, second] = prefixes;
  if (prefix === undefined) throw brokenRules([whyNoModule(modulePath, location, goMods)]);
  if (second !== undefined)
    throw brokenRules([`both ${prefix}go.mod and ${second}go.mod declare module ${modulePath}: which one is it?`]);
  const inModule = entries
    .filter(({ path }) => path.startsWith(prefix))
    .map((entry) => ({ ...entry, path: entry.path.slice(prefix.length) }));
  const inherited = prefix !== "" && needsRootLicense(inModule) ? license : undefined;
  if (inherited) inModule.push({ path: "LICENSE", kind: "file", size: inherited.length });
  const goMod = goMods.get(prefix)!;
  const { kept, invalid, sizeError } = await selectZipFiles(inModule, { goMod });
  const faults = [...(sizeError === undefined ? [] : [sizeError]), ...invalid.map(faultLine)];
  if (faults.length > 0) throw brokenRules(faults);
  return { prefix, goMod, kept: new Set(kept), license: inherited };
}

/** Writes the zip of a tree that readUploadedTree has looked through, out of the same tar. */
export function writeTree(file: string, tree: UploadedTree, prefix: string, zip: string): Promise<ZipFile> {
  return writeZipFile(zip, prefix, filesOf(file, tree));
}

/** Where in a repository the module may lie, as prefixes of paths. */
function placesOf({ tagPrefix, pathMajor, isRoot }: ModuleLocation): ReadonlySet<string> {
  const majorDirectory = pathMajor.startsWith("/")
    ? [`${tagPrefix}${pathMajor.slice(1)}/`, `${pathMajor.slice(1)}/`]
    : [];
  return new Set(["", ...(isRoot ? [] : [tagPrefix]), ...majorDirectory]);
}

function whyNoModule(modulePath: string, location: ModuleLocation, goMods: ReadonlyMap<string, Buffer>): string {
  const found = [...goMods].map(([prefix, goMod]) => `${prefix}go.mod declares ${declaredModulePath(goMod) || "none"}`);
  const places = [...placesOf(location)].map((place) => `${place}go.mod`).join(" or ");
  return `no go.mod in the tar declares module ${modulePath} (looked for ${places}${found.length > 0 ? `; ${found.join(", ")}` : ""})`;
}

interface ListedTree {
  readonly entries: readonly ZipEntry[];
  /** The go.mod files of the places where the module may lie, by the prefix. */
  readonly goMods: ReadonlyMap<string, Buffer>;
  readonly license: Buffer | undefined;
}

async function listTree(file: string, places: ReadonlySet<string>): Promise<ListedTree> {
  const entries: ZipEntry[] = [];
  const goMods = new Map<string, Buffer>();
  let license: Buffer | undefined;
  for await (const { path, kind, size, linkname, content } of entriesOf(file)) {
    if (kind === "directory") continue;
    if (entries.length === MAX_ENTRIES) throw brokenRules([`the tar has more than ${MAX_ENTRIES} files`]);
    entries.push({ path, kind, size });
    const place = path.slice(0, path.lastIndexOf("/") + 1);
    if (path === `${place}go.mod` && places.has(place) && kind === "file" && size <= MAX_GO_MOD)
      goMods.set(place, await bytesOf(content));
    else if (path === "LICENSE" && kind === "symlink") license = Buffer.from(linkname);
    else if (path === "LICENSE" && kind === "file" && size <= MAX_LICENSE) license = await bytesOf(content);
  }
  return { entries, goMods, license };
}

async function* filesOf(file: string, { prefix, kept, license }: UploadedTree): AsyncGenerator<FileToZip> {
  const missing = new Set(kept);
  const inherits = license !== undefined && missing.delete("LICENSE");
  for await (const { path, kind, content } of entriesOf(file)) {
    const name = path.slice(prefix.length);
    if (kind === "file" && path.startsWith(prefix) && missing.delete(name)) yield { name, content };
  }
  if (inherits) yield { name: "LICENSE", content: license };
}

interface TarEntry extends ZipEntry {
  readonly linkname: string;
  /** Read, or skipped when the next entry is asked for. */
  readonly content: Readable;
}

/** What is in a tar, but for what version control keeps. Throws tar-stream's errors. */
async function* entriesOf(file: string): AsyncGenerator<TarEntry> {
  const extract = tar.extract();
  const bytes = createReadStream(file);
  bytes.on("error", (error) => extract.destroy(error));
  bytes.pipe(extract);
  try {
    for await (const entry of extract) {
      const { name, type, size = 0, linkname } = entry.header;
      const path = name.replace(/^\.\//, "");
      const content = entry as unknown as Readable;
      if (!path.split("/").some((element) => VERSION_CONTROL.has(element)))
        yield { path, kind: kindOf(type), size, linkname: linkname ?? "", content };
      content.resume();
    }
  } finally {
    bytes.destroy();
    extract.destroy();
  }
}

function kindOf(type: string | null | undefined): ZipEntry["kind"] {
  if (type === "file" || type === "contiguous-file") return "file";
  return type === "symlink" || type === "directory" ? type : "other";
}

async function bytesOf(content: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
