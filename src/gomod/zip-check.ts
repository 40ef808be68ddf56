// What a zip that others made must be like before we keep it as a module's. The go command refuses to unpack anything
// else, and here it is stricter than where it packs: a go.mod below the root, in whatever case, is an error, where in
// packing it would only have ended the module. Sources: Go Modules Reference, "Module zip files";
// golang.org/x/mod/zip CheckZip.

import { inTurns } from "../concurrency/turns.ts";
import { foldCase } from "./case-fold.ts";
import { quote } from "./go-quote.ts";
import { checkFilePath } from "./module-path.ts";
import {
  collisionCheck,
  ENTRIES_AT_ONCE,
  isClean,
  MAX_GO_MOD,
  MAX_LICENSE,
  MAX_ZIP_FILE,
  type ZipFault,
} from "./module-zip.ts";

/** An entry as the zip's directory has it: its whole name, and its size in bytes when unpacked. */
export type ZipDirectoryEntry = { name: string; size: number };

export type ZipCheck = { valid: string[]; invalid: ZipFault[]; sizeError: string | undefined };

/**
 * Checks the entries of a zip of `zipSize` bytes for the module version `prefix` ("path@version"): zip.CheckZip. Of many
 * entries a part at a time is looked at, and everybody else has a turn in between.
 */
export async function checkModuleZip(
  prefix: string,
  entries: readonly ZipDirectoryEntry[],
  zipSize: number,
): Promise<ZipCheck> {
  const check: ZipCheck = { valid: [], invalid: [], sizeError: undefined };
  if (zipSize > MAX_ZIP_FILE) {
    check.sizeError = `module zip file is too large (${zipSize} bytes; limit is ${MAX_ZIP_FILE} bytes)`;
    return check;
  }
  const collide = collisionCheck();
  let room = MAX_ZIP_FILE;
  const look = ({ name, size }: ZipDirectoryEntry): void => {
    if (!name.startsWith(`${prefix}/`)) {
      check.invalid.push({ path: name, reason: `path does not have prefix ${quote(`${prefix}/`)}` });
      return;
    }
    const isDirectory = name.endsWith("/");
    const path = name.slice(prefix.length + 1, isDirectory ? -1 : undefined);
    if (name === `${prefix}/`) return;
    let reason = isClean(path) ? (checkFilePath(path) ?? collide(path, isDirectory)) : "file path is not clean";
    if (reason === undefined && isDirectory) return;
    const base = path.slice(path.lastIndexOf("/") + 1);
    if (reason === undefined && foldCase(base) === "go.mod") {
      if (base !== path) reason = "go.mod file not in module root directory";
      else if (path !== "go.mod") reason = "go.mod files must have lowercase names";
    }
    if (reason === undefined) {
      if (size <= room) room -= size;
      else
        check.sizeError ??= `total uncompressed size of module contents too large (max size is ${MAX_ZIP_FILE} bytes)`;
      if (path === "go.mod" && size > MAX_GO_MOD) reason = `go.mod file too large (max size is ${MAX_GO_MOD} bytes)`;
      if (path === "LICENSE" && size > MAX_LICENSE)
        reason = `LICENSE file too large (max size is ${MAX_LICENSE} bytes)`;
    }
    if (reason === undefined) check.valid.push(name);
    else check.invalid.push({ path: name, reason });
  };
  for await (const some of inTurns(entries, ENTRIES_AT_ONCE)) some.forEach(look);
  return check;
}

/** The first thing that is wrong with a zip, as the go command says it, every fault on its line; undefined if nothing is. */
export function zipProblem({ invalid, sizeError }: ZipCheck): string | undefined {
  if (sizeError !== undefined) return sizeError;
  return invalid.length === 0 ? undefined : invalid.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
}
