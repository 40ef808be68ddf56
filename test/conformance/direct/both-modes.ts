// The same questions to the go command in direct mode and through Gokura, and what it says of each, in a form that can be
// compared: versions, sums, the .info and .mod that it keeps, and the reason where there is no answer.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GoCommand, goCommand } from "../../support/go.ts";

export interface Answer {
  readonly version?: string;
  readonly sum?: string;
  readonly goModSum?: string;
  /**
   * Version, time, and of the origin what does not depend on the query: the go command keeps one .info for all queries of a
   * run that led to a version, and which one comes last is chance. (test/e2e/direct-mode.test.ts compares them whole.)
   */
  readonly info?: unknown;
  /** Also of a version whose zip is refused: the go command has its go.mod by then. */
  readonly mod?: string;
  /** Why there is none: the go command's own words about a version, where there are some, else only that it failed. */
  readonly refused?: string;
}

export interface Answers {
  readonly lists: Readonly<Record<string, string>>;
  readonly downloads: Readonly<Record<string, Answer>>;
}

/** Asks one mode. `queries` are path@query. */
async function ask(go: GoCommand, paths: readonly string[], queries: readonly string[]): Promise<Answers> {
  const listed = await go.run("list", "-m", "-e", "-versions", "-retracted", "-json=Path,Versions", ...paths);
  const downloaded = await go.run("mod", "download", "-json", ...queries);
  const lists = objectsIn(listed.output).map(({ Path, Versions }) => [Path, ((Versions ?? []) as string[]).join(" ")]);
  const downloads = objectsIn(downloaded.output).map((object) => [
    `${object.Path}@${object.Query ?? object.Version}`,
    answerOf(object),
  ]);
  return { lists: Object.fromEntries(lists), downloads: Object.fromEntries(downloads) };
}

/** Refused, but with no words about the version. */
export const NO_WORDS = "for another reason";

type GoObject = Readonly<Record<string, string>>;

function objectsIn(output: string): GoObject[] {
  return output
    .split(/(?<=^\}\n)/m)
    .map((text) => text.slice(text.search(/^\{/m)))
    .filter((text) => text.startsWith("{"))
    .map((text) => JSON.parse(text) as GoObject);
}

function answerOf(object: GoObject): Answer {
  const mod = object.GoMod === undefined ? {} : { mod: readFileSync(object.GoMod, "latin1") };
  if (object.Error) return { refused: reasonIn(object.Error), ...mod };
  const { Origin, ...info } = JSON.parse(readFileSync(object.Info!, "utf8"));
  const { VCS, Subdir, Hash } = Origin ?? {};
  return {
    ...(object.Version ? { version: object.Version } : {}),
    sum: object.Sum!,
    goModSum: object.GoModSum!,
    info: { ...info, VCS, Subdir, Hash },
    ...mod,
  };
}

/** The go command's words about a version or its zip: as it says them in direct mode, or as our 404 does. */
function reasonIn(error: string): string {
  const said = /(?:invalid (?:pseudo-)?version: |(?=create zip: ))([^\n]*)/.exec(
    error.replace(/^.*server response: not found: /s, "").replace(/invalid version: (?=create zip: )/, ""),
  );
  return said?.[1] ?? NO_WORDS;
}

export interface Modes {
  readonly direct: GoCommand;
  readonly proxied: GoCommand;
}

/** The two commands for one repository. `remote` is what direct mode takes its path for. */
export function bothModes(repository: string, remote: string, goproxy: string): Modes {
  const proxied = goCommand({ GOPROXY: goproxy });
  const config = join(proxied.home, "gitconfig");
  writeFileSync(
    config,
    `[url "file://${repository}"]\n\tinsteadOf = ${remote}\n[safe]\n\tdirectory = *\n[protocol "file"]\n\tallow = always\n`,
  );
  return { proxied, direct: goCommand({ GOPROXY: "direct", GIT_CONFIG_GLOBAL: config, GOVCS: "*:all" }) };
}

/** Asks both modes at once. */
export async function askBoth(
  modes: Modes,
  paths: readonly string[],
  queries: readonly string[],
): Promise<{ direct: Answers; proxied: Answers }> {
  const [direct, proxied] = await Promise.all([ask(modes.direct, paths, queries), ask(modes.proxied, paths, queries)]);
  return { direct, proxied };
}
