// Where somebody goes after signing in: back to the page that asked for it, if that is a page of ours.

/** The path if it is one of this site, else undefined: it begins with one slash, so that no browser takes it for a host. */
export function localPath(text: string | null | undefined): string | undefined {
  if (text == null || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text) || text.includes("\\")) return undefined;
  return text.length <= 2_000 ? text : undefined;
}
