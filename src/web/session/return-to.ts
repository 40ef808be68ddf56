// Where somebody goes after signing in: back to the page that asked for it, if that is a page of ours. Its path is kept as it
// stands below our own address, which may have a path of its own.
import type { Addresses } from "../html/addresses.ts";

/** The path if it is one of this site, else undefined: it begins with one slash, so that no browser takes it for a host. */
export function localPath(text: string | null | undefined): string | undefined {
  if (text == null || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text) || text.includes("\\")) return undefined;
  return text.length <= 2_000 ? text : undefined;
}

/** The address of that page, or of the first one. */
export function returnAddress(at: Addresses, returnTo: string | undefined): string {
  return returnTo === undefined ? at.home() : at.at(returnTo);
}
