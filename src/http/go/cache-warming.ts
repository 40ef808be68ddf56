// Cache warming: a server that has just started has nothing in memory, and of what it is asked for first each answer costs a
// way to the database and back, through code that has hardly run. So once it serves, it reads in one statement what was stored
// last of the world's modules, and keeps the answers of the instance's endpoint ready: .info and .mod whole, of zips the name.
//
// Such an answer is trusted as one that somebody asked for, and so it is made only of what anybody who may use the endpoint
// would be given: not of a name that is ours or private, nor of a module that a policy, an advisory or an age is about, which
// are judged when they are asked for. If anything changes meanwhile, nothing is kept: it is a help, and nobody waits for it.
import { everybodysTurn } from "../../concurrency/turns.ts";
import type { ModulePath } from "../../gomod/module-path.ts";
import { goPathOf } from "../../gomod/proxy-path.ts";
import { ownedNames } from "../../registry/forge/module-owner.ts";
import { gateOf } from "../../registry/policies/gate.ts";
import { OPERATOR } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import { lastStoredVersions, type NamedVersion } from "../../registry/versions/upstream-modules.ts";
import { goUrl } from "../../upstream/go-url.ts";
import { present, presentZip, TYPES } from "./go-answers.ts";
import { INSTANCE_ENDPOINT } from "./go-routes.ts";
import { ENTRY_OVERHEAD_BYTES, type HotAnswer, type HotCache } from "./hot-cache.ts";

/** As many as the build lists of several large programs have. */
const MAX_VERSIONS = 2_000;
/** What all of it may take of memory, and no more than half of what the largest answer may. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Versions that are prepared without a pause. */
const AT_ONCE = 50;

/** Keeps the answers for the versions that were stored last ready. Resolves to how many there are. */
export async function warmCache(registry: Registry, hotCache: HotCache): Promise<number> {
  const { memory } = registry;
  if (!memory.live) return 0;
  const { generation } = memory;
  const { changes } = hotCache;
  const maxBytes = Math.min(MAX_BYTES, Math.floor(hotCache.maxAnswerBytes / 2));
  const versions = await lastStoredVersions(registry, MAX_VERSIONS, { maxBytes, besides: 3 * ENTRY_OVERHEAD_BYTES });
  const isServed = await servedToAll(registry);
  const ready: { url: string; modulePath: string; answer: HotAnswer }[] = [];
  for (const [place, version] of versions.entries()) {
    if (await isServed(version.modulePath)) ready.push(...(await answersOf(registry, version)));
    if (place % AT_ONCE === AT_ONCE - 1) await everybodysTurn();
  }
  if (!memory.live || memory.generation !== generation || hotCache.changes !== changes) return 0;
  for (const { url, modulePath, answer } of ready)
    hotCache.set(url, modulePath, hotCache.moment(modulePath), true, answer, {
      freshMs: Number.POSITIVE_INFINITY,
      generation,
    });
  return ready.length;
}

/** Tells of modules whether what is stored of them is given to anybody who may use the endpoint, without a judgement. */
async function servedToAll(registry: Registry): Promise<(modulePath: string) => Promise<boolean>> {
  const isOwned = await ownedNames(registry);
  return async (modulePath) =>
    !isOwned(modulePath) &&
    !registry.privateModules.covers(modulePath) &&
    (await gateOf(registry, { principal: OPERATOR, modulePath, groupIds: [] })) === undefined;
}

async function answersOf(
  registry: Registry,
  { modulePath, version, id, info, goMod, zip }: NamedVersion,
): Promise<{ url: string; modulePath: string; answer: HotAnswer }[]> {
  const answers: { url: string; modulePath: string; answer: HotAnswer }[] = [];
  const add = (kind: "info" | "mod" | "zip", answer: HotAnswer): void => {
    const path = goPathOf({ kind, modulePath: modulePath as ModulePath, version });
    answers.push({ url: goUrl(INSTANCE_ENDPOINT, path), modulePath, answer });
  };
  if (info) add("info", present(info, TYPES.info, true));
  if (goMod) add("mod", present(goMod, TYPES.mod, true));
  if (zip) add("zip", await presentZip(registry, zip, { id, version }, undefined));
  return answers;
}
