// The files below a directory of a commit, as `ls-tree` tells them. There may be hundreds of thousands, so that they are kept
// as the bytes that git wrote; an object for each is made when somebody looks, and is
// nobody's a moment later.

import { notFound } from "../../errors.ts";
import type { ZipEntry } from "../../gomod/module-zip.ts";
import { runGit } from "../process/git-process.ts";
import { entryKind } from "./tree-entry.ts";

const MODE_DIGITS = 6;
const TAB = 0x09;

/**
 * The files and symbolic links below a directory of a commit ("" for all), in the order of git's archives, with paths
 * relative to it. Can be walked through more than once. Sizes are 0: what counts is the size after conversion, which is
 * known only when the archive is written. Throws Failure("not-found") if the directory is not there.
 */
export async function listTree(
  repositoryDirectory: string,
  commit: string,
  subdir: string,
  signal: AbortSignal | undefined,
): Promise<Iterable<ZipEntry>> {
  const prefix = subdir === "" ? "" : `${subdir}/`;
  const listing = await runGit(
    repositoryDirectory,
    // Not --format, with which git quotes names in spite of -z.
    ["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit, ...(subdir === "" ? [] : [prefix])],
    { signal },
  );
  if (listing.length === 0 && subdir !== "") throw notFound(`${subdir} is not in the repository at this revision`);
  return {
    *[Symbol.iterator](): Generator<ZipEntry> {
      for (let at = 0; at < listing.length; ) {
        const end = listing.indexOf(0, at);
        const tab = listing.indexOf(TAB, at);
        const kind = entryKind(Number.parseInt(listing.toString("latin1", at, at + MODE_DIGITS), 8));
        // A submodule is an empty directory in the archive, and directories do not count.
        if (kind === "file" || kind === "symlink") {
          const path = decodePath(listing.subarray(tab + 1, end));
          yield { path: path.slice(prefix.length), kind, size: 0 };
        }
        at = end + 1;
      }
    },
  };
}

/**
 * A path as text. git's paths are bytes; an element that is not UTF-8 keeps its identity as lone surrogates, which no rule
 * lets into a zip, so that it cannot pass for another name.
 */
function decodePath(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (!text.includes("\uFFFD") || Buffer.from(text, "utf8").equals(bytes)) return text;
  return bytes
    .toString("latin1")
    .split("/")
    .map((element) => {
      const raw = Buffer.from(element, "latin1");
      const name = raw.toString("utf8");
      if (Buffer.from(name, "utf8").equals(raw)) return name;
      return element.replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)));
    })
    .join("/");
}
