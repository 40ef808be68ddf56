// Two facts of a go.mod decide what a version is and what its zip holds, and the go command does not find them with one
// parser. The module path is found by a scan of lines that minds nothing else in the file, so that a version stays valid
// however broken the rest of its go.mod may be. The go line, which decides about vendored files, is that of the lax
// parser, and a file that this refuses counts as having none.
// Sources: golang.org/x/mod/modfile ModulePath; golang.org/x/mod/zip parseGoVers; internal/gover.

import { isFailure } from "../errors.ts";
import { parseGoMod } from "./go-mod-file.ts";
import { unquote } from "./go-quote.ts";
import { trimSpace } from "./unicode.ts";

/** The file as text. Bytes that are not UTF-8 become U+FFFD and a byte order mark stays, as both matter to the rules. */
export const textOfGoMod = (goMod: string | Uint8Array): string =>
  typeof goMod === "string" ? goMod : Buffer.from(goMod.buffer, goMod.byteOffset, goMod.byteLength).toString("utf8");

/** The path on the first `module` line, or "" if there is none or it is quoted wrongly: modfile.ModulePath. */
export function declaredModulePath(goMod: string | Uint8Array): string {
  const text = textOfGoMod(goMod);
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end);
    start = end + 1;
    const comment = line.indexOf("//");
    const statement = trimSpace(comment < 0 ? line : line.slice(0, comment));
    if (!statement.startsWith("module")) continue;
    const rest = statement.slice("module".length);
    const path = trimSpace(rest);
    if (path === "" || path.length === rest.length) continue;
    return path.startsWith('"') || path.startsWith("`") ? (unquote(path) ?? "") : path;
  }
  return "";
}

/**
 * The version on the go line, such as `1.24` or `1.21rc1`, as it counts for the contents of a zip: "" if there is none or
 * the lax parser refuses the file, be it for something else (zip.parseGoVers).
 */
export function goVersionLine(goMod: string | Uint8Array): string {
  const text = textOfGoMod(goMod);
  if (text.startsWith("\ufeff")) return "";
  try {
    return parseGoMod(text).go ?? "";
  } catch (error) {
    if (isFailure(error, "invalid")) return "";
    throw error;
  }
}

/**
 * Whether the language version of a go line (from goVersionLine) is 1.24 or later; release candidates count as their
 * version. What the go command cannot read as a Go version, such as `1.24.1rc1`, counts as old: version.Lang and Compare.
 */
export function isGo124OrLater(goVersion: string): boolean {
  const number = "(?:0|[1-9][0-9]*)";
  const version = new RegExp(`^(${number})\\.(${number})(?:\\.${number}|[a-z]+(?:${number})?)?$`).exec(goVersion);
  if (!version) return /^[1-9][0-9]*$/.test(goVersion) && BigInt(goVersion) > 1n;
  const [major, minor] = [BigInt(version[1] ?? 0), BigInt(version[2] ?? 0)];
  return major > 1n || (major === 1n && minor >= 24n);
}
