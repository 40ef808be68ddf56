// The build list of a version (registry/modules/build-list.ts), and what changed among requirements.
import { invalid, notFound } from "../../errors.ts";
import type { BuildListEntry, ModuleVersionName, UnknownRequirements } from "../../gomod/module-graph.ts";
import { requirementDiff } from "../../gomod/requirement-diff.ts";
import { findDatabase } from "../../registry/advisories/vulnerability-database.ts";
import { buildList } from "../../registry/modules/build-list.ts";
import { versionName } from "../../registry/modules/readable-by-name.ts";
import type { VersionRow } from "../../registry/rows.ts";
import { vulnerabilitiesFor } from "../../registry/sbom/reported-vulnerabilities.ts";
import type { GraphqlContext } from "../context.ts";
import type {
  GoBuildListEntryResolvers,
  GoBuildListResolvers,
  GoMissingReason,
  GoModRequireResolvers,
  GoModuleVersionResolvers,
} from "../generated.ts";
import { tooLate } from "../time-limit.ts";
import { inTurn, once } from "../turns.ts";
import { goModOf } from "./go-mod.ts";
import { stillThere } from "./still-there.ts";

/** The build list of a version. */
export interface BuiltList {
  readonly main: ModuleVersionName;
  readonly complete: boolean;
  readonly modules: readonly BuildListEntry[];
  readonly missing: readonly (ModuleVersionName & { readonly reason: GoMissingReason })[];
}

/** So many of those who require a version are named; the others say no more. */
const MAX_REQUIRED_BY = 10;

/** About what a requirement has in a go.mod file. */
const BYTES_OF_REQUIREMENT = 40;

const REASONS: Record<UnknownRequirements, GoMissingReason> = {
  "not stored": "NOT_STORED",
  "go.mod not stored": "GO_MOD_NOT_STORED",
  "go.mod refused": "GO_MOD_REFUSED",
  "a directory": "REPLACED_BY_DIRECTORY",
};

export const buildListFields = {
  buildList: (version, _, context) =>
    once(context.loaders, `build list of ${version.id}`, async () => {
      const { loaders } = context;
      const main = await nameOfVersion(version, context);
      const goMod = stillThere(await loaders.goMod.load(version.id));
      const { modules, missing } = await inTurn(loaders, goMod?.length ?? 0, () =>
        buildList(main, goMod, (names) => requirementsOf(names, context)),
      );
      const named = missing.map(({ reason, ...name }) => ({ ...name, reason: REASONS[reason] }));
      const built: BuiltList = { main, complete: missing.length === 0, modules, missing: named };
      return built;
    }),

  requirementDiff: async (version, { from }, context) => {
    const { loaders } = context;
    const { path } = await nameOfVersion(version, context);
    const other = await loaders.versionOfModule.load({ moduleId: version.moduleId, version: from });
    if (!other) throw notFound(`there is no version ${from} of ${path}`);
    return once(loaders, `requirements from ${other.id} to ${version.id}`, async () => {
      const [before, after] = await Promise.all([requiresOf(other, context), requiresOf(version, context)]);
      const bytes = (before.length + after.length) * BYTES_OF_REQUIREMENT;
      return inTurn(loaders, bytes, () => requirementDiff(before, after));
    });
  },
} satisfies GoModuleVersionResolvers;

export const GoBuildList: GoBuildListResolvers = {
  vulnerabilities: async ({ main, modules }, _, { registry, principal }) =>
    (await findDatabase(registry)) ? vulnerabilitiesFor(registry, principal, [main, ...modules]) : null,
};

export const GoBuildListEntry: GoBuildListEntryResolvers = {
  requiredBy: ({ requiredBy }) => requiredBy.slice(0, MAX_REQUIRED_BY).map(versionName),
  replacedBy: ({ replacedBy }) => replacedBy ?? null,
  goModuleVersion: async (name, _, { loaders }) => (await loaders.versionByName.load(name)) ?? null,
};

export const GoModRequire: GoModRequireResolvers = {
  goModuleVersion: async (name, _, { loaders }) => (await loaders.versionByName.load(name)) ?? null,
  goModule: async ({ path }, _, { loaders }) => (await loaders.moduleByPath.load(path)) ?? null,
  url: async (name, _, { loaders, urls }) =>
    (await loaders.versionByName.load(name)) ? urls.moduleInfo(name) : urls.modulePage(name),
};

async function nameOfVersion(
  { moduleId, version }: VersionRow,
  { loaders }: GraphqlContext,
): Promise<ModuleVersionName> {
  return { path: stillThere(await loaders.module.load(moduleId)).path, version };
}

/** A level of a module graph; those of several graphs that are worked out at once are read together. */
async function requirementsOf(names: readonly ModuleVersionName[], { loaders, timeLimit }: GraphqlContext) {
  if (timeLimit.passed) throw tooLate(); // nobody waits for the answer any more
  return Promise.all(names.map((name) => loaders.requirements.load(name)));
}

async function requiresOf(version: VersionRow, context: GraphqlContext) {
  const goMod = stillThere(await context.loaders.goMod.load(version.id));
  const name = versionName(await nameOfVersion(version, context));
  if (!goMod)
    throw notFound(
      `the go.mod of ${name} is not stored yet: fetch it once with go mod download ${name}`,
      "not_fetched",
    );
  const { requires, parseError } = await goModOf(goMod, context.loaders);
  if (parseError !== null)
    throw invalid(`the go.mod of ${name} cannot be read: ${parseError}`, undefined, "invalid_go_mod");
  return requires;
}
