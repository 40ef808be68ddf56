// Minimal version selection: which version of each module a build uses. Every version in the module graph names the lowest
// versions that it can do with, and of each module the highest of these is chosen; nothing newer is ever looked for.
//
// The graph of a main module that is written for go 1.17 or later is pruned: of a dependency that is so too the go.mod
// counts, but not those of what it requires, because its own already lists all that building it takes. A dependency for an
// older go has its whole graph loaded. Where the main module requires a lower version than is chosen, its requirement is
// raised and the graph is read again, as go does it before it lists modules (`go list -m -mod=mod all`); that can bring in
// what was pruned.
//
// Of replace and exclude only the main module's count. A module that stands in for another gives its requirements; those of
// a directory nobody knows here.
// Sources: Go Modules Reference, "Minimal version selection", "Module graph pruning"; cmd/go/internal/modload buildlist.go
// (readModGraph, expandGraph, updatePrunedRoots) and modfile.go (goModSummary); cmd/go/internal/mvs graph.go.
import { compareBytewise } from "./byte-order.ts";
import type { GoModFile } from "./go-mod-file.ts";
import { compare } from "./version.ts";

/** A module at a version. */
export interface ModuleVersionName {
  readonly path: string;
  readonly version: string;
}

/** What the go.mod of a version says to those who depend on it. */
export interface ModuleRequirements {
  /** The path on its module line; empty if there is none. */
  readonly modulePath: string;
  readonly requires: readonly ModuleVersionName[];
  /** Whether it is written for go 1.17 or later. */
  readonly pruned: boolean;
}

/** Why the requirements of a version are not known. */
export type UnknownRequirements = "not stored" | "go.mod not stored" | "go.mod refused" | "a directory";

export interface BuildListEntry extends ModuleVersionName {
  /** Not required by the main module itself, or only with the comment `// indirect`. */
  readonly indirect: boolean;
  /** The versions in the graph, the main module's first, that require just this version: why it was chosen. */
  readonly requiredBy: readonly ModuleVersionName[];
  /** What the main module has in its place: `path@version`, or a directory. */
  readonly replacedBy: string | undefined;
}

export interface BuildList {
  /** In the order of `go list -m all`, without the main module. */
  readonly modules: readonly BuildListEntry[];
  /** What the graph should have been read further from; the list may lack what these require. */
  readonly missing: readonly (ModuleVersionName & { readonly reason: UnknownRequirements })[];
}

/**
 * Asks for the requirements of some versions at once; the answers are in the order of the questions. May throw, for
 * instance when too much was asked for.
 */
export type LoadRequirements = (
  names: readonly ModuleVersionName[],
) => Promise<readonly (ModuleRequirements | UnknownRequirements)[]>;

/** The versions that a build of a main module uses. */
export async function buildListOf(
  main: ModuleVersionName,
  goMod: GoModFile,
  load: LoadRequirements,
): Promise<BuildList> {
  const { replacementOf, isExcluded } = directivesOf(goMod);
  const known = new Map<string, ModuleRequirements | UnknownRequirements>();
  const loadReplaced = async (names: readonly ModuleVersionName[]): Promise<void> => {
    const answers = await loadActual(names, replacementOf, load);
    names.forEach((name, index) => {
      const answer = answers[index]!;
      const kept =
        typeof answer === "string"
          ? answer
          : { ...answer, requires: answer.requires.filter((one) => !isExcluded(one)) };
      known.set(keyOf(name), kept);
    });
  };

  const pruned = supportsPruning(goMod.go);
  const own = goMod.requires.filter((one) => !isExcluded(one));
  let roots: readonly ModuleVersionName[] = own.map(({ path, version }) => ({ path, version }));
  if (pruned) roots = highestOfEach(roots).filter(({ path }) => path !== main.path);
  for (;;) {
    const graph = await readGraph(main, roots, pruned, known, loadReplaced);
    const raised = roots.map(({ path }) => ({ path, version: graph.selected.get(path)! }));
    if (!pruned || raised.every(({ version }, index) => version === roots[index]!.version)) {
      const direct = new Set(own.filter(({ indirect }) => !indirect).map(({ path }) => path));
      return listOf(main, roots, graph, known, direct, replacementOf);
    }
    roots = raised;
  }
}

/** Whether a module with this go line lists all that building it takes: gover.ExplicitIndirectVersion. */
export function supportsPruning(go: string | undefined): boolean {
  const [, major = "1", minor = "16", rest = ""] = /^(\d+)\.(\d+)(.*)$/.exec(go ?? "") ?? [];
  if (major !== "1") return true;
  return Number(minor) > 17 || (minor === "17" && !/^[a-z]/.test(rest));
}

const keyOf = ({ path, version }: ModuleVersionName): string => `${path}@${version}`;

// ---- what the main module says about others --------------------------------------------------------------------------

type Replacement = { readonly path: string; readonly version: string | undefined };

interface Directives {
  replacementOf(name: ModuleVersionName): Replacement | undefined;
  isExcluded(name: ModuleVersionName): boolean;
}

function directivesOf({ replaces, excludes }: GoModFile): Directives {
  const excluded = new Set(excludes.map(keyOf));
  // One of a single version goes before one of them all; of two of the same the later counts.
  const replaced = new Map<string, Replacement>();
  for (const { oldPath, oldVersion = "", newPath, newVersion } of replaces)
    replaced.set(keyOf({ path: oldPath, version: oldVersion }), { path: newPath, version: newVersion });
  return {
    replacementOf: (name) => replaced.get(keyOf(name)) ?? replaced.get(keyOf({ ...name, version: "" })),
    isExcluded: (name) => excluded.has(keyOf(name)),
  };
}

/** Loads what really stands for each name. */
async function loadActual(
  names: readonly ModuleVersionName[],
  replacementOf: Directives["replacementOf"],
  load: LoadRequirements,
): Promise<(ModuleRequirements | UnknownRequirements)[]> {
  const actual = names.map((name) => replacementOf(name) ?? name);
  const loadable = actual.filter((name): name is ModuleVersionName => name.version !== undefined);
  const answers = (await load(loadable)).values();
  return actual.map(({ path, version }, index) => {
    if (version === undefined) return "a directory";
    const answer = answers.next().value!;
    if (typeof answer === "string") return answer;
    // What stands in for another module may have kept its own name.
    return [path, names[index]!.path].includes(answer.modulePath) ? answer : "go.mod refused";
  });
}

// ---- the graph -----------------------------------------------------------------------------------------------------------

interface Graph {
  /** The highest version of each path that anything requires. */
  readonly selected: ReadonlyMap<string, string>;
  /** Every version whose go.mod counts, in the order in which they were come to. */
  readonly loaded: readonly ModuleVersionName[];
}

/** Reads the graph level by level, so that each level can be loaded at once. */
async function readGraph(
  main: ModuleVersionName,
  roots: readonly ModuleVersionName[],
  pruned: boolean,
  known: ReadonlyMap<string, ModuleRequirements | UnknownRequirements>,
  load: (names: readonly ModuleVersionName[]) => Promise<void>,
): Promise<Graph> {
  const selected = new Map<string, string>();
  const select = ({ path, version }: ModuleVersionName): void => {
    const before = selected.get(path);
    // The main module is what it is, whoever requires another version of it.
    if (path !== main.path && (before === undefined || compare(before, version) < 0)) selected.set(path, version);
  };
  const loaded = new Map<string, ModuleVersionName>();
  // A version may be come to twice: what it requires matters more if its graph is not pruned.
  const seen = new Set<string>();
  for (const root of roots) select(root);
  let level = roots.map((name) => ({ name, pruned }));
  while (level.length > 0) {
    level = level.filter(({ name, pruned: isPruned }) => {
      const visit = `${keyOf(name)} ${isPruned}`;
      return !seen.has(visit) && seen.add(visit);
    });
    const names = new Map(level.map(({ name }) => [keyOf(name), name]));
    await load([...names.values()].filter((name) => !known.has(keyOf(name))));
    const next: typeof level = [];
    for (const { name, pruned: isPruned } of level) {
      const key = keyOf(name);
      const its = known.get(key)!;
      const isNew = !loaded.has(key);
      loaded.set(key, name);
      if (typeof its === "string") continue;
      if (isNew) for (const required of its.requires) select(required);
      if (isPruned && its.pruned) continue;
      for (const required of its.requires) next.push({ name: required, pruned: isPruned && its.pruned });
    }
    level = next;
  }
  return { selected, loaded: [...loaded.values()] };
}

function highestOfEach(names: readonly ModuleVersionName[]): ModuleVersionName[] {
  const highest = new Map<string, ModuleVersionName>();
  for (const name of names) {
    const before = highest.get(name.path);
    if (!before || compare(before.version, name.version) < 0) highest.set(name.path, name);
  }
  return [...highest.values()];
}

function listOf(
  main: ModuleVersionName,
  roots: readonly ModuleVersionName[],
  { selected, loaded }: Graph,
  known: ReadonlyMap<string, ModuleRequirements | UnknownRequirements>,
  direct: ReadonlySet<string>,
  replacementOf: Directives["replacementOf"],
): BuildList {
  const ordered = [...loaded].sort((a, b) => compareBytewise(a.path, b.path) || compare(a.version, b.version));
  const requiring = new Map<string, ModuleVersionName[]>();
  const note = (by: ModuleVersionName, required: readonly ModuleVersionName[]): void => {
    for (const name of new Map(required.map((one) => [keyOf(one), one])).values()) {
      const others = requiring.get(keyOf(name));
      if (others) others.push(by);
      else requiring.set(keyOf(name), [by]);
    }
  };
  note(main, roots);
  const missing: (ModuleVersionName & { reason: UnknownRequirements })[] = [];
  for (const name of ordered) {
    const its = known.get(keyOf(name))!;
    if (typeof its === "string") missing.push({ path: name.path, version: name.version, reason: its });
    // The main module at its own version, required by others, is not another one.
    else if (keyOf(name) !== keyOf(main)) note(name, its.requires);
  }
  const modules = [...selected]
    .sort(([a], [b]) => compareBytewise(a, b))
    .map(([path, version]) => {
      const replacement = replacementOf({ path, version });
      const replacedBy =
        replacement &&
        (replacement.version === undefined ? replacement.path : `${replacement.path}@${replacement.version}`);
      return {
        ...{ path, version, replacedBy },
        indirect: !direct.has(path),
        requiredBy: requiring.get(keyOf({ path, version })) ?? [],
      };
    });
  return { modules, missing };
}
