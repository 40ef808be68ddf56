// One version by its name, for whoever may read it; to others there is none.
import { notFound } from "../../errors.ts";
import type { ModuleVersionName } from "../../gomod/module-graph.ts";
import { hidden } from "../access/access.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { VersionRow } from "../rows.ts";
import { findModule } from "../versions/modules.ts";
import { readableVersions, versionName } from "./readable-by-name.ts";

/** A version that the principal may read. Throws as if there were none otherwise. */
export async function demandVersion(
  registry: Registry,
  principal: Principal,
  name: ModuleVersionName,
): Promise<VersionRow> {
  const found = (await readableVersions(registry, principal, [name])).get(versionName(name));
  if (found) return found;
  if (!(await findModule(registry, principal, name.path))) throw hidden(principal, "Module");
  throw notFound(`there is no version ${name.version.slice(0, 100)} of ${name.path} here`);
}
