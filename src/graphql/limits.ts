// How much one request may ask for. A query can be small to write and endless to answer, so it is measured before anything
// is read:
//
//   tokens   words and signs of the document, so that reading it is cheap
//   fields   with all fragments written out, so that fragments cannot multiply (Apollo's maxRecursiveSelections)
//   aliases  the same, because an alias is what asks for one thing many times
//   depth    fields within fields
//   cost     an estimate of the rows that the answer may hold and the statements that find them:
//              a row                                    1 + what is asked of it
//              a list of n                              1 + n * (what is asked of an entry)
//              a go.mod file                            5, and 100 * (what is asked of a requirement)
//              a readme, the content or the sum of
//              a file                                   5
//              a build list                             100, and 100 * (what is asked of an entry)
//              the count of a list of n                 n
//              the packages of a group                  20 more
//              downloads by day                         20
//              a highlight; count and facets of a
//              search, for each entry of the page       5
//              what is read out of a version's zip    100, and 100 * (what is asked of an entry of a list)
//              a search of everything, a statistic,
//              a change, and
//              a list that needs a statement per object,
//              or is found among others' requirements   100 more
//            n is `first` or `last`, else the default of the field; a page has no more than 100. 100 modules with 20
//            versions each cost 101 + 100 * (1 + 1 + 20 * 1) = 2301; with 100 versions each they are too many.
//
// As in GitLab, who signs in may ask for more (doc/api/graphql, "Limits").
import type { GraphQLRequestContextDidResolveOperation } from "@apollo/server";
import {
  type ASTVisitor,
  GraphQLError,
  getNamedType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";
import { type ComplexityEstimatorArgs, getComplexity } from "graphql-query-complexity";
import { isAdministrator } from "../registry/access/access.ts";
import { PAGE_DEFAULT, PAGE_LIMIT } from "../registry/lists/keyset-page.ts";
import type { Principal } from "../registry/principal.ts";
import type { GraphqlContext } from "./context.ts";
import { refusal } from "./error-codes.ts";

export const BODY_LIMIT_BYTES = 256 * 1024;
export const TOKEN_LIMIT = 3_000;
export const FIELD_LIMIT = 1_000;
export const ALIAS_LIMIT = 50;
export const DEPTH_LIMIT = 15;
export const TIME_LIMIT_MS = 20_000;

const COST_LIMIT_ANONYMOUS = 4_000;
const COST_LIMIT_USER = 5_000;
const COST_LIMIT_ADMINISTRATOR = 6_000;

const STATEMENT_COST = 100;
const GO_MOD_COST = 5;
/** Fields that cost more than their type shows, though they are loaded for many objects at once. */
const FIELD_COSTS: Readonly<Record<string, number>> = {
  "Group.packages": 20, // a look into each of its projects
  "Downloads.byDay": 20,
  "GoModule.readme": GO_MOD_COST,
  "GoModule.goVersion": GO_MOD_COST,
  "GoModuleFile.text": GO_MOD_COST,
  "GoModuleFile.base64": GO_MOD_COST,
  "GoModuleFile.sha256": GO_MOD_COST,
  "GoModuleSearchHit.highlight": 5,
  // for each entry of the page, as all that is asked of a connection
  "ProjectConnection.count": 1,
  "GoModuleConnection.count": 1,
  "GoModuleVersionConnection.count": 1,
  "PackageConnection.count": 1,
  "GoModuleSearchConnection.count": 5,
  "GoModuleSearchConnection.facets": 5,
};

/** Fields whose price does not show in their type: searches, and what cannot be loaded for many objects at once. */
const DEAR_FIELDS = new Set([
  "Query.users",
  "Query.groups",
  "Query.projects",
  "Query.goModules",
  "Query.featureFlags",
  "Administration.tokens",
  "Administration.auditEvents",
  "Administration.jobs",
  "Administration.modulePrefixes",
  "Administration.rejectedTags",
  "Query.search",
  "Statistics.topModules",
  "Statistics.downloadsByDay",
  "Statistics.storage",
  "Statistics.cacheHitRate",
  "Statistics.indexGrowth",
  "Query.__schema",
  "Query.__type",
  "GoModule.dependents",
  "GoModuleVersion.dependents",
  "GoModuleVersion.buildList",
  "GoModuleVersion.files",
  "GoModuleVersion.file",
  "GoModuleVersion.fileDiff",
  "GoModuleVersion.licenses",
  "GoModuleVersion.readme",
]);

/** Lists without pages, whose length nobody knows before: taken for a whole page if much is asked of an entry. */
const UNPAGED_LISTS = new Set([
  "GoMod.requires",
  "GoFileDiff.added",
  "GoFileDiff.removed",
  "GoFileDiff.changed",
  "GoRequirementDiff.added",
  "GoRequirementDiff.removed",
  "GoBuildList.modules",
]);

/** Types that stand for a row. Others (connections, edges, page information, payloads) cost nothing by themselves. */
const ROWS = new Set([
  "User",
  "Token",
  "Group",
  "Project",
  "Member",
  "RejectedTag",
  "TagEvent",
  "GoModule",
  "GoModuleVersion",
  "GoDependent",
  "Package",
  "PackageBase",
  "PackageDetailsType",
  "PackageFile",
  "PackageDependencyLink",
  "GoModuleFile",
  "GoLicense",
  "FeatureFlag",
  "AuditEvent",
  "Job",
  "Upstream",
  "ModulePrefix",
  "DownloadsOfVersion",
  "ModuleDownloads",
  "GoModuleSearchHit",
]);

// ---- cost ----------------------------------------------------------------------------------------------------------

/** The cost of a field, given that of what is asked of each entry. */
function costOf({ type, field, args, childComplexity }: ComplexityEstimatorArgs): number {
  const name = `${type.name}.${field.name}`;
  const dear = DEAR_FIELDS.has(name) || type.name === "Mutation" ? STATEMENT_COST : (FIELD_COSTS[name] ?? 0);
  const result = getNamedType(field.type).name;
  if (result === "GoMod") return GO_MOD_COST + childComplexity;
  if (result === "GoRequirementDiff") return 2 * GO_MOD_COST + childComplexity;
  if (UNPAGED_LISTS.has(name)) return PAGE_LIMIT * childComplexity;
  if (result.endsWith("Connection")) return dear + 1 + pageSize(args, PAGE_DEFAULT) * childComplexity;
  const row = (ROWS.has(result) ? 1 : 0) + childComplexity;
  return "first" in args ? dear + 1 + pageSize(args, PAGE_LIMIT) * row : dear + row;
}

function pageSize(args: ComplexityEstimatorArgs["args"], otherwise: number): number {
  const asked: unknown = args.first ?? args.last ?? otherwise;
  return typeof asked === "number" ? Math.min(Math.max(asked, 0), PAGE_LIMIT) : PAGE_LIMIT;
}

function costLimitOf(principal: Principal): number {
  if (isAdministrator(principal)) return COST_LIMIT_ADMINISTRATOR;
  return principal.kind === "anonymous" ? COST_LIMIT_ANONYMOUS : COST_LIMIT_USER;
}

/** Refuses an operation that costs more than the principal may ask for. */
export function checkCost(request: GraphQLRequestContextDidResolveOperation<GraphqlContext>): void {
  const cost = measure(request);
  const limit = costLimitOf(request.contextValue.principal);
  if (cost > limit)
    throw refusal(
      `the query costs ${cost}, and ${limit} is the most for one request: ask for smaller pages or fewer fields at once`,
      "TOO_COSTLY",
      400,
      "query_too_costly",
    );
}

function measure(request: GraphQLRequestContextDidResolveOperation<GraphqlContext>): number {
  try {
    return getComplexity({
      schema: request.schema,
      query: request.document,
      variables: request.request.variables ?? {},
      ...(request.operationName === null ? {} : { operationName: request.operationName }),
      estimators: [costOf],
    });
  } catch (error) {
    // the variables do not fit
    if (error instanceof GraphQLError) throw refusal(error.message, "BAD_USER_INPUT", 400, "invalid_request");
    throw error;
  }
}

// ---- depth and aliases -----------------------------------------------------------------------------------------------

interface Extent {
  readonly depth: number;
  readonly aliases: number;
}

const NOTHING: Extent = { depth: 0, aliases: 0 };

/**
 * A validation rule that refuses what is too deep or has too many aliases, with fragments written out. Every fragment is
 * measured once; one that holds itself (which another rule refuses) counts as empty there.
 */
export function extentRule(context: ValidationContext): ASTVisitor {
  const fragments = new Map<string, Extent>();

  const ofSet = (set: SelectionSetNode | undefined): Extent => {
    const extents = set?.selections.map(ofSelection) ?? [];
    return {
      depth: extents.reduce((deepest, { depth }) => Math.max(deepest, depth), 0),
      aliases: extents.reduce((sum, { aliases }) => sum + aliases, 0),
    };
  };

  const ofSelection = (selection: SelectionNode): Extent => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return ofFragment(selection.name.value);
    const inner = ofSet(selection.selectionSet);
    if (selection.kind === Kind.INLINE_FRAGMENT) return inner;
    // How deep introspection goes graphql-js limits by a rule of its own.
    const depth = selection.name.value.startsWith("__") ? 1 : inner.depth + 1;
    return { depth, aliases: inner.aliases + (selection.alias ? 1 : 0) };
  };

  const ofFragment = (name: string): Extent => {
    const known = fragments.get(name);
    if (known) return known;
    fragments.set(name, NOTHING);
    const extent = ofSet(context.getFragment(name)?.selectionSet);
    fragments.set(name, extent);
    return extent;
  };

  return {
    OperationDefinition(operation) {
      const { depth, aliases } = ofSet(operation.selectionSet);
      if (depth > DEPTH_LIMIT)
        context.reportError(new GraphQLError(`the query is ${depth} fields deep; ${DEPTH_LIMIT} is the most`));
      if (aliases > ALIAS_LIMIT)
        context.reportError(new GraphQLError(`the query has ${aliases} aliases; ${ALIAS_LIMIT} is the most`));
    },
  };
}
