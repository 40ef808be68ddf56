// The build list of a stored version, as the go command would have it inside that module (`go list -m -mod=mod all`): what
// a build of it uses, from stored go.mod files alone. So its own replace and exclude count, as they do not where it is a
// dependency. What is not stored, and what the principal may not read, is said and passed over.
import { Failure } from "../../errors.ts";
import {
  type BuildList,
  buildListOf,
  type LoadRequirements,
  type ModuleVersionName,
} from "../../gomod/module-graph.ts";
import { readGoMod, readLargeGoMod } from "../versions/readable-go-mod.ts";

/** More versions than this are not looked at for one list; the largest graphs known have a fifth of it. */
const MAX_VERSIONS = 10_000;

/**
 * Works the build list out. `goMod` is that of the version, null while it is not stored; `load` reads what others require,
 * a level of the graph at a time. Throws too-large for a graph beyond all bounds, and what `load` throws.
 */
export async function buildList(
  main: ModuleVersionName,
  goMod: Buffer | null,
  load: LoadRequirements,
): Promise<BuildList> {
  if (goMod === null) return { modules: [], missing: [{ ...main, reason: "go.mod not stored" }] };
  await readLargeGoMod(goMod);
  const { file } = readGoMod(goMod);
  if (!file) return { modules: [], missing: [{ ...main, reason: "go.mod refused" }] };
  // The file may name some twice or exclude them; no file that a build can use names so many.
  if (file.requires.length > MAX_VERSIONS) throw tooLarge(main);
  let versions = 0;
  return buildListOf(main, file, async (names) => {
    versions += names.length;
    if (versions > MAX_VERSIONS) throw tooLarge(main);
    return load(names);
  });
}

function tooLarge({ path, version }: ModuleVersionName): Failure {
  return new Failure(
    "too-large",
    `the module graph of ${path}@${version} has more than ${MAX_VERSIONS} versions; ask the go command: go list -m all`,
  );
}
