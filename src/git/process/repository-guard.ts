// What lies in a repository's directory beside its objects and refs is ours, and no push can bring it: the settings, which
// can name programs for git to run (a filter of .gitattributes, for one), and the files by which a repository borrows
// objects and refs from directories elsewhere. Should there be such a thing all the same, put there by a hand or by a
// restored backup, it must neither run nor count. git has no switch to leave a repository's own settings out, so they are
// looked at before every git: a repository with any that we do not write is refused until somebody has seen to it.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../errors.ts";

/** The content of info/attributes in every repository: archives equal the go command's (see init-repository.ts). */
export const ARCHIVE_ATTRIBUTES = "* -export-subst -export-ignore\n";

/** What `git init` writes on one system or another. */
const OUR_SETTINGS = new Set([
  "core.repositoryformatversion",
  "core.filemode",
  "core.bare",
  "core.ignorecase",
  "core.precomposeunicode",
  "core.symlinks",
  "extensions.objectformat",
]);

/** Where git would look for objects, refs and settings in other directories (gitrepository-layout(5)). */
const LEADING_ELSEWHERE = ["objects/info/alternates", "objects/info/http-alternates", "commondir", "config.worktree"];

/** Repositories whose small files were read already, with the state in which they were found good. */
const known = new Map<string, string>();
const MAX_KNOWN = 10_000;

/** Throws Failure("unavailable") if a bare repository's directory holds what could make git do something else than usual. */
export function checkRepository(directory: string): void {
  for (const file of LEADING_ELSEWHERE)
    if (statSync(join(directory, file), { throwIfNoEntry: false }))
      throw refused(directory, `the file ${file}, which leads to other directories`);
  const config = join(directory, "config");
  const attributes = join(directory, "info", "attributes");
  const state = `${stateOf(config)} ${stateOf(attributes)}`;
  if (known.get(directory) === state) return;

  const setting = foreignSetting(textOf(config));
  if (setting !== undefined) throw refused(directory, `the setting ${setting} in its file config`);
  if (![ARCHIVE_ATTRIBUTES, ""].includes(textOf(attributes)))
    throw refused(directory, "attributes of somebody's in its file info/attributes");
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(directory, state);
}

/** The client learns only that it must wait; the log tells what the administrator has to take away. */
function refused(directory: string, what: string): Failure {
  const cause = new Error(`${directory} has ${what}: take it away, gokura works with its own settings only`);
  return new Failure("unavailable", "this repository waits for the server's administrator: see the server's log", {
    cause,
    mustAct: true,
  });
}

/** Changes whenever the file does; "" if there is none. */
function stateOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found ? [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(":") : "";
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** The first thing in a file of settings that `git init` does not write, be it only its form. */
function foreignSetting(text: string): string | undefined {
  let section = "";
  for (const line of text.split("\n")) {
    const words = line.trim();
    if (words === "" || words.startsWith("#") || words.startsWith(";")) continue;
    const begun = /^\[([a-z]+)\]$/i.exec(words);
    const set = /^([a-z]+) = \w+$/i.exec(words);
    if (begun) section = begun[1]!;
    else if (!set || !OUR_SETTINGS.has(`${section}.${set[1]}`.toLowerCase()))
      return section === "" || !set ? words : `${section}.${set[1]}`;
  }
  return undefined;
}
