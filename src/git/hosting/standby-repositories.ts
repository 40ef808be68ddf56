// A server that stands by has the repositories before it needs them: it fetches what the leader stored, round after round, so
// that a push need not wait for all packs of its repository when another server has died. What comes after the last round is a
// few packs, which are fetched when somebody asks (stored-repositories.ts).
import { keepRounds } from "../../concurrency/rounds.ts";
import { storedGenerations } from "../../registry/forge/repository-packs.ts";
import type { Registry } from "../../registry/registry.ts";
import { isOfGeneration } from "./stored-repositories.ts";

const EVERY_MS = 15_000;

/** Keeps the repositories of a server that stands by close to the leader's, one after the other, until it is closed. */
export function keepPrepared(registry: Registry): { close(): Promise<void> } {
  /** The generation in which each of them is here. */
  const prepared = new Map<number, number>();
  const round = async (over: () => boolean): Promise<void> => {
    for (const { projectId, generation } of await storedGenerations(registry)) {
      if (prepared.get(projectId) === generation) continue;
      const isHere = await isOfGeneration(registry, projectId, generation);
      if (over()) return; // before anything is begun that a leader would have to wait for
      try {
        if (!isHere) await registry.storedRepositories?.prepare(projectId);
        prepared.set(projectId, generation);
      } catch (error) {
        registry.log.warn({ err: error, project: projectId }, "a repository could not be fetched ahead");
      }
    }
  };
  return keepRounds(round, {
    firstAfterMs: 0,
    everyMs: EVERY_MS,
    failed: (error) => registry.log.warn({ err: error }, "repositories could not be fetched ahead"),
  });
}
