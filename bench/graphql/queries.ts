// What people and pages ask most, in the form in which they ask it. Names are those of the seed (seed.ts); a query is
// asked with another `n` every time, so that no answer is a copy of the last one.
import { modulePath, projectPath, WORDS } from "./names.ts";

export interface Query {
  readonly name: string;
  readonly text: string;
  /** Variables of the n-th time, of a registry with so many modules. */
  variables(n: number, modules: number): Record<string, unknown>;
}

const VERSION = "version kind time retracted h1 zipSize";

const PACKAGES = "nodes { name version createdAt project { fullPath } } pageInfo { hasNextPage endCursor }";

/** The modules that many require have low numbers (seed.ts). */
const POPULAR = 20;

/** A number from 0 to count - 1 that jumps about. */
const some = (n: number, count: number): number => (n * 7_919 + 13) % count;
/** A module at the root of a project. */
const hosted = (n: number, modules: number): number => some(n, Math.ceil(modules / 4)) * 4;

const SEARCH = `query ($query: String!) { search(query: $query, first: 20) { count(limit: 100)
  nodes { score highlight module { path origin latestVersion { version } } } facets { licenses { value count } goVersions { value count } } } }`;

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

export const QUERIES: readonly Query[] = [
  {
    name: "a module and its newest versions",
    text: `query ($path: String!) { goModule(path: $path) {
      path origin deprecated latestVersion { ${VERSION} }
      versions(first: 20) { nodes { ${VERSION} } pageInfo { hasNextPage endCursor } } } }`,
    variables: (n, modules) => ({ path: modulePath(hosted(n, modules)) }),
  },
  {
    name: "the versions of a module below one, by time",
    text: `query ($path: String!, $query: String!) { goModule(path: $path) {
      versions(first: 20, sort: TIME_DESC, query: $query) { count(limit: 1000) nodes { ${VERSION} } pageInfo { hasNextPage endCursor } } } }`,
    variables: (n, modules) => ({ path: modulePath(hosted(n, modules)), query: `<v1.${20 + (n % 30)}` }),
  },
  {
    name: "sub-modules and other majors of a module",
    text: `query ($path: String!) { goModule(path: $path) {
      subModules(first: 20) { nodes { path latestVersion { version } } } otherMajors { path } } }`,
    variables: (n, modules) => ({ path: modulePath(hosted(n, modules)) }),
  },
  {
    name: "a page of all modules",
    text: `query { goModules(first: 20) { nodes { path origin latestVersion { version time } project { fullPath } } pageInfo { hasNextPage } } }`,
    variables: () => ({}),
  },
  {
    name: "modules by part of the path",
    text: `query ($search: String!) { goModules(search: $search, first: 20) { nodes { path latestVersion { version } } } }`,
    variables: (n, modules) => ({ search: `${WORDS[n % WORDS.length]}-${some(n, modules / 4)}` }),
  },
  {
    name: "projects and their modules",
    text: `query { projects(first: 50) { nodes { fullPath visibility goModules(first: 5) { nodes { path latestVersion { version } } } } } }`,
    variables: () => ({}),
  },
  {
    name: "packages of a project",
    text: `query ($path: ID!) { project(fullPath: $path) { packages(first: 20) { count ${PACKAGES} } } }`,
    variables: (n, modules) => ({ path: projectPath(some(n, Math.floor(modules / 4))) }),
  },
  {
    name: "packages of a group with a tenth of all projects",
    text: `query ($sort: PackageGroupSort!) { group(fullPath: "huge") { packages(sort: $sort, first: 20) { count ${PACKAGES} } } }`,
    variables: (n) => ({ sort: ["CREATED_DESC", "NAME_ASC", "VERSION_DESC", "PROJECT_PATH_ASC"][n % 4] }),
  },
  {
    name: "packages of a group by name",
    text: `query ($name: String!) { group(fullPath: "huge") { packages(packageName: $name, first: 20) { ${PACKAGES} } } }`,
    variables: (n) => ({ name: WORDS[n % WORDS.length] }),
  },
  {
    name: "who requires a module",
    text: `query ($path: String!) { goModule(path: $path) { dependents(first: 20) {
      count(limit: 1000) nodes { requiredVersion indirect current module { path } version { version } } } } }`,
    variables: (n, modules) => ({ path: modulePath(n % 2 === 0 ? (n % POPULAR) * 4 : hosted(n, modules)) }),
  },
  {
    name: "who requires a version",
    text: `query ($path: String!) { goModule(path: $path) { versions(first: 1) { nodes { dependents(first: 20) {
      count(limit: 1000) nodes { indirect module { path } version { version } } } } } } }`,
    variables: (n, modules) => ({ path: modulePath(n % 2 === 0 ? (n % POPULAR) * 4 : hosted(n, modules)) }),
  },
  {
    name: "what a version requires and what changed",
    text: `query ($path: String!) { goModule(path: $path) { latestVersion {
      goMod { requires { path version goModule { path } } } requirementDiff(from: "v1.0.0") { added { path } changed { path from to } removed { path } } } } }`,
    variables: (n, modules) => ({ path: modulePath(hosted(n, modules)) }),
  },
  {
    name: "a build list",
    text: `query ($path: String!) { goModule(path: $path) { latestVersion { buildList { complete modules { path version } missing { path } } } } }`,
    variables: (n, modules) => ({ path: modulePath(hosted(n, modules)) }),
  },
  {
    name: "search: a word",
    text: SEARCH,
    variables: (n) => ({ query: WORDS[n % WORDS.length] }),
  },
  {
    name: "search: a mistyped path",
    text: SEARCH,
    variables: (n, modules) => ({ query: modulePath(some(n, modules)).replace(/(.)(.)(?=.{3}$)/, "$2$1") }),
  },
  {
    name: "search: one letter",
    text: SEARCH,
    variables: (n) => ({ query: "abcdefghijklmnopqrstuvwxyz"[n % 26] }),
  },
  {
    name: "the top modules of a week",
    text: `query ($from: Date!, $to: Date!) { statistics { topModules(from: $from, to: $to, first: 20) { module { path } downloads } } }`,
    variables: (n) => ({ from: daysAgo(10 + (n % 10)), to: daysAgo(4 + (n % 10)) }),
  },
  {
    name: "the numbers of the instance",
    text: `query ($from: Date!) { statistics { topModules(first: 20) { module { path } downloads } downloadsByDay(from: $from) { day downloads }
      storage { origin modules versions bytes } cacheHitRate(from: $from) { rate } indexGrowth(from: $from) { day count } } }`,
    variables: (n) => ({ from: daysAgo(20 + (n % 10)) }),
  },
  {
    name: "the downloads of a module",
    text: `query ($path: String!) { goModule(path: $path) { downloads { total byDay { day downloads } byVersion(first: 5) { downloads goModuleVersion { version } } } } }`,
    variables: (n, modules) => ({ path: modulePath(some(n, modules)) }),
  },
];
