// A repository made at random, out of all that decides about versions: tags of every shape on commits of every age, go.mod
// files that say what they should and what they should not, in the root, in sub-directories and in vN directories, on
// several branches, with merges, with nested modules, licences, attributes and links. The same seed makes the same one.
import type { FixtureFile, Recipe } from "../../support/git-fixture.ts";

/** Whether the go command can parse a go.mod of these repositories. */
export function isParsable(goMod: string): boolean {
  return !UNPARSABLE.some((part) => goMod.includes(part));
}

/** Numbers in [0, 1), always the same for a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const NUMBERS = ["v0.1.0", "v0.2.0", "v1.0.0", "v1.0.1", "v1.1.0", "v1.2.0", "v1.2.1", "v2.0.0", "v2.1.0", "v3.0.0"];
const PRERELEASES = ["-rc.1", "-alpha", "-beta.2", "-0.pre", "-rc.10"];
// No build metadata, +incompatible included: which base such a tag gives to a branch depends, in direct mode, on how much
// of the history the go command has fetched by then; @latest and @main of one commit then have different ones.
// (test/e2e/direct-mode.test.ts has one.)
const ODD_TAGS = ["v1", "v1.2", "1.0.0", "V1.1.1", "v01.0.0", "release", "sub/v1", "x/v1.0.0"];
/** What go.mod files hold that the go command cannot parse; direct mode, which does not try, serves them all the same. */
const UNPARSABLE = ["\nrequire (\n", "\ngo ( 1.24 )\n"];
const PREFIXES = ["", "", "", "sub/", "sub/", "deep/er/", "v2/"];

export interface RandomRepository {
  /** Writes the repository. */
  readonly recipe: (r: Recipe) => void;
  /** What was done, to be read by a person and to be done again by hand. */
  readonly story: string[];
  /** The names of all tags and branches. */
  readonly tags: readonly string[];
  readonly branches: readonly string[];
  /** Commits in the order of their making; their ids are known once the recipe has run. */
  readonly commits: readonly { readonly oid: string }[];
}

/** A random repository of the module `path`. */
export function randomRepository(seed: number, path: string): RandomRepository {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const chance = (p: number): boolean => random() < p;
  const story: string[] = [];
  const tags = new Set<string>();
  const branches = new Set<string>(["main"]);
  const commits: { oid: string }[] = [];

  const goMod = (module: string): string => {
    const head = pick(["", "", "// a comment\n", "// Deprecated: do not\n", "\r\n"]);
    const line = pick([`module ${module}`, `module ${module}`, `module ${module} // c`, `module "${module}"`]);
    const go = pick(["", "\ngo 1.16\n", "\ngo 1.21\n", "\ngo 1.24\n", UNPARSABLE[1]!]);
    const retract = chance(0.25) ? `\nretract ${pick(NUMBERS)} // ${pick(["oops", "bad"])}\n` : "";
    const interval = chance(0.1) ? "\nretract [v1.0.0, v1.1.9]\n" : "";
    const broken = chance(0.04) ? UNPARSABLE[0]! : "";
    return `${head}${line}\n${go}${retract}${interval}${broken}`;
  };
  const moduleOf = (directory: string): string => {
    const own = directory === "" ? path : `${path}/${directory}`;
    return pick([
      own,
      own,
      own,
      own,
      `${own}/v2`,
      `${own}/v2`,
      `${own}/v3`,
      "example.com/elsewhere",
      `${own}/v1`,
      "gopkg.in/x.v2",
    ]);
  };
  const change = (): Record<string, FixtureFile> => {
    const files: Record<string, FixtureFile> = { [`f${Math.floor(random() * 1e6)}.go`]: "package x\n" };
    const maybe = (p: number, name: string, content: () => FixtureFile): void => {
      if (chance(p)) files[name] = content();
    };
    maybe(0.55, "go.mod", () => (chance(0.1) ? null : goMod(moduleOf(""))));
    maybe(0.3, "sub/go.mod", () => (chance(0.15) ? null : goMod(moduleOf("sub"))));
    maybe(0.2, "sub/s.go", () => "package sub\n");
    maybe(0.2, "v2/go.mod", () => goMod(pick([`${path}/v2`, `${path}/v2`, path, `${path}/v3`])));
    maybe(0.1, "sub/v2/go.mod", () => goMod(pick([`${path}/sub/v2`, `${path}/sub`])));
    maybe(0.1, "deep/er/go.mod", () => goMod(`${path}/deep/er`));
    maybe(0.1, "v3/go.mod", () => goMod(`${path}/v3`));
    maybe(0.15, "LICENSE", () => "MIT\n");
    maybe(0.05, "sub/LICENSE", () => pick<FixtureFile>(["BSD\n", { symlink: "../LICENSE" }]));
    maybe(0.1, ".gitattributes", () => pick(["*.txt text eol=crlf\n", "*.go export-ignore\n", "*.id ident\n"]));
    maybe(0.1, "a.txt", () => "one\ntwo\n");
    maybe(0.05, "a.id", () => "$Id$\n");
    maybe(0.1, "vendor/x/x.go", () => "package x\n");
    maybe(0.1, "vendor/modules.txt", () => "# x\n");
    maybe(0.05, "link.go", () => ({ symlink: "f.go" }));
    maybe(0.03, "sub", () => "a file where a directory was\n");
    maybe(0.02, "GO.MOD", () => `module ${path}\n`);
    maybe(0.02, "go.mod", () => ({ symlink: `module ${path}` }));
    maybe(0.02, "aux.go", () => "package x\n");
    if ("sub" in files) for (const name of Object.keys(files)) if (name.startsWith("sub/")) delete files[name];
    return files;
  };
  const tagName = (): string => {
    if (chance(0.15)) return pick(ODD_TAGS);
    return pick(PREFIXES) + pick(NUMBERS) + (chance(0.2) ? pick(PRERELEASES) : "");
  };

  const recipe = (r: Recipe): void => {
    const tips = new Map<string, { oid: string }>();
    const count = 3 + Math.floor(random() * 6);
    for (let n = 0; n < count; n++) {
      // No branch is named v2: go takes that for a prefix of versions, and in direct mode looks at the tags alone that begin
      // so, which makes +incompatible ones of them that it does not see through any proxy.
      const branch = n === 0 || chance(0.7) ? "main" : pick(["side", "two", "feature"]);
      const known = tips.get(branch);
      const other = pick([...tips.values(), undefined]);
      const parents = known
        ? [known, ...(other && other !== known && chance(0.15) ? [other] : [])]
        : other
          ? [other]
          : [];
      const files = change();
      const commit = r.commit(files, { branch, parents, time: 1_600_000_000 + n * 1000 + Math.floor(random() * 3000) });
      story.push(
        `commit ${n} on ${branch}, parents ${parents.map((p) => commits.indexOf(p))}: ${JSON.stringify(files)}`,
      );
      tips.set(branch, commit);
      branches.add(branch);
      commits.push(commit);
      for (let t = Math.floor(random() * 4); t > 0; t--) {
        const name = tagName();
        if (tags.has(name)) continue;
        tags.add(name);
        const annotated = chance(0.3);
        if (annotated) r.annotatedTag(name, commit);
        else r.tag(name, commit);
        story.push(`${annotated ? "annotated " : ""}tag ${name} on commit ${n}`);
      }
    }
    // A tag on an old commit, which only its descendants know.
    const late = tagName();
    if (!tags.has(late)) {
      const commit = pick(commits);
      tags.add(late);
      r.tag(late, commit);
      story.push(`tag ${late} on commit ${commits.indexOf(commit)}`);
    }
  };
  return {
    recipe,
    story,
    commits,
    get tags() {
      return [...tags];
    },
    get branches() {
      return [...branches];
    },
  };
}
