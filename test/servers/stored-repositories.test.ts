// Repositories in the blob store, at the moments at which a server can be killed: what was recorded is there for the next one,
// what was not leaves no trace, and a directory that was left behind is told from one that is up to date.
import { existsSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { examineRepository } from "../../src/fsck/repositories.ts";
import { purgeRemains } from "../../src/git/hosting/purge.ts";
import { recordOpenPushes, recordPush } from "../../src/git/hosting/recorded-push.ts";
import {
  ensureRepository,
  repositoryDirectory,
  repositoryExists,
  repositoryOf,
} from "../../src/git/hosting/repositories-of-projects.ts";
import { keepPrepared } from "../../src/git/hosting/standby-repositories.ts";
import { openStoredRepositories, storeAll } from "../../src/git/hosting/stored-repositories.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { beginPush, nobodysPush, unrecordedPushes } from "../../src/registry/forge/recorded-refs.ts";
import { storedRepository } from "../../src/registry/forge/repository-packs.ts";
import { createUser } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { claimDataDirectory } from "../../src/storage/data-directory.ts";
import { runHere } from "../cli/run-here.ts";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";
import { git, makeRepository, type Recipe } from "../support/git-fixture.ts";
import { testRegistry } from "../support/registry.ts";
import { temporary } from "../support/temporary.ts";

const repositories = new Repositories();
atEnd(() => repositories.close());
let databaseUrl: string;
let first: Registry;
let second: Registry;
let sources = 0;

/** As a server that has just come to lead. */
const lead = (registry: Registry): void => registry.storedRepositories!.forget();

beforeAll(async () => {
  databaseUrl = await testDatabase();
  const DATABASE_URL = databaseUrl;
  first = await testRegistry({ DATABASE_URL });
  const directory = temporary("second");
  symlinkSync(join(first.dataDirectory, "blobs"), join(directory, "blobs"));
  second = await testRegistry({ DATABASE_URL, GOKURA_DATA_DIR: directory });
  for (const registry of [first, second]) registry.storedRepositories = openStoredRepositories(registry, repositories);
  await createUser(first, OPERATOR, { username: "ann" });
});

interface Project {
  readonly id: number;
  /** Has git take a push in at a server, of everything that is there so far; nothing is recorded. */
  push(registry: Registry, recipe: (r: Recipe) => void): Promise<void>;
  /** The same, recorded. */
  recorded(registry: Registry, recipe: (r: Recipe) => void): Promise<void>;
  /** The refs that a server has, as lines; git has looked at all their objects. */
  refs(registry: Registry): Promise<string>;
}

async function project(name: string, objectFormat: "SHA1" | "SHA256" = "SHA1"): Promise<Project> {
  const { id } = await createProject(first, OPERATOR, { fullPath: `ann/${name}`, objectFormat });
  const source = join(temporary("source"), String(++sources));
  const push = async (registry: Registry, recipe: (r: Recipe) => void): Promise<void> => {
    await ensureRepository(registry, { id, objectFormat });
    await beginPush(registry, id);
    makeRepository(source, recipe, { sha256: objectFormat === "SHA256" });
    git([
      "-C",
      source,
      "-c",
      "push.followTags=false",
      "push",
      "--quiet",
      "--force",
      repositoryDirectory(registry, id),
      "refs/*:refs/*",
    ]);
  };
  return {
    id,
    push,
    async recorded(registry, recipe) {
      await push(registry, recipe);
      await recordPush(registry, repositories, nobodysPush(id));
    },
    async refs(registry) {
      if (!(await repositoryExists(registry, id))) return "";
      const { directory } = await repositoryOf(registry, repositories, id);
      git(["-C", directory, "fsck", "--full", "--strict"]);
      return git(["-C", directory, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"]);
    },
  };
}

const commitAndTag = (tag: string) => (r: Recipe) => r.tag(tag, r.commit({ [`${tag}.txt`]: tag }));

test.each(["SHA1", "SHA256"] as const)("what was recorded is whole at another server (%s)", async (format) => {
  const lib = await project(`lib-${format}`, format);
  await lib.recorded(first, commitAndTag("v1.0.0"));
  await lib.recorded(first, commitAndTag("v1.1.0"));
  const refs = await lib.refs(first);
  expect(refs.split("\n")).toHaveLength(4); // main, two tags, and the end of the last line
  lead(second);
  expect(await lib.refs(second)).toBe(refs);
  expect((await storedRepository(second, lib.id))?.packs).toHaveLength(2);
});

test("a server that stands by has a repository before anybody asks it, and of what comes afterwards fetches what is new", async () => {
  const lib = await project("standby");
  await lib.recorded(first, commitAndTag("v1.0.0"));
  await lib.recorded(first, commitAndTag("v1.1.0"));
  const { packs } = (await storedRepository(first, lib.id))!;
  const packsHere = (): string[] =>
    readdirSync(join(repositoryDirectory(second, lib.id), "objects", "pack")).filter((name) => name.endsWith(".pack"));
  const standingBy = keepPrepared(second);
  await expect.poll(() => existsSync(repositoryDirectory(second, lib.id))).toBe(true);
  await standingBy.close();
  expect(packsHere().sort()).toEqual(packs.map(({ name }) => `${name}.pack`).sort());

  await lib.recorded(first, commitAndTag("v1.2.0"));
  const fetched: string[] = [];
  const { copyInto } = second.blobs;
  second.blobs.copyInto = (key, file) => {
    fetched.push(key);
    return copyInto(key, file);
  };
  lead(second);
  expect(await lib.refs(second)).toBe(await lib.refs(first));
  second.blobs.copyInto = copyInto;
  expect(fetched).toHaveLength(2); // the pack of the last push, and its index
});

test("a look that began before a server came to lead is not taken for one since", async () => {
  const lib = await project("begun");
  await lib.recorded(first, commitAndTag("v1.0.0"));
  const { copyInto } = second.blobs;
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  second.blobs.copyInto = async (key, file) => {
    begun.resolve();
    await goOn.promise;
    return copyInto(key, file);
  };
  const standingBy = second.storedRepositories!.prepare(lib.id);
  await begun.promise;
  await lib.recorded(first, commitAndTag("v1.1.0"));
  lead(second);
  const ensured = second.storedRepositories!.ensure(lib.id);
  goOn.resolve();
  await ensured;
  expect(git(["-C", repositoryDirectory(second, lib.id), "tag"])).toBe("v1.0.0\nv1.1.0\n");
  await standingBy;
  second.blobs.copyInto = copyInto;
});

test("killed before the record: the next server knows nothing of it, and the same one records it", async () => {
  const lib = await project("killed");
  await lib.recorded(first, commitAndTag("v1.0.0"));
  const before = await lib.refs(first);
  await lib.push(first, commitAndTag("v1.1.0"));
  await first.storedRepositories!.store(lib.id); // the blob is there, and no row
  lead(second);
  expect(await lib.refs(second)).toBe(before);
  lead(first);
  await recordOpenPushes(first, repositories, Date.now());
  const after = await lib.refs(first);
  expect(after).toContain("refs/tags/v1.1.0");
  lead(second);
  expect(await lib.refs(second)).toBe(after);
});

test("what records a push that was cut off leaves the mark of one that came meanwhile", async () => {
  const lib = await project("meanwhile");
  await lib.push(first, commitAndTag("v1.0.0"));
  const marks = async () => (await unrecordedPushes(first)).filter(({ projectId }) => projectId === lib.id);
  const [cutOff] = await marks();
  const newMark = async (): Promise<string> => {
    await beginPush(first, lib.id);
    return (await marks())[0]!.mark;
  };
  await expect.poll(newMark).not.toBe(cutOff!.mark); // clocks have milliseconds
  await recordPush(first, repositories, { ...nobodysPush(lib.id), ...cutOff });
  expect(await marks()).toHaveLength(1);
  expect(await lib.refs(first)).toContain("refs/tags/v1.0.0");
  await recordOpenPushes(first, repositories, Date.now());
  expect(await marks()).toEqual([]);
});

test("a directory that was left behind is made anew, whatever was moved in it, and moves nothing back", async () => {
  const lib = await project("behind");
  await lib.recorded(first, commitAndTag("v1.0.0"));
  await lib.push(first, commitAndTag("v9.9.9")); // the client was told nothing: this server stood still, and another leads
  lead(second);
  await recordOpenPushes(second, repositories, Date.now());
  const other = await project("other");
  await other.recorded(second, commitAndTag("v1.0.0"));
  const source = join(temporary("another"), "source");
  git(["clone", "--quiet", "--bare", repositoryDirectory(second, lib.id), source]);
  makeRepository(source, (r) => r.tag("v2.0.0", r.commit({ "two.txt": "2" })));
  await beginPush(second, lib.id);
  git(["-C", source, "push", "--quiet", "--force", repositoryDirectory(second, lib.id), "refs/tags/v2.0.0"]);
  await recordPush(second, repositories, nobodysPush(lib.id));
  const then = await lib.refs(second);
  expect(then).toContain("v2.0.0");
  // It leads again: the mark of a push stands, and what its directory has is not taken for the newest.
  lead(first);
  await beginPush(first, lib.id);
  await recordOpenPushes(first, repositories, Date.now());
  expect(await lib.refs(first)).toBe(then);
});

test("a first push that was not recorded is gone at the server that leads again", async () => {
  const lib = await project("first");
  await lib.push(first, commitAndTag("v1.0.0"));
  lead(second);
  await recordOpenPushes(second, repositories, Date.now());
  expect(await lib.refs(second)).toBe("");
  lead(first);
  expect(await lib.refs(first)).toBe("");
});

test("packs that were made one take the place of the others, which leave the blob store", async () => {
  const lib = await project("packed");
  // Other projects of this file have the same packs for the same tags.
  for (const tag of ["v5.0.0", "v5.1.0", "v5.2.0"]) await lib.recorded(first, commitAndTag(tag));
  const refs = await lib.refs(first);
  const before = (await storedRepository(first, lib.id))!.packs;
  expect(before).toHaveLength(3);
  git(["-C", repositoryDirectory(first, lib.id), "repack", "-a", "-d", "-q"]);
  await storeAll(first, () => false);
  const [one, ...more] = (await storedRepository(first, lib.id))!.packs;
  expect([more, before.some(({ digest }) => digest === one?.digest)]).toEqual([[], false]);
  await purgeRemains(first, repositories, { zipsOlderThanMs: 0 });
  const left: (string | undefined)[] = [];
  for await (const { key } of first.blobs.list("pack")) left.push(key.split("/").at(-1));
  expect(left).toContain(one?.digest);
  for (const { digest } of before) expect(left).not.toContain(digest);
  lead(second);
  expect(await lib.refs(second)).toBe(refs);
});

test("repositories from before are stored when a server first leads", async () => {
  const lib = await project("before");
  const { storedRepositories } = first;
  first.storedRepositories = undefined;
  await lib.recorded(first, commitAndTag("v1.0.0"));
  first.storedRepositories = storedRepositories;
  lead(second);
  await expect(lib.refs(second)).rejects.toThrow("is on another server and was never stored");
  await storeAll(first, () => false);
  lead(second);
  expect(await lib.refs(second)).toBe(await lib.refs(first));
});

test("a repository that is lost is no empty one: nothing of it is taken for deleted", async () => {
  const lib = await project("lost");
  const { storedRepositories } = first;
  first.storedRepositories = undefined;
  await lib.recorded(first, commitAndTag("v1.0.0"));
  rmSync(repositoryDirectory(first, lib.id), { recursive: true });
  await expect(ensureRepository(first, { id: lib.id, objectFormat: "SHA1" })).rejects.toThrow("bring it back");
  await expect(recordPush(first, repositories, nobodysPush(lib.id))).rejects.toThrow("bring it back");
  first.storedRepositories = storedRepositories;
  expect(await first.prisma.ref.count({ where: { projectId: lib.id } })).toBe(2);
});

test("a pack that the blob store does not give leaves what is there", async () => {
  const lib = await project("torn");
  await lib.recorded(first, commitAndTag("v1.0.0"));
  const [pack] = (await storedRepository(first, lib.id))!.packs;
  const taken = await first.blobs.setAside(`pack/${pack!.digest.slice(0, 2)}/${pack!.digest}`);
  lead(second);
  await expect(lib.refs(second)).rejects.toThrow("is not stored");
  const examined = (registry: Registry) =>
    examineRepository(registry, repositories, lib.id, "ann/torn", { deep: false, repair: false });
  expect((await examined(second)).map(({ fault }) => fault)).toEqual(["pack_missing"]);
  await taken!.putBack();
  expect([await examined(first), await examined(second)]).toEqual([[], []]);
  expect(await lib.refs(second)).toBe(await lib.refs(first));
});

test("gokura storage copy --to disk brings all of them back, goes on where it was, and --finish ends their time elsewhere", async () => {
  const directory = temporary("third");
  symlinkSync(join(first.dataDirectory, "blobs"), join(directory, "blobs"));
  const environment = {
    ...{ DATABASE_URL: databaseUrl, GOKURA_DATA_DIR: directory },
    ...{ GOKURA_REPOSITORIES: "blobs", GOKURA_UPSTREAM: "off" },
  };
  const copies = (...more: string[]) => runHere(["storage", "copy", "--to", "disk", "--json", ...more], environment);
  // The one that is lost is named, and ends nothing.
  const partly = await copies("--finish");
  expect([partly.code, partly.stderr]).toEqual([
    1,
    expect.stringMatching(/1 repositories could not be copied.*ann\/lost/s),
  ]);
  const lost = await first.prisma.project.findFirstOrThrow({ where: { path: "lost" } });
  await first.prisma.ref.deleteMany({ where: { projectId: lost.id } });
  expect(await first.prisma.repositoryPack.count()).toBeGreaterThan(0);
  const again = JSON.parse((await copies()).stdout);
  expect(again).toMatchObject({ repositoriesCopied: 0, repositoriesPresent: expect.any(Number) });
  const lib = await project("late");
  await lib.recorded(first, commitAndTag("v1.0.0"));
  const give = await claimDataDirectory(directory, first.log);
  expect((await copies()).stderr).toContain("another server");
  await give();
  const last = await copies("--finish");
  expect([last.code, last.stderr]).toEqual([0, ""]);
  expect(JSON.parse(last.stdout)).toMatchObject({ repositoriesCopied: 1 });
  expect(await first.prisma.repositoryPack.count()).toBe(0);
  // A server with the repositories on its disk has them, and one that stores them begins anew.
  const third = await testRegistry({ DATABASE_URL: databaseUrl, GOKURA_DATA_DIR: directory });
  const refs = await lib.refs(third);
  expect(refs).toBe(await lib.refs(first));
  expect(await examineRepository(third, repositories, lib.id, "ann/late", { deep: true, repair: false })).toEqual([]);
  third.storedRepositories = openStoredRepositories(third, repositories);
  await storeAll(third, () => false);
  expect((await storedRepository(third, lib.id))!.packs.length).toBeGreaterThan(0);
});
