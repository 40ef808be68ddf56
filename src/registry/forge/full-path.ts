// The paths of groups and projects: GitLab's rules for them ("Reserved project and group names", "Limitations on
// usernames, project and group names"), narrowed to what can stand in a Go module path (golang.org/x/mod/module,
// CheckPath), because a module path is the host and the full path.
import { invalid } from "../../errors.ts";
import { checkPath } from "../../gomod/module-path.ts";

const MAX_ELEMENT_LENGTH = 255;
const MAX_FULL_PATH_LENGTH = 1_000;
const MAX_DEPTH = 21;

/** First elements that our own URLs need. */
const RESERVED_AT_TOP = new Set([
  "-",
  "api",
  "graphql",
  "assets",
  "admin",
  "explore",
  "help",
  "users",
  "groups",
  "projects",
  "sumdb",
  "index",
]);

/** Checks one element of a full path; `field` is what a form calls it. Throws invalid with what is wrong. */
export function checkPathElement(element: string, atTop: boolean, field = "path"): void {
  const why = elementFault(element);
  if (why !== undefined) throw invalid(`"${shown(element)}" cannot be a path: ${why}`, field);
  if (atTop && RESERVED_AT_TOP.has(element.toLowerCase()))
    throw invalid(`"${element}" cannot be a path: the name is reserved; choose another`, field);
}

function elementFault(element: string): string | undefined {
  if (element === "") return "it is empty";
  if (element.length > MAX_ELEMENT_LENGTH) return `it is longer than ${MAX_ELEMENT_LENGTH} characters`;
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(element))
    return "it must begin with a letter or digit and hold only letters, digits, '_', '-' and '.'";
  if (/\.(git|atom)$/i.test(element)) return "it must not end in .git or .atom";
  const asModule = checkPath(`host.example/${element}/x`);
  return asModule === undefined ? undefined : `it cannot be part of a Go module path (${asModule})`;
}

/** Checks a whole full path and returns its elements. Throws invalid. */
export function splitFullPath(fullPath: string): string[] {
  if (fullPath.length > MAX_FULL_PATH_LENGTH)
    throw invalid(`the path is longer than ${MAX_FULL_PATH_LENGTH} characters`, "path");
  const elements = fullPath.split("/");
  if (elements.length > MAX_DEPTH) throw invalid(`the path is deeper than ${MAX_DEPTH} levels`, "path");
  for (const [index, element] of elements.entries()) checkPathElement(element, index === 0);
  return elements;
}

function shown(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, "?");
  return printable.length > 60 ? `${printable.slice(0, 60)}…` : printable;
}
