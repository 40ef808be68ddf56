// What is looked at before a version is sent: problems, for which the server or the go command would refuse it, all of them at
// once; and hints, about what its users will stumble over. What the version of a checkout is follows Go's own rules: the tag
// on its commit, with the module's directory in front (Go Modules Reference, "Mapping versions to commits").
import { invalid } from "../errors.ts";
import { goModObjection } from "../git/indexing/go-mod-objection.ts";
import { runGit } from "../git/process/git-process.ts";
import { declaredModulePath } from "../gomod/go-mod-line.ts";
import { checkPath, checkPathMajor, splitPathMajor } from "../gomod/module-path.ts";
import { MAX_GO_MOD } from "../gomod/module-zip.ts";
import { isLicenseFile } from "../gomod/root-files.ts";
import { canonicalVersion, compare, isPseudoVersion, isValid } from "../gomod/version.ts";
import { readGoMod } from "../registry/versions/readable-go-mod.ts";
import type { Checkout } from "./checkout.ts";

/** So many changed files are named. */
const MAX_CHANGES = 5;

/** A version that may be sent. */
export interface PublishableVersion {
  readonly modulePath: string;
  readonly version: string;
  readonly goMod: Buffer;
  /** What its users may stumble over. */
  readonly hints: readonly string[];
}

/** The version that a checkout is, or is to be if one is given. Throws invalid with every problem on a line. */
export async function checkedVersion(checkout: Checkout, wanted: string | undefined): Promise<PublishableVersion> {
  const { subdir, commit, repository, changes } = checkout;
  const at = (name: string): string => (subdir === "" ? name : `${subdir}/${name}`);
  const file = await repository.readFile(commit, at("go.mod"), MAX_GO_MOD);
  if (file?.kind !== "file")
    throw invalid(`there is no ${at("go.mod")} in the commit that is checked out: go mod init, and commit it`);
  const goMod = file.content;
  const modulePath = declaredModulePath(goMod);
  const problems: string[] = [];
  const pathProblem = modulePath === "" ? "go.mod has no module line" : checkPath(modulePath);
  if (pathProblem !== undefined) throw invalid(pathProblem);
  const objection = goModObjection(modulePath, { goMod, legacy: false });
  if (objection !== undefined) problems.push(objection);
  if (changes.length > 0) problems.push(aboutChanges(changes));
  const version = await versionOf(checkout, modulePath, wanted, problems);
  if (problems.length > 0 || version === undefined) throw invalid(problems.join("\n"));
  return { modulePath, version, goMod, hints: await hintsAbout(checkout, goMod) };
}

function aboutChanges(changes: readonly string[]): string {
  const named = changes.slice(0, MAX_CHANGES).map((line) => line.slice(3));
  const more = changes.length > MAX_CHANGES ? ` and ${changes.length - MAX_CHANGES} more` : "";
  return `the checkout has changes that are in no commit, and a version is made of a commit: ${named.join(", ")}${more}`;
}

/** The version by its tag or as it is wanted; undefined, with the reason among the problems, if it is none. */
async function versionOf(
  checkout: Checkout,
  modulePath: string,
  wanted: string | undefined,
  problems: string[],
): Promise<string | undefined> {
  const { pathMajor } = splitPathMajor(modulePath)!;
  const prefix = tagPrefixOf(checkout.subdir, pathMajor);
  const fits = (version: string): boolean =>
    isValid(version) && version === canonicalVersion(version) && checkPathMajor(version, pathMajor) === undefined;
  if (wanted === undefined) {
    const versions = checkout.tags
      .filter((tag) => tag.startsWith(prefix))
      .map((tag) => tag.slice(prefix.length))
      .filter((version) => fits(version) && !isPseudoVersion(version))
      .sort(compare);
    if (versions.length === 1) return versions[0];
    problems.push(
      versions.length === 0
        ? `no tag on the commit that is checked out is a version of ${modulePath}${checkout.tags.length > 0 ? ` (there are ${checkout.tags.join(", ")})` : ""}: git tag ${prefix}${exampleOf(pathMajor)}, or say --version`
        : `several tags are on the commit: say --version with one of ${versions.join(", ")}`,
    );
    return undefined;
  }
  if (!fits(wanted)) {
    problems.push(
      isValid(wanted)
        ? (checkPathMajor(wanted, pathMajor) ?? `${wanted} is not a full version; use ${canonicalVersion(wanted)}`)
        : `${wanted} is no version: use one such as ${exampleOf(pathMajor)}`,
    );
    return undefined;
  }
  const tagged = await checkout.commitOf(`${prefix}${wanted}`);
  if (tagged !== undefined && tagged !== checkout.commit)
    problems.push(
      `the tag ${prefix}${wanted} is on ${tagged.slice(0, 12)}, and ${checkout.commit.slice(0, 12)} is checked out`,
    );
  return wanted;
}

/** What tags of a module begin with, which lies in this directory. A directory of a major version is not named in them. */
function tagPrefixOf(subdir: string, pathMajor: string): string {
  const elements = subdir === "" ? [] : subdir.split("/");
  if (pathMajor !== "" && `/${elements.at(-1)}` === pathMajor) elements.pop();
  return elements.map((element) => `${element}/`).join("");
}

function exampleOf(pathMajor: string): string {
  return pathMajor === "" ? "v1.0.0" : `${pathMajor.slice(1)}.0.0`;
}

async function hintsAbout({ repository, commit, subdir }: Checkout, goMod: Buffer): Promise<string[]> {
  const prefix = subdir === "" ? "" : `${subdir}/`;
  const listing = await runGit(repository.directory, ["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit]);
  const names = listing
    .toString("utf8")
    .split("\0")
    .filter((name) => name.startsWith(prefix));
  const inRoot = names.map((name) => name.slice(prefix.length)).filter((name) => !name.includes("/"));
  const { file } = readGoMod(goMod);
  const attributes = await repository.readFile(commit, ".gitattributes", MAX_GO_MOD).catch(() => undefined);
  const hints: [boolean, string][] = [
    [
      (file?.replaces.length ?? 0) > 0,
      "go.mod has replace directives: they count in this module alone, and not for whoever requires it",
    ],
    [
      file?.replaces.some(({ newVersion }) => newVersion === undefined) ?? false,
      "a replace directive names a directory: whoever requires the module gets what the require line says",
    ],
    [
      (file?.requires.length ?? 0) > 0 && !inRoot.includes("go.sum"),
      "go.mod requires modules, and there is no go.sum: go mod tidy",
    ],
    [file !== undefined && file.go === undefined, "go.mod has no go line: the module is built as one for go 1.16"],
    [!names.some((name) => name.endsWith(".go")), "there are no .go files"],
    [!inRoot.some(isLicenseFile), "there is no licence file in the module's root"],
    [
      attributes?.content.includes("filter=lfs") ?? false,
      ".gitattributes names git-lfs: the go command gets the pointers, not the files",
    ],
  ];
  return hints.flatMap(([holds, hint]) => (holds ? [hint] : []));
}
