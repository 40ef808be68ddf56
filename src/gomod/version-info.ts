// The .info of a version, as JSON that others wrote. The go command reads it with encoding/json, which takes a key in any
// case, and of several that are the same the last; whoever keeps such files on a plain web server may have written them so.
// Sources: Go Modules Reference, "GOPROXY protocol" ($module/@v/$version.info); encoding/json, Unmarshal;
// cmd/go/internal/modfetch/codehost.Origin.
import { foldCase } from "./case-fold.ts";

/** What is read of an .info; a field that is missing is undefined, and so are a version and a URL that are no text. */
export interface VersionInfo {
  readonly version: string | undefined;
  /** As it is written; what is no text, as JSON. Null is as if it were missing. */
  readonly time: string | undefined;
  /** The URL in Origin. */
  readonly originUrl: string | undefined;
}

/** Reads an .info; undefined if it is no JSON. */
export function parseVersionInfo(bytes: Buffer): VersionInfo | undefined {
  try {
    const info: unknown = JSON.parse(bytes.toString("utf8"));
    const [version, time, url] = [field(info, "Version"), field(info, "Time"), field(field(info, "Origin"), "URL")];
    return { version: textOf(version), time: timeOf(time), originUrl: textOf(url) };
  } catch {
    return undefined;
  }
}

function field(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null) return undefined;
  const folded = foldCase(name);
  return Object.entries(object).findLast(([key]) => foldCase(key) === folded)?.[1];
}

function timeOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : value == null ? undefined : JSON.stringify(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
