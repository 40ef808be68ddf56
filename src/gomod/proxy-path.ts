// The paths of the GOPROXY protocol (Go Modules Reference, "GOPROXY protocol"): what a request asks for, read once where it
// comes in and passed on as it was understood, down to the upstream that is asked in its turn. The go command escapes
// upper-case letters as `!` and the letter, and sends that `!` as %21; everything is read strictly, so that one thing has one
// URL, and nothing is cleaned up, so that `..` and `//` mean nothing.
import { Failure, invalid, isFailure, notFound } from "../errors.ts";
import { escapePath, escapeVersion, type ModulePath, unescapePath, unescapeVersion } from "./module-path.ts";
import { canonicalVersion } from "./version.ts";

/** What is asked of a Go proxy. */
export type GoRequest =
  | { readonly kind: "list"; readonly modulePath: ModulePath }
  | { readonly kind: "latest"; readonly modulePath: ModulePath }
  | VersionRequest<"info">
  | VersionRequest<"mod">
  | VersionRequest<"zip">;

/** A file of one version. */
export interface VersionRequest<Kind extends "info" | "mod" | "zip"> {
  readonly kind: Kind;
  readonly modulePath: ModulePath;
  /** A version, or for .info any name of a revision. */
  readonly version: string;
}

/** Reads what stands behind the endpoint's own path, as it was sent. Throws not-found with what is wrong. */
export function parseGoPath(raw: string): GoRequest {
  let text: string;
  try {
    text = decodeURIComponent(raw);
  } catch {
    throw notFound("the URL has a broken percent-encoding");
  }
  if (text.endsWith("/@latest")) return { kind: "latest", modulePath: pathIn(text.slice(0, -"/@latest".length)) };
  const at = text.lastIndexOf("/@v/");
  if (at < 0)
    throw notFound(
      "a Go endpoint has MODULE/@v/list, MODULE/@v/VERSION.info, .mod and .zip, and MODULE/@latest; set it as GOPROXY",
      "no_such_address",
    );
  const modulePath = pathIn(text.slice(0, at));
  const name = text.slice(at + "/@v/".length);
  if (name === "list") return { kind: "list", modulePath };
  const match = /^(.+)\.(info|mod|zip)$/s.exec(name);
  if (!match)
    throw notFound(`${shown(name)} is none of list, VERSION.info, VERSION.mod and VERSION.zip`, "no_such_address");
  const version = telling(() => unescapeVersion(match[1]!));
  return { kind: match[2], modulePath, version } as
    | VersionRequest<"info">
    | VersionRequest<"mod">
    | VersionRequest<"zip">;
}

/** The path of a request below a proxy's URL, without a slash in front; escaped, not percent-encoded. */
export function goPathOf(request: GoRequest): string {
  const base = escapePath(request.modulePath);
  switch (request.kind) {
    case "list":
      return `${base}/@v/list`;
    case "latest":
      return `${base}/@latest`;
    default:
      return `${base}/@v/${escapeVersion(request.version)}.${request.kind}`;
  }
}

function pathIn(escaped: string): ModulePath {
  return telling(() => unescapePath(escaped));
}

/** The rules of escaping say "invalid"; to a client that looks for a module the thing is simply not there. */
function telling<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isFailure(error, "invalid")) throw new Failure("not-found", shown(error.message, 300));
    throw error;
  }
}

function shown(text: string, most = 60): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/**
 * Reads what stands behind `/lookup/` of a checksum database: `<escaped module path>@<escaped version>`, of a canonical version
 * only (golang.org/x/mod/sumdb, server.go). Throws invalid with what is wrong.
 */
export function parseLookupPath(text: string): { readonly modulePath: ModulePath; readonly version: string } {
  const at = text.indexOf("@");
  if (at < 0) throw invalid("a lookup is of MODULE@VERSION");
  const modulePath = unescapePath(text.slice(0, at));
  const version = unescapeVersion(text.slice(at + 1));
  if (canonicalVersion(version) !== version)
    throw invalid(`a checksum database knows canonical versions only, not ${version.slice(0, 60)}`);
  return { modulePath, version };
}
