// Who may do what, at every door: principal x visibility x registry on or off x operation x door, each cell a real request
// to a running server. What ought to happen is worked out here from the rules as docs/access.md tells them, without a look
// at the code that keeps them; REST and GraphQL must answer alike.
import { beforeAll, describe, expect, test } from "vitest";
import type { TokenScope } from "../../src/database/generated/client.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject, updateProject } from "../../src/registry/forge/projects.ts";
import { createDeployToken, createGroupDeployToken } from "../../src/registry/forge/tokens.ts";
import { createUser } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { publishVersions, version } from "../graphql/graphql-server.ts";
import { ask, basic } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

// ---- who -----------------------------------------------------------------------------------------------------------

type Visibility = "PRIVATE" | "INTERNAL" | "PUBLIC";

interface Person {
  readonly name: string;
  /** Access level in the groups of all projects. */
  readonly level: number;
  /** Nothing: anonymous. */
  readonly scopes: readonly TokenScope[];
  readonly kind: "anonymous" | "user" | "deploy token";
}

const DEPLOY_SCOPES: readonly TokenScope[] = ["read_repository", "read_package_registry"];

const LEVELS = { outsider: 0, guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 };

const PEOPLE: readonly Person[] = [
  { name: "anonymous", level: 0, scopes: [], kind: "anonymous" },
  ...Object.entries(LEVELS).map(([name, level]) => ({ name, level, scopes: ["api"] as const, kind: "user" as const })),
  { name: "administrator", level: 50, scopes: ["api"], kind: "user" },
  { name: "owner who may only read", level: 50, scopes: ["read_api"], kind: "user" },
  { name: "owner with a token for git", level: 50, scopes: ["write_repository"], kind: "user" },
  { name: "owner with a token for nothing", level: 50, scopes: ["read_user"], kind: "user" },
  ...["deploy token", "deploy token of another", "deploy token of the group", "deploy token of another group"].map(
    (name) => ({ name, level: 0, scopes: DEPLOY_SCOPES, kind: "deploy token" as const }),
  ),
];

/** Of the project itself, or of the group around it. */
const hasItsDeployToken = ({ name }: Person): boolean =>
  name === "deploy token" || name === "deploy token of the group";

interface Place {
  readonly group: string;
  readonly fullPath: string;
  readonly visibility: Visibility;
  readonly registryOn: boolean;
}

const PLACES: readonly Place[] = (["PRIVATE", "INTERNAL", "PUBLIC"] as const).flatMap((visibility) =>
  [true, false].map((registryOn) => {
    const group = `${visibility.toLowerCase()}-${registryOn ? "on" : "off"}`;
    return { group, fullPath: `${group}/lib`, visibility, registryOn };
  }),
);

// ---- what ought to happen --------------------------------------------------------------------------------------------

/** `hidden`: as if it were not there (and the anonymous are asked to sign in). */
type Outcome = "yes" | "forbidden" | "hidden" | "scope";

const OPENED_BY = {
  "api read": ["read_api", "api"],
  "api write": ["api"],
  go: ["read_api", "api", "read_package_registry"],
  "git fetch": ["read_repository", "write_repository", "read_api", "api"],
  "git push": ["write_repository", "api"],
} as const satisfies Record<string, readonly TokenScope[]>;
type Need = keyof typeof OPENED_BY;

const isOpen = (person: Person, { visibility }: Place): boolean =>
  visibility === "PUBLIC" || (visibility === "INTERNAL" && person.kind === "user");
const sees = (person: Person, place: Place): boolean =>
  isOpen(person, place) || person.level >= 10 || hasItsDeployToken(person);
const reads = (person: Person, place: Place): boolean =>
  isOpen(person, place) || person.level >= 20 || hasItsDeployToken(person);

type Rule = (person: Person, place: Place) => Outcome;

/** Hidden, unless it is seen; forbidden below a level, which the anonymous never have. */
const fromLevel =
  (level: number): Rule =>
  (person, place) => {
    if (!sees(person, place) || person.kind === "anonymous") return "hidden";
    return person.level >= level ? "yes" : "forbidden";
  };
const seeing: Rule = (person, place) => (sees(person, place) ? "yes" : "hidden");
const readingCode: Rule = (person, place) => {
  if (!sees(person, place)) return "hidden";
  return reads(person, place) ? "yes" : "forbidden";
};
const readingPackages: Rule = (person, place) => {
  const code = readingCode(person, place);
  return code === "yes" && !place.registryOn ? "forbidden" : code;
};
/** In lists and searches, and behind endpoints of many projects, what may not be read is not there. */
const findingPackages: Rule = (person, place) => (readingPackages(person, place) === "yes" ? "yes" : "hidden");
const forAdministrators: Rule = (person) => {
  if (person.kind === "anonymous") return "hidden";
  return person.name === "administrator" ? "yes" : "forbidden";
};

function expected({ need, rule, byNumber }: Operation, door: string, person: Person, place: Place): Outcome {
  const opening: readonly TokenScope[] = OPENED_BY[need];
  if (person.kind !== "anonymous" && !person.scopes.some((scope) => opening.includes(scope))) return "scope";
  const outcome = rule(person, place);
  // Asked for by its number alone, without its project or group, what may not be seen is not there.
  const isUnseen = door === byNumber?.door && byNumber.seen(person, place) !== "yes";
  return isUnseen && outcome === "forbidden" ? "hidden" : outcome;
}

// ---- asking --------------------------------------------------------------------------------------------------------

let server: TestServer;
const secrets = new Map<string, string>();
const numbers = new Map<string, { project: number; group: number }>();
let counter = 0;

beforeAll(async () => {
  server = await testServer();
  const { registry } = server;
  for (const name of Object.keys(LEVELS)) secrets.set(name, await server.token(name, "api"));
  secrets.set("administrator", ADMIN_TOKEN);
  secrets.set("owner who may only read", await server.token("owner", "read_api"));
  secrets.set("owner with a token for git", await server.token("owner", "write_repository"));
  secrets.set("owner with a token for nothing", await server.token("owner", "read_user"));
  await createProject(registry, OPERATOR, { fullPath: "root/other" });
  await createGroup(registry, OPERATOR, { fullPath: "other" });
  const input = { name: "d", scopes: DEPLOY_SCOPES, username: "deployer" };
  secrets.set("deploy token of another", (await createDeployToken(registry, OPERATOR, "root/other", input)).secret);
  const ofOther = await createGroupDeployToken(registry, OPERATOR, "other", input);
  secrets.set("deploy token of another group", ofOther.secret);
  for (const { group, fullPath, visibility, registryOn } of PLACES) {
    const { id } = await createGroup(registry, OPERATOR, { fullPath: group, visibility });
    for (const [username, accessLevel] of Object.entries(LEVELS))
      if (accessLevel > 0) await addMember(registry, OPERATOR, { groupPath: group }, { username, accessLevel });
    const project = await createProject(registry, OPERATOR, { fullPath, visibility });
    numbers.set(fullPath, { project: project.id, group: id });
    secrets.set(`deploy token ${fullPath}`, (await createDeployToken(registry, OPERATOR, fullPath, input)).secret);
    const ofGroup = await createGroupDeployToken(registry, OPERATOR, group, input);
    secrets.set(`deploy token of the group ${fullPath}`, ofGroup.secret);
    await pushRecipe(remoteOf(server.url, fullPath, ADMIN_TOKEN), (recipe) => {
      recipe.tag("v1.0.0", recipe.commit({ "go.mod": `module ${MODULE_HOST}/${fullPath}\n`, "a.go": "package a\n" }));
    });
    if (!registryOn) await updateProject(registry, OPERATOR, fullPath, { packagesEnabled: false });
  }
}, 120_000);

function headersOf(person: Person, place: Place): Record<string, string> {
  if (person.kind === "anonymous") return {};
  const own = hasItsDeployToken(person) ? `${person.name} ${place.fullPath}` : person.name;
  return basic(person.kind === "deploy token" ? "deployer" : "any", secrets.get(own)!);
}

interface Cell {
  readonly person: Person;
  readonly place: Place;
  /** Another number for every cell. */
  readonly n: number;
}

interface Operation {
  readonly name: string;
  readonly need: Need;
  readonly rule: Rule;
  /** The door at which something is named by its number and nothing else, and who sees it. */
  readonly byNumber?: { readonly door: string; readonly seen: Rule };
  readonly doors: Readonly<Record<string, (cell: Cell) => Promise<Outcome>>>;
}

/** What a status of REST, Go and git says. */
function outcomeOf(status: number, text: string, person: Person): Outcome {
  if (status >= 200 && status < 300) return "yes";
  if (status === 403) return text.includes("scope") ? "scope" : "forbidden";
  // Somebody without credentials is asked for some, everybody else is told that there is nothing.
  if (status === (person.kind === "anonymous" ? 401 : 404)) return "hidden";
  throw new Error(`${person.name} got ${status}: ${text}`);
}

type Rest = (path: string, init?: { method?: string; body?: object }) => Promise<{ outcome: Outcome; json: Json }>;
// biome-ignore lint/suspicious/noExplicitAny: answers have the shape of whatever was asked
type Json = any;

function restOf({ person, place }: Cell): Rest {
  return async (path, { method = "GET", body } = {}) => {
    const headers = { ...headersOf(person, place), "content-type": "application/json" };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await ask(server.url, `/api/v4${path}`, { method, headers, ...sent });
    const isJson = answer.text !== "" && answer.headers["content-type"]?.includes("json");
    return {
      outcome: outcomeOf(answer.status, answer.text, person),
      json: isJson ? JSON.parse(answer.text) : undefined,
    };
  };
}

/** The data of a query, or what kept it from being answered at all. */
async function queryAs({ person, place }: Cell, query: string): Promise<{ refused?: Outcome; data: Json }> {
  const headers = { ...headersOf(person, place), "content-type": "application/json" };
  const answer = await ask(server.url, "/api/graphql", { method: "POST", headers, body: JSON.stringify({ query }) });
  const { data, errors = [] } = JSON.parse(answer.text) as {
    data: Json;
    errors?: { extensions?: { code?: string } }[];
  };
  const codes = errors.map(({ extensions }) => extensions?.code);
  if (answer.status === 403 && codes.includes("INSUFFICIENT_SCOPE")) return { refused: "scope", data };
  if (answer.status !== 200) throw new Error(`${person.name} got ${answer.status}: ${answer.text}`);
  if (codes.includes("UNAUTHENTICATED")) return { refused: "hidden", data };
  if (codes.includes("FORBIDDEN")) return { refused: "forbidden", data };
  if (codes.length > 0) throw new Error(`${person.name}: ${query}: ${answer.text}`);
  return { data };
}

/** A query of one value: undefined is hidden, null forbidden. */
async function graphqlRead(cell: Cell, query: string, pick: (data: Json) => unknown): Promise<Outcome> {
  const { refused, data } = await queryAs(cell, query);
  if (refused) return refused;
  const found = pick(data);
  if (found === undefined) return "hidden";
  return found === null ? "forbidden" : "yes";
}

async function graphqlChange(cell: Cell, change: string): Promise<Outcome> {
  const { refused, data } = await queryAs(cell, `mutation { change: ${change} }`);
  if (refused) return refused;
  const [error] = data.change.errors as string[];
  if (error === undefined) return "yes";
  if (/Not Found|there is no (group|version|package|token)/.test(error)) return "hidden";
  if (/needs the access level|switched off|only administrators/.test(error)) return "forbidden";
  throw new Error(`${cell.person.name}: ${change}: ${error}`);
}

/** A project in a query: `pick` what is asked of it; hidden without the project. */
const ofProject =
  (fields: string, pick: (project: Json) => unknown) =>
  (cell: Cell): Promise<Outcome> =>
    graphqlRead(cell, `{ project(fullPath: "${cell.place.fullPath}") { ${fields} } }`, ({ project }) =>
      project === null ? undefined : pick(project),
    );

/** A list that is null for those who are not to see it, the anonymous too, whom REST asks to sign in. */
const ofMembers = (field: string) => (cell: Cell) =>
  ofProject(`${field} { nodes { id } }`, (project) =>
    project[field] === null && cell.person.kind === "anonymous" ? undefined : project[field],
  )(cell);

/** The same list of the group. */
const ofMembersOfGroup = (field: string) => (cell: Cell) =>
  graphqlRead(cell, `{ group(fullPath: "${cell.place.group}") { ${field} { nodes { id } } } }`, ({ group }) =>
    group === null || (group[field] === null && cell.person.kind === "anonymous") ? undefined : group[field],
  );

const some = (nodes: readonly unknown[] | undefined, otherwise: null | undefined): unknown =>
  nodes !== undefined && nodes.length > 0 ? nodes : otherwise;
const encoded = ({ place }: Cell): string => encodeURIComponent(place.fullPath);
const endpointOf = ({ place }: Cell): string => `${MODULE_HOST}/${place.fullPath}/@v/v1.0.0.info`;

/** Asks a Go endpoint or git for something. */
async function plain(cell: Cell, path: string): Promise<Outcome> {
  const answer = await ask(server.url, path, { headers: headersOf(cell.person, cell.place) });
  return outcomeOf(answer.status, answer.text, cell.person);
}

/** A version that was just published, to be taken away. */
async function freshVersion({ place, n }: Cell): Promise<{ id: number; version: string; path: string }> {
  const path = `${MODULE_HOST}/${place.fullPath}`;
  const name = `v1.1.${n}`;
  const [id] = await publishVersions(server.registry, numbers.get(place.fullPath)!.project, [version(path, name)]);
  return { id: id!, version: name, path };
}

/** A project that was just made, to be deleted. */
async function freshProject({ place, n }: Cell): Promise<string> {
  const fullPath = `${place.group}/fresh-${n}`;
  await createProject(server.registry, OPERATOR, { fullPath, visibility: place.visibility });
  return fullPath;
}

/** The number of a deploy token of the group that was just made, to be revoked. */
async function freshTokenOfGroup({ place }: Cell): Promise<number> {
  const input = { name: "fresh", scopes: DEPLOY_SCOPES };
  return (await createGroupDeployToken(server.registry, OPERATOR, place.group, input)).token.id;
}

/** A user that was just made, to become a member. */
async function freshUser({ n }: Cell): Promise<{ id: number; username: string }> {
  return createUser(server.registry, OPERATOR, { username: `fresh-user-${n}` });
}

// ---- the operations ----------------------------------------------------------------------------------------------------

const OPERATIONS: readonly Operation[] = [
  {
    name: "see a project",
    need: "api read",
    rule: seeing,
    doors: {
      rest: async (cell) => (await restOf(cell)(`/projects/${encoded(cell)}`)).outcome,
      graphql: ofProject("id", ({ id }) => id),
    },
  },
  {
    name: "find a project in the list of all",
    need: "api read",
    rule: seeing,
    doors: {
      async rest(cell) {
        const { outcome, json } = await restOf(cell)("/projects?search=lib&search_namespaces=true&per_page=100");
        if (outcome !== "yes") return outcome;
        return json.some((one: Json) => one.path_with_namespace === cell.place.fullPath) ? "yes" : "hidden";
      },
      graphql: (cell) =>
        graphqlRead(cell, `{ projects(search: "${cell.place.fullPath}") { nodes { id } } }`, ({ projects }) =>
          some(projects.nodes, undefined),
        ),
    },
  },
  {
    name: "list packages",
    need: "api read",
    rule: readingPackages,
    doors: {
      rest: async (cell) => (await restOf(cell)(`/projects/${encoded(cell)}/packages`)).outcome,
      graphql: ofProject("packages { nodes { name } }", ({ packages }) => some(packages?.nodes, null)),
    },
  },
  {
    name: "find a module",
    need: "api read",
    rule: findingPackages,
    doors: {
      graphql: (cell) =>
        graphqlRead(
          cell,
          `{ goModule(path: "${MODULE_HOST}/${cell.place.fullPath}") { path } }`,
          ({ goModule }) => goModule ?? undefined,
        ),
      "graphql list": (cell) =>
        graphqlRead(cell, `{ goModules(search: "${cell.place.fullPath}") { nodes { path } } }`, ({ goModules }) =>
          some(goModules.nodes, undefined),
        ),
    },
  },
  {
    name: "find packages in the group",
    need: "api read",
    rule: findingPackages,
    doors: {
      async rest(cell) {
        const { outcome, json } = await restOf(cell)(`/groups/${cell.place.group}/packages`);
        if (outcome !== "yes") return outcome;
        return json.length > 0 ? "yes" : "hidden";
      },
      graphql: (cell) =>
        graphqlRead(cell, `{ group(fullPath: "${cell.place.group}") { packages { nodes { name } } } }`, ({ group }) =>
          some(group?.packages?.nodes, undefined),
        ),
    },
  },
  {
    name: "fetch a module",
    need: "go",
    rule: readingPackages,
    doors: { go: (cell) => plain(cell, `/api/v4/projects/${encoded(cell)}/packages/go/${endpointOf(cell)}`) },
  },
  {
    name: "fetch a module from the group",
    need: "go",
    rule: readingPackages,
    doors: { go: (cell) => plain(cell, `/api/v4/groups/${cell.place.group}/-/packages/go/${endpointOf(cell)}`) },
  },
  {
    name: "fetch a module from the instance",
    need: "go",
    rule: readingPackages,
    doors: { go: (cell) => plain(cell, `/api/v4/packages/go/${endpointOf(cell)}`) },
  },
  {
    name: "find a version in the index feed",
    need: "go",
    rule: findingPackages,
    doors: Object.fromEntries(
      (["instance", "group"] as const).map((view) => [
        view,
        async (cell: Cell) => {
          const at = view === "group" ? `/api/v4/groups/${cell.place.group}/-/packages/go/index` : "/index";
          const answer = await ask(server.url, at, { headers: headersOf(cell.person, cell.place) });
          const outcome = outcomeOf(answer.status, answer.text, cell.person);
          if (outcome !== "yes") return outcome;
          return answer.text.includes(`"${MODULE_HOST}/${cell.place.fullPath}"`) ? "yes" : "hidden";
        },
      ]),
    ),
  },
  {
    name: "fetch code",
    need: "git fetch",
    rule: readingCode,
    doors: { git: (cell) => plain(cell, `/${cell.place.fullPath}.git/info/refs?service=git-upload-pack`) },
  },
  {
    name: "push",
    need: "git push",
    rule: fromLevel(30),
    doors: { git: (cell) => plain(cell, `/${cell.place.fullPath}.git/info/refs?service=git-receive-pack`) },
  },
  {
    name: "list deploy tokens",
    need: "api read",
    rule: fromLevel(40),
    doors: {
      rest: async (cell) => (await restOf(cell)(`/projects/${encoded(cell)}/deploy_tokens`)).outcome,
      graphql: ofMembers("deployTokens"),
    },
  },
  {
    name: "list deploy tokens of the group",
    need: "api read",
    rule: fromLevel(40),
    doors: {
      rest: async (cell) => (await restOf(cell)(`/groups/${cell.place.group}/deploy_tokens`)).outcome,
      graphql: ofMembersOfGroup("deployTokens"),
    },
  },
  {
    name: "list members",
    need: "api read",
    rule: fromLevel(10),
    doors: {
      rest: async (cell) => (await restOf(cell)(`/projects/${encoded(cell)}/members`)).outcome,
      graphql: ofMembers("members"),
    },
  },
  {
    name: "change a project",
    need: "api write",
    rule: fromLevel(40),
    doors: {
      rest: async (cell) =>
        (await restOf(cell)(`/projects/${encoded(cell)}`, { method: "PUT", body: { description: `${cell.n}` } }))
          .outcome,
      graphql: (cell) =>
        graphqlChange(
          cell,
          `projectUpdate(input: { fullPath: "${cell.place.fullPath}", description: "${cell.n}" }) { errors }`,
        ),
    },
  },
  {
    name: "add a member",
    need: "api write",
    rule: fromLevel(40),
    doors: {
      async rest(cell) {
        const { id } = await freshUser(cell);
        const body = { user_id: id, access_level: 20 };
        return (await restOf(cell)(`/projects/${encoded(cell)}/members`, { method: "POST", body })).outcome;
      },
      async graphql(cell) {
        const { username } = await freshUser(cell);
        const input = `{ projectPath: "${cell.place.fullPath}", username: "${username}", accessLevel: REPORTER }`;
        return graphqlChange(cell, `memberAdd(input: ${input}) { errors }`);
      },
    },
  },
  {
    name: "make a deploy token",
    need: "api write",
    rule: fromLevel(40),
    doors: {
      async rest(cell) {
        const body = { name: "d", scopes: ["read_repository"] };
        return (await restOf(cell)(`/projects/${encoded(cell)}/deploy_tokens`, { method: "POST", body })).outcome;
      },
      graphql: (cell) =>
        graphqlChange(
          cell,
          `tokenCreate(input: { name: "d", scopes: [READ_REPOSITORY], projectPath: "${cell.place.fullPath}" }) { errors }`,
        ),
    },
  },
  {
    name: "make a deploy token of the group",
    need: "api write",
    rule: fromLevel(50),
    doors: {
      async rest(cell) {
        const body = { name: "d", scopes: ["read_repository"] };
        return (await restOf(cell)(`/groups/${cell.place.group}/deploy_tokens`, { method: "POST", body })).outcome;
      },
      graphql: (cell) =>
        graphqlChange(
          cell,
          `tokenCreate(input: { name: "d", scopes: [READ_REPOSITORY], groupPath: "${cell.place.group}" }) { errors }`,
        ),
    },
  },
  {
    name: "revoke a deploy token of the group",
    need: "api write",
    rule: fromLevel(50),
    byNumber: { door: "graphql", seen: fromLevel(40) },
    doors: {
      async rest(cell) {
        const id = await freshTokenOfGroup(cell);
        return (await restOf(cell)(`/groups/${cell.place.group}/deploy_tokens/${id}`, { method: "DELETE" })).outcome;
      },
      async graphql(cell) {
        const id = await freshTokenOfGroup(cell);
        return graphqlChange(cell, `tokenRevoke(input: { id: "gid://gokura/Token/${id}" }) { errors }`);
      },
    },
  },
  {
    name: "delete a package",
    need: "api write",
    rule: (person, place) => {
      const outcome = fromLevel(40)(person, place);
      return outcome === "yes" && !place.registryOn ? "forbidden" : outcome;
    },
    byNumber: { door: "graphql", seen: readingPackages },
    doors: {
      async rest(cell) {
        const { id } = await freshVersion(cell);
        return (await restOf(cell)(`/projects/${encoded(cell)}/packages/${id}`, { method: "DELETE" })).outcome;
      },
      async graphql(cell) {
        const fresh = await freshVersion(cell);
        return graphqlChange(cell, `destroyPackage(input: { id: "gid://gokura/Package/${fresh.id}" }) { errors }`);
      },
    },
  },
  {
    name: "make a project in the group",
    need: "api write",
    rule: fromLevel(30),
    doors: {
      async rest(cell) {
        const body = { name: `made-${cell.n}`, namespace_id: numbers.get(cell.place.fullPath)!.group };
        return (await restOf(cell)("/projects", { method: "POST", body })).outcome;
      },
      graphql: (cell) =>
        graphqlChange(cell, `projectCreate(input: { fullPath: "${cell.place.group}/made-${cell.n}" }) { errors }`),
    },
  },
  {
    name: "delete a project",
    need: "api write",
    rule: fromLevel(50),
    doors: {
      async rest(cell) {
        const fullPath = await freshProject(cell);
        return (await restOf(cell)(`/projects/${encodeURIComponent(fullPath)}`, { method: "DELETE" })).outcome;
      },
      async graphql(cell) {
        const fullPath = await freshProject(cell);
        return graphqlChange(cell, `projectDelete(input: { fullPath: "${fullPath}" }) { errors }`);
      },
    },
  },
  {
    name: "see feature flags",
    need: "api read",
    rule: forAdministrators,
    doors: {
      rest: async (cell) => (await restOf(cell)("/features")).outcome,
      graphql: (cell) => graphqlRead(cell, "{ featureFlags { name } }", ({ featureFlags }) => featureFlags),
    },
  },
];

// ---- the matrix --------------------------------------------------------------------------------------------------------

describe.each(OPERATIONS)("$name", (operation) => {
  test.each(PEOPLE)("$name", async (person) => {
    // What is done at one place means nothing at another: all at once.
    const atPlace = async (place: Place): Promise<void> => {
      for (const [door, tryAt] of Object.entries(operation.doors)) {
        const found = await tryAt({ person, place, n: counter++ }).catch((error: unknown) => `${error}`);
        expect(found, `${place.fullPath} at ${door}`).toBe(expected(operation, door, person, place));
      }
    };
    await Promise.all(PLACES.map(atPlace));
  });
});

test("the matrix is not smaller than it seems", () => {
  const doors = OPERATIONS.reduce((sum, operation) => sum + Object.keys(operation.doors).length, 0);
  expect(doors * PEOPLE.length * PLACES.length).toBeGreaterThanOrEqual(2_400);
  expect(counter).toBe(doors * PEOPLE.length * PLACES.length);
});
