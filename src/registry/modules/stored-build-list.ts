// The build list of a version out of the database: build-list.ts with what this registry has stored, for those who want one
// list and are not in the middle of a query of many.
import { Failure } from "../../errors.ts";
import type { BuildList, ModuleVersionName } from "../../gomod/module-graph.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { goModsOf } from "../versions/version-rows.ts";
import { buildList } from "./build-list.ts";
import { requirementsByName, versionName } from "./readable-by-name.ts";

/** More bytes of go.mod files than any graph that is known has. */
const MAX_GRAPH_BYTES = 16 * 1024 * 1024;

/** What a build of a version uses, by the go.mod files that the principal may read. Throws too-large. */
export async function storedBuildList(
  registry: Registry,
  principal: Principal,
  main: ModuleVersionName & { readonly id: number },
): Promise<BuildList> {
  const goMod = (await goModsOf(registry, [main.id], MAX_GRAPH_BYTES)).get(main.id) ?? null;
  let bytesLeft = MAX_GRAPH_BYTES;
  return buildList(main, goMod, async (names) => {
    const { found, bytes } = await requirementsByName(registry, principal, names, bytesLeft);
    bytesLeft -= bytes;
    return names.map((one) => {
      const known = found.get(versionName(one));
      if (known === undefined)
        throw new Failure("too-large", "this graph is too large: ask the go command, go list -m all");
      return known;
    });
  });
}
