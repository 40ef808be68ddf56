// A push to a project, around what git does of it: which of its refs are refused, the mark that it is under way, who pushed
// what, the record of what moved, and what its author is told. Pushes may come by hundreds at once, while the database has few
// connections: so many are recorded at a time, and the others wait, because what git has moved must not be told to have
// failed. A push that could not be recorded yet (a database that is away) keeps the next one to its project out, so that
// nothing that moved is lost in between.
import { setTimeout as delay } from "node:timers/promises";
import { createSlots } from "../../concurrency/slots.ts";
import { databaseFailure } from "../../database/trouble.ts";
import { Failure } from "../../errors.ts";
import { protectedTagRefusals } from "../../registry/forge/protected-tags.ts";
import { roomIn } from "../../registry/forge/quotas.ts";
import { beginPush } from "../../registry/forge/recorded-refs.ts";
import { TAGS } from "../../registry/forge/ref-names.ts";
import { tagsBeside } from "../../registry/forge/tags-beside.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { answerToPush, type PushedTag } from "../../registry/versions/push-answer.ts";
import { recordUntilDone } from "../hosting/recorded-push.ts";
import type { Repositories } from "../hosting/repositories-of-projects.ts";
import type { TagIndexer } from "../indexing/tag-indexer.ts";
import { areFew } from "../protocol/compared-refs.ts";
import type { RefCommand } from "../protocol/push-commands.ts";
import type { Admission, DonePush } from "../protocol/receive-pack.ts";

/** How many pushes are recorded, and how many are indexed for those who wait, at once. */
const RECORDED_AT_ONCE = 4;
/** There is no other line to stand in. */
const NO_HURRY = { waitMs: Number.POSITIVE_INFINITY };
/** How long pushes wait for a database in trouble, in milliseconds. */
export interface PushPatience {
  /** …before the client is told that what it pushed is recorded later. */
  readonly toRecordMs: number;
  /** …for the push before to be recorded, before the next one is refused. */
  readonly forEarlierMs: number;
}
const PATIENCE: PushPatience = { toRecordMs: 45_000, forEarlierMs: 20_000 };
/** How long a push waits for its tags to be versions; the job goes on with what takes longer. */
const INDEXING_PATIENCE_MS = 1_000;

export interface Pushes {
  /**
   * Before git moves anything: what is refused, and how much may come. Throws Failure("unavailable") when the push cannot be
   * taken now. Whoever begins must end.
   */
  begin(project: ProjectRow, principal: Principal, commands: readonly RefCommand[]): Promise<Admission>;
  /**
   * After git, however it ended (`done` unknown: it was not started): lines for the client. Throws unavailable only where
   * repositories are in the blob store and the push is not there: this server alone could not keep what it acknowledges.
   */
  end(project: ProjectRow, done: DonePush | undefined): Promise<readonly string[]>;
}

interface UnderWay {
  pushes: number;
  /** Who pushes which ref, by its full name: the last one that began. */
  readonly pushers: Map<string, Principal>;
  /** Whether other refs than those can have moved: somebody's push from before was not recorded. */
  others: boolean;
  /** Pushes that git has done and that are not recorded. */
  readonly unrecorded: Set<Promise<unknown>>;
  /** Those of them whose clients were told that they are recorded later. */
  readonly late: Set<Promise<unknown>>;
}

/** `changed` is told of projects that have new versions; `stopping`: whether the server is about to end. */
export function openPushes(
  registry: Registry,
  repositories: Repositories,
  indexer: TagIndexer,
  { changed, stopping }: { readonly changed: (projectId: number) => void; readonly stopping: () => boolean },
  patience: PushPatience = PATIENCE,
): Pushes {
  const projects = new Map<number, UnderWay>();
  const recordings = createSlots(RECORDED_AT_ONCE, NO_HURRY);
  const indexings = createSlots(RECORDED_AT_ONCE, NO_HURRY);

  const record = async (projectId: number, underWay: UnderWay): Promise<"recorded" | "later"> => {
    const release = await recordings.take();
    try {
      const settled = (): boolean => underWay.pushes === 0;
      const pusherOf = (ref: string): Principal | undefined => underWay.pushers.get(ref);
      const touched = () => (underWay.others ? undefined : new Set(underWay.pushers.keys()));
      return await recordUntilDone(registry, repositories, { projectId, pusherOf, settled, touched }, stopping);
    } finally {
      release();
    }
  };
  const index = async (projectId: number): Promise<void> => {
    const release = await indexings.take();
    await indexer.index(projectId).finally(release);
  };

  const forget = (projectId: number, { pushes, unrecorded }: UnderWay): void => {
    if (pushes === 0 && unrecorded.size === 0) projects.delete(projectId);
  };

  return {
    async begin(project, principal, commands) {
      const { id } = project;
      const known = projects.get(id);
      const underWay = known ?? newUnderWay();
      projects.set(id, underWay);
      underWay.pushes++;
      try {
        if (underWay.late.size > 0) await earlier(underWay, patience.forEarlierMs);
        const refused = await protectedTagRefusals(registry, principal, project, commands);
        const taken = commands.filter(({ name }) => !refused.has(name));
        const brings = taken.filter(({ kind }) => kind !== "delete");
        const room = brings.length > 0 ? await roomIn(registry, project.group) : undefined;
        if (room?.bytes === 0)
          for (const { name } of brings) refused.set(name, `quota_exceeded: ${room.refusal().message}`);
        const beside = areFew(taken) ? await tagsBeside(registry, id, brings) : undefined;
        // The last that can fail: whoever is refused leaves no mark of a push behind.
        const marked = await beginPush(registry, id);
        if (marked && !known) underWay.others = true;
        for (const { name } of commands) if (!refused.has(name)) underWay.pushers.set(name, principal);
        return { refused, ...(beside && { beside }), ...(room && { maxBytes: room.bytes }) };
      } catch (error) {
        underWay.pushes--;
        forget(id, underWay);
        throw databaseFailure(error, registry.log) ?? error;
      }
    },

    async end(project, done) {
      const { id } = project;
      const underWay = projects.get(id)!;
      underWay.pushes--;
      const recording = record(id, underWay);
      underWay.unrecorded.add(recording);
      void recording.finally(() => {
        underWay.unrecorded.delete(recording);
        underWay.late.delete(recording);
        forget(id, underWay);
      });
      const outcome = await Promise.race([recording, delay(patience.toRecordMs, "later" as const, { ref: false })]);
      if (outcome === "later") {
        if (underWay.unrecorded.has(recording)) underWay.late.add(recording);
        if (registry.storedRepositories)
          throw new Failure("unavailable", "the push could not be stored", { reason: "storage_unavailable" });
        return [LATER];
      }
      // Whoever sees the push succeed may fetch at once; a failure is the job's to report and to repeat.
      await Promise.race([index(id).catch(() => {}), delay(INDEXING_PATIENCE_MS, undefined, { ref: false })]);
      changed(id);
      if (done === undefined) return [];
      if (done.packTooLarge) return await outOfRoom(registry, project);
      return await answerToPush(registry, project, tagsOf(done)).catch((error: unknown) => {
        registry.log.warn({ err: error, project: project.fullPath }, "a push could not be answered with its versions");
        return [];
      });
    },
  };
}

function newUnderWay(): UnderWay {
  return { pushes: 0, pushers: new Map(), others: false, unrecorded: new Set(), late: new Set() };
}

/** Where a pack was larger than its quota leaves room for: in numbers, and how many. */
async function outOfRoom(registry: Registry, project: ProjectRow): Promise<readonly string[]> {
  const room = await roomIn(registry, project.group).catch(() => undefined);
  return room === undefined ? [] : [`error: quota_exceeded: ${room.refusal().message}`];
}

const LATER =
  "warning: the server's database does not answer; what you pushed is stored, and its tags become versions when it does";

/** The tags that a push has moved. */
function tagsOf({ commands, moved }: DonePush): PushedTag[] {
  return commands.flatMap(({ name, kind }) =>
    name.startsWith(TAGS) && moved?.has(name) ? [{ tag: name.slice(TAGS.length), deleted: kind === "delete" }] : [],
  );
}

async function earlier(underWay: UnderWay, patienceMs: number): Promise<void> {
  const recorded = Promise.all(underWay.late).then(() => true);
  if (await Promise.race([recorded, delay(patienceMs, false, { ref: false })])) return;
  throw new Failure("unavailable", "an earlier push to this project is still being recorded; push again in a moment");
}
