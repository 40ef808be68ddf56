// What comes from upstream, as answers of a Go endpoint. They are kept in memory like our own, but belong to no project:
// such an entry is good while nothing has changed in who owns what, and as long as it is fresh. A zip that is still
// arriving is sent as it arrives to those who simply want it; whoever asks about it (HEAD, ranges, conditions) waits until it
// is whole, so that nobody ever sees the length of half a zip.
import { pipeline } from "node:stream/promises";
import type { Context } from "koa";
import { isFailure, notFound } from "../../errors.ts";
import type { GoRequest, VersionRequest } from "../../gomod/proxy-path.ts";
import { canonicalVersion, isValid } from "../../gomod/version.ts";
import { type Gate, gateOf, type Passed } from "../../registry/policies/gate.ts";
import type { Principal } from "../../registry/principal.ts";
import type { GroupRow } from "../../registry/rows.ts";
import { isExactVersion } from "../../upstream/admission.ts";
import { ABSENCE_MS, type Absent, type FoundAnswer } from "../../upstream/answers.ts";
import type { AskOptions, DependencyProxy } from "../../upstream/dependency-proxy.ts";
import type { Download, StoredZip } from "../../upstream/download.ts";
import {
  type JudgedAnswer,
  judgedLatest,
  judgedList,
  judgedQuery,
  passByName,
  storeZip,
} from "../../upstream/judged-answers.ts";
import { hasClientLeft } from "../protocol/send-blob.ts";
import { beginColdFetch, type ColdFetch } from "./cold-fetch.ts";
import {
  absence,
  absenceInWords,
  present,
  presentZip,
  TYPES,
  withPolicyHeader,
  withWarning,
  zipHeaders,
} from "./go-answers.ts";
import { type HotAnswer, type HotCache, isTrusted, writeHotAnswer } from "./hot-cache.ts";

/**
 * The go command, by the name that it has since go 1.27 and the one before, and proxies written in Go: they ask for the .mod
 * of a version when they have its .info.
 */
const GO_CLIENT = /^(?:GoCommand|Go-http-client)\//;

const NO_POLICY: Passed = { warning: undefined, freshMs: Number.POSITIVE_INFINITY };

/** A request for what is nobody's here. */
export interface WorldRequest {
  readonly dependencies: DependencyProxy;
  /** Where answers are kept ready. */
  readonly hotCache: HotCache;
  readonly ctx: Context;
  /** Upstream is not asked. */
  readonly storedOnly: boolean;
  /** The group whose endpoint was asked; undefined: the instance's. */
  readonly group: GroupRow | undefined;
  readonly principal: Principal;
  /** The age that the address demands of versions, in seconds. */
  readonly cooldownSeconds: number | undefined;
}

interface Asked extends WorldRequest {
  /** What policies let through: for how long, and what they warn of. */
  readonly passed: Passed;
  /** What may be fetched for it. */
  readonly cold: ColdFetch;
  /** Keeps an answer ready for the next who asks, if it may be kept; `pinned`: for ever the same. */
  readonly keep: (answer: HotAnswer, pinned: boolean, freshMs: number) => void;
}

/** Answers a request for a module that is nobody's here, which whoever asks may have. */
export async function serveFromUpstream(world: WorldRequest, request: GoRequest): Promise<void> {
  const { dependencies, hotCache, ctx, group, principal } = world;
  const { registry } = dependencies;
  const { answers } = registry.traffic;
  const { modulePath } = request;
  const url = ctx.req.url!;
  const begun = hotCache.moment(modulePath);
  const { generation } = registry.memory;
  const kept = hotCache.get(url);
  try {
    if (kept?.of === modulePath && isTrusted(kept, registry) && (await writeUnlessLost(world, kept.answer))) {
      answers.memory++;
      return;
    }
    const cold = await beginColdFetch(registry, principal, ctx.state.from as string, world.storedOnly);
    const storedOnly = world.storedOnly || cold.refused !== undefined;
    const keepAt = (at: string, answer: HotAnswer, pinned: boolean, freshMs: number): void => {
      // What is said because nobody may be asked is true for this request only.
      if (registry.memory.live && freshMs > 0 && (pinned || !storedOnly))
        hotCache.set(at, modulePath, begun, pinned, answer, { freshMs, generation, group });
    };
    const keep: Asked["keep"] = (...what) => keepAt(url, ...what);
    const unjudged: Asked = { ...world, storedOnly, keep, passed: NO_POLICY, cold };
    const groupIds = group?.traversalIds ?? [];
    const { cooldownSeconds } = world;
    const gate = await gateOf(registry, {
      ...{ principal, modulePath, groupIds, cooldownSeconds },
      storeZip: (version) => storeZip(dependencies, modulePath, version, { storedOnly }),
    });
    if (request.kind === "zip") {
      const { version } = canonical(request);
      const passed = gate
        ? await passByName(dependencies, gate, modulePath, version, { storedOnly, files: true })
        : NO_POLICY;
      if ("kind" in passed) return await writeAbsent(unjudged, passed);
      return await serveZip({ ...unjudged, passed }, request);
    }
    const options = { storedOnly, withGoMod: GO_CLIENT.test(ctx.get("User-Agent")) };
    const { answer, ...passed } = gate
      ? await judgedTo(dependencies, gate, request, options)
      : { answer: await answerTo(dependencies, request, options), ...NO_POLICY };
    const type = TYPES[request.kind];
    if (!answer.asked) await cold.answeredFromStore();
    if (answer.kind === "absent" && answer.unasked && cold.refused) throw cold.refused;
    const ready =
      answer.kind === "found" ? present(answer.body, type, answer.pinned) : absenceInWords(answer.status, answer.text);
    const pinned = answer.kind === "found" && answer.pinned;
    answers[answer.asked ? "upstream" : "stored"]++;
    const freshMs = answer.kind === "found" ? answer.freshMs : answer.unasked ? 0 : ABSENCE_MS / 2;
    const told = withWarning(ready, passed.warning);
    keep(told, pinned, Math.min(freshMs, passed.freshMs));
    // Rules are about the version, and so let its .mod through as they did its .info.
    if (answer.kind === "found" && answer.goMod && url.endsWith(".info")) {
      const goMod = withWarning(present(answer.goMod, TYPES.mod, true), passed.warning);
      keepAt(url.replace(/\.info$/, ".mod"), goMod, true, passed.freshMs);
    }
    await write(unjudged, told);
  } catch (error) {
    if (!isFailure(error, "not-found", "invalid", "too-large")) throw error;
    await write(world, absence(error));
  }
}

/** What is told of a request at an endpoint with policies. */
async function judgedTo(
  dependencies: DependencyProxy,
  gate: Gate,
  request: Exclude<GoRequest, VersionRequest<"zip">>,
  options: AskOptions,
): Promise<JudgedAnswer<FoundAnswer | Absent>> {
  const { modulePath } = request;
  if (request.kind === "list") return judgedList(dependencies, gate, modulePath, options);
  if (request.kind === "latest") return judgedLatest(dependencies, gate, modulePath, options);
  if (request.kind === "info" && !isExactVersion(modulePath, request.version))
    return judgedQuery(dependencies, gate, modulePath, request.version, options);
  const { version } = request.kind === "mod" ? canonical(request) : request;
  const passed = await passByName(dependencies, gate, modulePath, version, options);
  if ("kind" in passed) return { answer: passed, ...NO_POLICY };
  return { answer: await answerTo(dependencies, request, options), ...passed };
}

function answerTo(
  dependencies: DependencyProxy,
  request: Exclude<GoRequest, VersionRequest<"zip">>,
  options: AskOptions,
): Promise<FoundAnswer | Absent> {
  const { modulePath } = request;
  switch (request.kind) {
    case "list":
      return dependencies.list(modulePath, options);
    case "latest":
      return dependencies.query(modulePath, undefined, options);
    case "info":
      return dependencies.query(modulePath, request.version, options);
    case "mod":
      return dependencies.download(canonical(request), options);
  }
}

async function serveZip(asked: Asked, request: VersionRequest<"zip">): Promise<void> {
  const { dependencies, ctx, storedOnly } = asked;
  const { version } = canonical(request);
  let found = await dependencies.download(request, { storedOnly });
  const { answers } = dependencies.registry.traffic;
  if (found.kind === "stored") {
    if (await sendZipUnlessLost(asked, version, found)) {
      answers.stored++;
      await asked.cold.answeredFromStore();
      return;
    }
    found = await dependencies.download(request, { storedOnly, lost: true });
  }
  answers[found.kind === "arriving" ? "upstream" : "stored"]++;
  if (found.kind === "stored") return sendZip(asked, version, found);
  if (found.kind === "absent") return writeAbsent(asked, found);
  const { download } = found;
  const plain = ctx.method === "GET" && ctx.get("Range") === "" && ctx.get("If-None-Match") === "";
  // Whichever is first: something to send, or the end.
  if (plain) await Promise.race([download.flowing, download.outcome]);
  if (plain && download.readable && !(await isOver(download))) return sendArriving(asked, version, download);
  const outcome = await download.outcome;
  if (outcome.kind === "absent") return write(asked, absenceInWords(outcome.status, outcome.text));
  return sendZip(asked, version, outcome, download.whole);
}

async function isOver(download: Download): Promise<boolean> {
  const still = Symbol();
  return (await Promise.race([download.outcome, Promise.resolve(still)])) !== still;
}

async function sendZip(asked: Asked, version: string, { id, zip }: StoredZip, known?: Buffer): Promise<void> {
  const { dependencies, hotCache } = asked;
  const { warning, freshMs } = asked.passed;
  const answer = withWarning(await presentZip(dependencies.registry, zip, { id, version }, hotCache, known), warning);
  asked.keep(answer, true, freshMs);
  await write(asked, answer);
}

/** Sends a stored zip; false, with nothing sent, when the bytes are not stored any more. */
function sendZipUnlessLost(asked: Asked, version: string, zip: StoredZip): Promise<boolean> {
  return unlessLost(asked, () => sendZip(asked, version, zip));
}

/** Sends a zip as it arrives; if it turns out to be none that may be had, the connection is cut. */
async function sendArriving({ ctx, dependencies, passed }: Asked, version: string, download: Download): Promise<void> {
  const { traffic } = dependencies.registry;
  // What turns out to be no zip that may be had was no download.
  download.outcome.then(
    (outcome) => outcome.kind === "stored" && traffic.countOf(outcome.id).add(),
    () => {},
  );
  ctx.respond = false;
  const length = download.length === undefined ? [] : ["Content-Length", String(download.length)];
  ctx.res.writeHead(200, [...withPolicyHeader(zipHeaders(version), passed.warning), ...length]);
  await pipeline(download.bytes(), ctx.res).catch((error: NodeJS.ErrnoException) => {
    ctx.res.destroy();
    if (!hasClientLeft(error) && !isFailure(error)) throw error;
  });
}

/** .mod and .zip are of versions, not of branches. */
function canonical<Asked extends VersionRequest<"mod"> | VersionRequest<"zip">>(request: Asked): Asked {
  const { modulePath, version, kind } = request;
  if (isValid(version) && version === canonicalVersion(version)) return request;
  throw notFound(`${modulePath}@${version}: .${kind} needs a canonical version; ask for .info first to learn it`);
}

function write({ dependencies, hotCache, ctx }: WorldRequest, answer: HotAnswer): Promise<void> {
  ctx.respond = false;
  return writeHotAnswer(hotCache, answer, dependencies.registry.blobs, ctx.req, ctx.res);
}

/** Writes that there is no such thing, unless that is only so because this client may have nothing fetched now. */
async function writeAbsent(asked: Asked, { status, text, unasked }: Absent): Promise<void> {
  await asked.cold.answeredFromStore();
  if (unasked && asked.cold.refused) throw asked.cold.refused;
  await write(asked, absenceInWords(status, text));
}

/** Writes an answer; false, with nothing sent, when it is a zip whose bytes are not stored any more. */
function writeUnlessLost(asked: WorldRequest, answer: HotAnswer): Promise<boolean> {
  return unlessLost(asked, () => write(asked, answer));
}

async function unlessLost({ ctx, hotCache }: WorldRequest, send: () => Promise<void>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (!isFailure(error, "not-found") || ctx.res.headersSent) throw error;
    hotCache.drop(ctx.req.url!);
    return false;
  }
}
