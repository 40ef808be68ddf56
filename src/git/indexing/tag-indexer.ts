// Tags become versions. What a tag stands for is said by its name alone (gomod/tag-version.ts), so a new tag costs only
// itself: no other tag and no tree is looked through. What it cannot be is written down with the reason, for its author.
import { createSingleFlight } from "../../concurrency/single-flight.ts";
import { withoutYoungGrowth } from "../../concurrency/young-generation.ts";
import { type Failure, invalid, isFailure } from "../../errors.ts";
import { type TaggedModule, whyNotAVersion } from "../../gomod/tag-version.ts";
import { isIncompatible } from "../../gomod/version.ts";
import { demandDatabase } from "../../registry/database-answers.ts";
import { moduleRootsOf, projectById } from "../../registry/forge/projects.ts";
import { type WaitingTag, waitingTags } from "../../registry/forge/waiting-tags.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { type NewVersion, publish } from "../../registry/versions/publish.ts";
import { readGoMod } from "../../registry/versions/readable-go-mod.ts";
import type { Refusal } from "../../registry/versions/rejected-tags.ts";
import { buildZipsSoon } from "../../registry/versions/version-zip.ts";
import { type Repositories, type Repository, repositoryOf } from "../hosting/repositories-of-projects.ts";
import { goModObjection } from "./go-mod-objection.ts";
import { sumWhereKnown } from "./known-sums.ts";
import { BudgetSpent, createReadBudget, type ReaderShare } from "./read-budget.ts";
import { tagSchemeOf } from "./tag-scheme-of-project.ts";

/** Tags that are asked for together. */
const BATCH = 500;
/** Tags that are read at the same time: what they ask of git crosses the pipe together. */
const READERS = 100;
/** What was read is published once it has this many bytes together, while the next is read: bounds memory and the transaction. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;
/** The go.mod files of one tag, which in GitLab's scheme may be many, have no more bytes than this together. */
const MAX_TAG_BYTES = 64 * 1024 * 1024;
/** A run in which more tags than this cannot be read or published is given up. */
const MAX_FAILURES = 20;

export interface TagIndexer {
  /**
   * Looks at all tags of a project that wait, and leaves a job that makes the zips of the newest ones. Who asks while that
   * goes on already shares the run that follows it.
   */
  index(projectId: number): Promise<void>;
}

/** One run a project at a time: a push waits for its tags a moment (http/git-door.ts) while the job for them starts too. */
export function openTagIndexer(registry: Registry, repositories: Repositories): TagIndexer {
  const running = createSingleFlight<number, void>();
  const waiting = createSingleFlight<number, { readonly run: Promise<void> }>();
  const start = (projectId: number): Promise<void> =>
    running.run(projectId, () => withoutYoungGrowth(() => indexTags(registry, repositories, projectId)));
  return {
    async index(projectId) {
      const current = running.underWay(projectId);
      if (!current) return start(projectId);
      // They wait together until their run begins, not until it ends: who asks later needs another one.
      const { run } = await waiting.run(projectId, async () => {
        await current.catch(() => {}); // told to those who asked for it
        return { run: start(projectId) };
      });
      return run;
    },
  };
}

async function indexTags(registry: Registry, repositories: Repositories, projectId: number): Promise<void> {
  const repository = await repositoryOf(registry, repositories, projectId);
  const ids: number[] = [];
  const failures: unknown[] = [];
  // A tag that git cannot read or the database will not take keeps no other from being a version. It goes on waiting.
  const failed = (tag: WaitingTag, error: unknown): void => {
    registry.log.error(
      { err: error, project: projectId, tag: tag.tag },
      "a tag could not be indexed; it is tried again",
    );
    failures.push(error);
    if (failures.length > MAX_FAILURES) throw error;
  };
  // While some are published the next ones are read: one waits for the disk, the other for git.
  let publishing: Promise<readonly number[]> = Promise.resolve([]);
  let earliest: Date | undefined;
  let last = "";
  try {
    for (;;) {
      const project = await projectById(registry, projectId);
      const tags = await waitingTags(registry, projectId, last, BATCH);
      if (tags.length === 0) break;
      last = tags.at(-1)!.tag;
      for (const { updatedAt } of tags) {
        // All tags wait anew when the project has another prefix or tag scheme: since then, not since they were pushed.
        const since = updatedAt > project.updatedAt ? updatedAt : project.updatedAt;
        if (!earliest || since < earliest) earliest = since;
      }
      const queue = [...tags];
      while (queue.length > 0) {
        const read = (tag: WaitingTag, take: ReaderShare["take"]) =>
          readTag(registry, project, repository.taking(take), tag);
        const outcomes = await readTags(queue, read, failed);
        const compared = await sumOutcomes(registry, projectId, repository, outcomes);
        ids.push(...(await publishing));
        publishing = publishOutcomes(registry, projectId, compared, failed);
        publishing.catch(() => {}); // it is awaited later
      }
    }
    ids.push(...(await publishing));
  } finally {
    await publishing.catch(() => {}); // a run has ended when nothing of it goes on
  }
  if (earliest) registry.metrics.indexing.observe((Date.now() - earliest.getTime()) / 1000);
  if (ids.length > 0) {
    await buildZipsSoon(registry, projectId, ids.slice(-BATCH));
    registry.log.info({ project: projectId, versions: ids.length }, "tags became versions");
  }
  if (failures.length > 0) throw failures[0];
}

/** Takes tags off a queue and reads them, until the queue is empty or what was read is enough to be published. */
async function readTags(
  queue: WaitingTag[],
  read: (tag: WaitingTag, take: ReaderShare["take"]) => Promise<Outcome>,
  failed: (tag: WaitingTag, error: unknown) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const turnedAway: WaitingTag[] = [];
  const budget = createReadBudget(MAX_HELD_BYTES);
  const reader = async (): Promise<void> => {
    while (!budget.isSpent()) {
      const tag = queue.shift();
      if (!tag) return;
      const share = budget.share();
      try {
        outcomes.push(await read(tag, share.take));
      } catch (error) {
        share.giveBack();
        if (!(error instanceof BudgetSpent)) failed(tag, error);
        else {
          turnedAway.push(tag);
          return;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  queue.unshift(...turnedAway);
  return outcomes;
}

/** Outcomes whose versions have the h1 of their files where their names have known content. */
async function sumOutcomes(
  registry: Registry,
  projectId: number,
  repository: Repository,
  outcomes: readonly Outcome[],
): Promise<readonly Outcome[]> {
  const all = outcomes.flatMap(({ versions }) => versions);
  const summed = (await sumWhereKnown(registry, projectId, repository, all)).values();
  return outcomes.map((outcome) => ({ ...outcome, versions: outcome.versions.map(() => summed.next().value!) }));
}

function bytesOf(versions: readonly NewVersion[]): number {
  return versions.reduce((sum, version) => sum + version.goMod.length, 0);
}

/** Publishes what tags stand for, all in one transaction; should that fail, those that go through by themselves. */
async function publishOutcomes(
  registry: Registry,
  projectId: number,
  outcomes: readonly Outcome[],
  failed: (tag: WaitingTag, error: unknown) => void,
): Promise<number[]> {
  const publishAll = (some: readonly Outcome[]): Promise<number[]> =>
    publish(registry, projectId, {
      versions: some.flatMap((outcome) => outcome.versions),
      refusals: some.flatMap((outcome) => outcome.refusals),
      tags: some.map((outcome) => outcome.tag),
    });
  if (outcomes.length === 0) return [];
  try {
    return await publishAll(outcomes);
  } catch (error) {
    if (isFailure(error)) throw error;
    await demandDatabase(registry); // without a database none would go through
    registry.log.error({ err: error, project: projectId }, "some tags could not be published together");
  }
  const ids: number[] = [];
  for (const outcome of outcomes) {
    try {
      ids.push(...(await publishAll([outcome])));
    } catch (error) {
      failed(outcome.tag, error);
    }
  }
  return ids;
}

/** What one tag stands for, under each name of the project's modules. */
interface Outcome {
  readonly tag: WaitingTag;
  readonly versions: readonly NewVersion[];
  readonly refusals: readonly Refusal[];
}

async function readTag(
  registry: Registry,
  project: ProjectRow,
  repository: Repository,
  tag: WaitingTag,
): Promise<Outcome> {
  const scheme = tagSchemeOf(project);
  const refused = (reason: string): Outcome => ({ tag, versions: [], refusals: [{ tag: tag.tag, reason }] });
  let candidates: readonly TaggedModule[];
  try {
    candidates = await scheme.candidates(repository, moduleRootsOf(registry, project), tag);
  } catch (error) {
    if (!isFailure(error, "invalid", "too-large")) throw error;
    return refused(error.message);
  }
  if (candidates.length === 0) return refused(whyNoModule(tag.tag));

  const versions: NewVersion[] = [];
  const refusals: Refusal[] = [];
  for (const candidate of candidates) {
    const { modulePath, version, location } = candidate;
    try {
      if (bytesOf(versions) > MAX_TAG_BYTES)
        throw invalid(`the go.mod files of this tag have over ${MAX_TAG_BYTES} bytes`);
      versions.push({ modulePath, ...(await scheme.atTag(repository, candidate, tag)) });
    } catch (error) {
      if (!isFailure(error, "not-found", "invalid", "too-large")) throw error;
      const isOfRoot = location.codeDir === "" && location.pathMajor === ""; // there it decides about +incompatible
      const hasGoMod = isOfRoot && (await hasRootGoMod(repository, tag.peeled));
      const reason = bareReason(error);
      refusals.push({ tag: tag.tag, modulePath, version, reason, listed: scheme.listsRefused, hasGoMod });
    }
  }
  return { tag, versions, refusals: [...quiet(refusals, versions), ...warnings(tag.tag, versions)] };
}

function whyNoModule(tag: string): string {
  return `the tag ${whyNotAVersion(tag)}`;
}

/** The go command's message without the module and version in front, which the row names anyway. */
function bareReason(error: Failure): string {
  return error.message.replace(/^\S+@\S+: invalid (?:pseudo-)?version: /, "");
}

/**
 * A tag such as v2.0.0 is tried as …/v2 and as +incompatible. If one of the two fits, or for the second one, the refusal
 * is no news to anybody; the row is kept because the module's list depends on it.
 */
function quiet(refusals: readonly Refusal[], versions: readonly NewVersion[]): Refusal[] {
  const spoken = refusals.filter((refusal) => !isIncompatible(refusal.version ?? ""));
  return refusals.map((refusal) => {
    const silent = versions.length > 0 || (spoken.length > 0 && !spoken.includes(refusal));
    return silent ? { ...refusal, silent } : refusal;
  });
}

/** What the author should know of versions that are served as direct mode serves them, but not as anybody expects. */
function warnings(tag: string, versions: readonly NewVersion[]): Refusal[] {
  const [first] = versions;
  if (!first) return [];
  const { modulePath, version, goMod, legacy } = first;
  const warn = (reason: string): Refusal[] => [{ tag, modulePath, version, reason, listed: true, hasGoMod: !legacy }];
  if (legacy)
    return warn(
      "there is no go.mod: the version is served as one from before Go modules, without requirements; add a go.mod (go mod init) and tag again",
    );
  const objections = versions.map((each) => goModObjection(each.modulePath, each));
  const problem = objections.includes(undefined) ? readGoMod(goMod).problem : objections[0];
  return problem === undefined ? [] : warn(problem);
}

async function hasRootGoMod(repository: Repository, commit: string): Promise<boolean> {
  const kind = await repository.kindOf(commit, "go.mod");
  return kind === "file" || kind === "symlink";
}
