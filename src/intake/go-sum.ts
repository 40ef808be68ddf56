// go.sum files: which versions a build needs, and the sums that it has of them. A line ending in /go.mod is about the go.mod
// alone, of versions that only the module graph names; go.work.sum is written the same way (Go Modules Reference, "go.sum
// files"). Two files may know different halves of a version, but not different sums.
import { invalid } from "../errors.ts";
import { checkPath, type ModulePath } from "../gomod/module-path.ts";
import { isExactVersion } from "../upstream/admission.ts";

/** A version that is wanted, with what is known of its sums. */
export interface WantedVersion {
  readonly modulePath: ModulePath;
  readonly version: string;
  /** Whether the zip is wanted too, and not the go.mod alone. */
  readonly zip: boolean;
  /** The h1 of the zip. */
  readonly h1?: string | undefined;
  readonly goModH1?: string | undefined;
}

const SUM = /^h1:[A-Za-z0-9+/]{43}=$/;
const GO_MOD = "/go.mod";

/** Adds the versions of a go.sum to those that are known, by `path@version`. `name` is told of in what is wrong. */
export function addGoSum(wanted: Map<string, WantedVersion>, text: string, name: string): void {
  for (const [index, line] of text.split("\n").entries()) {
    const [path, word, sum, ...rest] = line.trim().split(/\s+/);
    if (path === "" || path === undefined) continue;
    const wrong = (why: string): Error => invalid(`${name}:${index + 1}: ${why}`);
    if (word === undefined || sum === undefined || rest.length > 0) throw wrong("no line of a go.sum file");
    if (!SUM.test(sum)) continue; // of a hash that is not known (yet), as the go command passes it over
    const isGoMod = word.endsWith(GO_MOD);
    const version = isGoMod ? word.slice(0, -GO_MOD.length) : word;
    if (checkPath(path) !== undefined || !isExactVersion(path, version))
      throw wrong(`${path} ${version} is no version`);
    addWanted(wanted, {
      ...{ modulePath: path as ModulePath, version, zip: !isGoMod },
      ...(isGoMod ? { goModH1: sum } : { h1: sum }),
    });
  }
}

/** Adds one version to those that are known. Throws invalid when another sum is known of it. */
export function addWanted(wanted: Map<string, WantedVersion>, more: WantedVersion): void {
  const name = `${more.modulePath}@${more.version}`;
  const known = wanted.get(name);
  for (const which of ["h1", "goModH1"] as const)
    if (known?.[which] !== undefined && more[which] !== undefined && known[which] !== more[which])
      throw invalid(`${name} has two sums: ${known[which]} and ${more[which]}`);
  wanted.set(name, {
    ...more,
    zip: more.zip || (known?.zip ?? false),
    h1: more.h1 ?? known?.h1,
    goModH1: more.goModH1 ?? known?.goModH1,
  });
}
