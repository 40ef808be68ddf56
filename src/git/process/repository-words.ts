// git's words to people name files of the repository: "Unable to create '/srv/gokura/repositories/7.git/refs/tags/v1.lock'".
// Where a server keeps things is nobody's business, so that whatever of these words leaves the machine has "the repository"
// there. git names a directory as it was told, or as it really is behind symbolic links.

import { realpathSync } from "node:fs";

/** A text of git's with the directory of its repository struck out. `Latin1` texts are bytes, one each character. */
export interface RepositoryWords {
  /** Of a text. */
  of(text: string): string;
  /** Of bytes in whatever encoding, read as Latin-1. */
  ofLatin1(text: string): string;
}

/** What git says of the repository in this directory, for people elsewhere. */
export function repositoryWords(directory: string): RepositoryWords {
  let names: readonly string[] | undefined;
  const strike = (text: string, spelled: (name: string) => string): string => {
    if (!text.includes("/")) return text;
    names ??= namesOf(directory);
    return names.reduce((rest, name) => rest.replaceAll(spelled(name), "the repository"), text);
  };
  return {
    of: (text) => strike(text, (name) => name),
    ofLatin1: (text) => strike(text, (name) => Buffer.from(name, "utf8").toString("latin1")),
  };
}

function namesOf(directory: string): readonly string[] {
  try {
    const real = realpathSync.native(directory);
    return real === directory ? [directory] : [directory, real];
  } catch {
    return [directory]; // gone meanwhile
  }
}
