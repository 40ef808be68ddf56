// Gokura and the go command in direct mode cannot be told apart: random repositories, asked both ways, of projects that list
// refused tags. For other projects there is one difference: the list leaves out what go would be refused, or refuse. What
// direct mode says of each tag tells which these are. A difference prints the repository's seed and how it was made.
// Each run asks about others, in CI about the same, `npm run conformance` about many more; CONFORMANCE_SEED and
// CONFORMANCE_REPOSITORIES (200, in ten minutes) choose.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordPush } from "../../../src/git/hosting/recorded-push.ts";
import { initRepository } from "../../../src/git/objects/init-repository.ts";
import { Repositories } from "../../../src/git/objects/repositories.ts";
import { declaredModulePath } from "../../../src/gomod/go-mod-line.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { nobodysPush } from "../../../src/registry/forge/recorded-refs.ts";
import { waitingTags } from "../../../src/registry/forge/waiting-tags.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { repositoryKey } from "../../../src/storage/object-keys.ts";
import { eventually } from "../../support/eventually.ts";
import { makeRepository } from "../../support/git-fixture.ts";
import { ask } from "../../support/http.ts";
import { seedOf } from "../../support/seed.ts";
import { type TestServer, testServer } from "../../support/server.ts";
import { type Answer, type Answers, askBoth, bothModes, NO_WORDS } from "./both-modes.ts";
import { isParsable, randomOf, randomRepository } from "./random-recipe.ts";

const SEED = seedOf("CONFORMANCE_SEED");
const REPOSITORIES = Number(process.env.CONFORMANCE_REPOSITORIES ?? (process.env.CONFORMANCE === undefined ? 6 : 40));
const AT_ONCE = 3;

let server: TestServer;
/** What is tried again is tried with new projects. */
let tries = 0;
const repositories = new Repositories();

beforeAll(async () => {
  server = await testServer();
  await createGroup(server.registry, OPERATOR, { fullPath: "random", visibility: "PUBLIC" });
});
afterAll(() => repositories.close());

test(`${REPOSITORIES} random repositories from seed ${SEED} on`, { timeout: 1_200_000 }, async () => {
  tries++;
  console.log(`conformance: seed ${SEED}, ${REPOSITORIES} repositories`);
  const differences: string[] = [];
  let next = 0;
  let questions = 0;
  const worker = async (): Promise<void> => {
    while (next < REPOSITORIES && differences.length < 3) {
      const n = next++;
      const { asked, difference } = await compare(SEED + n);
      questions += asked;
      if (difference) differences.push(difference);
      if ((n + 1) % 50 === 0) console.log(`conformance: ${n + 1} of ${REPOSITORIES}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  console.log(`conformance: ${questions} questions`);
  expect(differences.join("\n\n"), differences.join("\n\n")).toBe("");
  expect(questions).toBeGreaterThan(REPOSITORIES * 20);
});

async function compare(seed: number): Promise<{ asked: number; difference?: string }> {
  const name = tries === 1 ? `r${seed}` : `r${seed}-${tries}`;
  const path = `example.com/${name}.git`;
  const { registry, dataDirectory, url } = server;
  const fullPath = `random/${name}`;
  const project = await createProject(registry, OPERATOR, { fullPath, visibility: "PUBLIC", modulePrefix: path });
  const directory = join(dataDirectory, repositoryKey(project.id));
  const made = randomRepository(seed, path);
  await initRepository(directory);
  makeRepository(directory, made.recipe);
  const indexed = () =>
    eventually(
      () => waitingTags(registry, project.id, "", 1),
      (tags) => tags.length === 0,
      20_000,
    );
  await recordPush(registry, repositories, nobodysPush(project.id));
  await indexed();

  const paths = ["", "/v2", "/v3", "/sub", "/sub/v2", "/deep/er", "/nothing"].map((rest) => path + rest);
  const queries = queriesOf(seed, path, made);
  const view = `/api/v4/projects/${encodeURIComponent(fullPath)}/packages/go`;
  const goproxy = `${url}${view}`;
  const sound: Record<string, string> = {};
  for (const each of paths) {
    const { status, text } = await ask(url, `${view}/${each}/@v/list`);
    sound[each] = status === 200 ? text.trim().replaceAll("\n", " ") : "";
  }
  await updateProject(registry, OPERATOR, fullPath, { listRefused: true });
  await indexed();
  const { direct, proxied } = await askBoth(
    bothModes(directory, `https://example.com/${name}`, goproxy),
    paths,
    queries,
  );
  const asked = paths.length + queries.length;
  // Where the go command had to choose among versions, it tells of the choice and not of the version.
  const downloads = Object.entries(proxied.downloads).map(([query, answer]): [string, Answer] => {
    const unexplained = direct.downloads[query]?.refused === NO_WORDS;
    return [query, unexplained && answer.refused !== undefined ? { ...answer, refused: NO_WORDS } : answer];
  });
  const told = [
    ...differing("list", direct.lists, proxied.lists),
    ...differing("list without what is refused", soundLists(direct), sound),
    ...differing("download", direct.downloads, Object.fromEntries(downloads)),
  ];
  if (told.length === 0) return { asked };
  return { asked, difference: `seed ${seed}:\n${made.story.join("\n")}\n${told.join("\n")}` };
}

/** Direct mode's lists without the versions that it then refuses, or refuses to whoever requires them by their path. */
function soundLists({ lists, downloads }: Answers): Record<string, string> {
  const isSound = (path: string, version: string): boolean => {
    const answer = downloads[`${path}@${version}`];
    if (!answer) throw new Error(`nobody asked for ${path}@${version}`);
    const { refused, mod = "" } = answer;
    // Whether the files can be a zip is not known before it is made; what go.mod says is.
    if (refused !== undefined && !refused.startsWith("create zip: ")) return false;
    return declaredModulePath(Buffer.from(mod, "latin1")) === path && isParsable(mod);
  };
  return Object.fromEntries(
    Object.entries(lists).map(([path, list]) => [
      path,
      list
        .split(" ")
        .filter((version) => version !== "" && isSound(path, version))
        .join(" "),
    ]),
  );
}

function queriesOf(seed: number, path: string, made: ReturnType<typeof randomRepository>): string[] {
  const random = randomOf(seed ^ 0x5eed);
  const queries = new Set<string>();
  const versions = made.tags
    .map((tag) => /v\d+\.\d+\.\d+[^/+]*$/.exec(tag)?.[0])
    .filter((version) => version !== undefined);
  for (const rest of ["", "/v2", "/sub"])
    for (const query of ["latest", "main"]) queries.add(`${path}${rest}@${query}`);
  for (const tag of made.tags) {
    const slash = tag.lastIndexOf("/");
    const version = tag.slice(slash + 1);
    const module = slash < 0 ? path : `${path}/${tag.slice(0, slash)}`;
    const major = /^v([2-9])\./.exec(version)?.[1];
    queries.add(`${module}@${version}`);
    if (major)
      for (const query of [`${module}/v${major}@${version}`, `${module}@${version}+incompatible`]) queries.add(query);
  }
  for (const branch of made.branches) queries.add(`${path}@${branch}`);
  for (const commit of made.commits) {
    const length = random() < 0.5 ? 12 : 7 + Math.floor(random() * 33);
    queries.add(`${path}@${commit.oid.slice(0, length)}`);
    if (random() < 0.3) queries.add(`${path}/sub@${commit.oid.slice(0, 12)}`);
    if (random() < 0.3) queries.add(`${path}/v2@${commit.oid}`);
  }
  for (const version of versions.slice(0, 3))
    queries.add(`${path}@${version}-0.20200913122640-${made.commits[0]!.oid.slice(0, 12)}`);
  queries.add(`${path}@v0.0.0-20200913122640-${made.commits[0]!.oid.slice(0, 12)}`);
  queries.add(`${path}@v9.9.9`);
  // What the go command refuses by itself, before it asks anybody, stands at the end of the whole command.
  return [...queries].filter((query) => /^[^@]+@[\w.+-]+$/.test(query) && !/@V|\+a$|\+meta$/.test(query));
}

function differing<T>(
  what: string,
  direct: Readonly<Record<string, T>>,
  proxied: Readonly<Record<string, T>>,
): string[] {
  const told: string[] = [];
  for (const key of new Set([...Object.keys(direct), ...Object.keys(proxied)])) {
    const [there, here] = [JSON.stringify(direct[key]), JSON.stringify(proxied[key])];
    if (there !== here) told.push(`${what} ${key}\n  direct:  ${there}\n  gokura:  ${here}`);
  }
  return told;
}
