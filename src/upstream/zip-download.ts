// Getting a zip that is not stored: one download among all servers. The .mod is asked for at the same time, the bytes go to a
// scratch file and to everybody who waits (download.ts), then the whole is judged, the blob put in its place, and the row
// written that promises it.
import { rm, writeFile } from "node:fs/promises";
import { isFailure } from "../errors.ts";
import { h1OfGoMod } from "../gomod/dir-hash.ts";
import { MAX_ZIP_FILE } from "../gomod/module-zip.ts";
import { goPathOf, type VersionRequest } from "../gomod/proxy-path.ts";
import { zipIsBack } from "../registry/versions/evicted-zips.ts";
import {
  findUpstreamVersion,
  recordUpstreamEvent,
  type StoredVersion,
  storeUpstreamPart,
} from "../registry/versions/upstream-modules.ts";
import { type MadeZip, zipKeyOf } from "../registry/versions/version-zip.ts";
import { storing } from "../storage/disk-blobs.ts";
import { admitZip, Refused, type SumsVerdict, vouchesFor } from "./admission.ts";
import { type Absent, type FoundAnswer, pinned } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";
import { Download, type DownloadOutcome } from "./download.ts";
import { getOnce, lookOrGet, ZIP_PATIENCE_MS } from "./download-lock.ts";
import { absentAsRefused, demandTried, refuseUnproved } from "./refusals.ts";
import type { FoundUpstream } from "./upstream-client.ts";
import { ask } from "./upstream-request.ts";
import { versionFile } from "./version-files.ts";

/** Begins the download of a zip, or waits for the process that has begun it. `known`: what a look found of it. */
export function startDownload(
  state: DependencyState,
  request: VersionRequest<"zip">,
  known: StoredVersion | undefined,
  lookedAt: number,
): Download {
  const { modulePath, version } = request;
  let goMod = known?.goMod;
  let isLost = known?.zip !== undefined;
  const look = async (): Promise<DownloadOutcome | undefined> => {
    const stored = await findUpstreamVersion(state.registry, modulePath, version);
    goMod = stored?.goMod;
    if (!stored?.zip) return undefined;
    isLost = !(await isThere(state, stored.zip));
    if (isLost) return undefined;
    return { kind: "stored", id: stored.id, zip: stored.zip };
  };
  const get = async (download: Download): Promise<DownloadOutcome> => {
    demandTried(state, goPathOf(request));
    // All at once: the zip is judged by its .mod, and what comes from far away comes in one time instead of two.
    const described: Promise<FoundAnswer | Absent> = goMod
      ? Promise.resolve(pinned(goMod))
      : versionFile(state, { kind: "mod", modulePath, version }, { storedOnly: false });
    const proving = state.verification.begin(modulePath, version);
    described.catch(() => {}); // both are looked at when the zip has come so far
    proving.catch(() => {});
    const answer = await ask(state, request, MAX_ZIP_FILE);
    if (answer.kind === "absent") return answer;
    return receiveZip(state, download, { request, answer, described, proving, isLost });
  };
  const path = goPathOf(request);
  const wasLost = isLost; // another may have brought it back meanwhile
  return new Download((download) =>
    wasLost
      ? lookOrGet(state.locks, path, look, () => get(download), ZIP_PATIENCE_MS)
      : getOnce(state, path, { look, get: () => get(download), lookedAt, patienceMs: ZIP_PATIENCE_MS }),
  );
}

/** Whether the bytes of a stored zip are there: they may have made room, a disk may have been lost, or a server has another one. */
function isThere({ registry }: DependencyState, zip: MadeZip): Promise<boolean> {
  return registry.blobs.has(zipKeyOf(zip));
}

interface ArrivingZip {
  readonly request: VersionRequest<"zip">;
  readonly answer: FoundUpstream;
  readonly described: Promise<FoundAnswer | Absent>;
  readonly proving: Promise<SumsVerdict>;
  /** Whether a zip was stored whose bytes are gone: evicted, or lost. */
  readonly isLost: boolean;
}

async function receiveZip(
  state: DependencyState,
  download: Download,
  { request, answer, described, proving, isLost }: ArrivingZip,
): Promise<DownloadOutcome> {
  const { registry } = state;
  const { modulePath, version } = request;
  const path = goPathOf(request);
  const scratch = registry.blobs.scratch();
  let isAdopted = false;
  let written: Promise<void> | undefined;
  let leave = (): void => {};
  try {
    const { bytes, sha256, size } = await download.receive(scratch, answer);
    const isSmall = Buffer.isBuffer(bytes);
    // The disk takes it while it is judged: nobody is given what is in a scratch file.
    if (isSmall) written = storing(() => writeFile(scratch, bytes, { flag: "wx", flush: true }));
    written?.catch(() => {}); // looked at when it is admitted
    const mod = await described;
    if (mod.kind === "absent") return mod;
    const proved = await proving;
    leave = await state.judging.take();
    const { h1, goModDiffers } = await admitZip(modulePath, version, bytes, size, mod.body);
    if (proved.kind === "refused") throw refuseUnproved(state, path, proved.failure);
    vouchesFor(proved, "zip", h1);
    vouchesFor(proved, "go.mod", h1OfGoMod(mod.body));
    // A .mod that names another module is pinned only if the zip vouches for it.
    if (goModDiffers && !mod.pinned)
      throw new Refused(
        `${modulePath}@${version}: the zip holds another go.mod than its .mod, which names another module`,
      );
    const zip: MadeZip = { h1, sha256, size };
    // First the bytes, then the row that promises them.
    await written;
    await registry.blobs.adopt(scratch, zipKeyOf(zip), { isSynced: isSmall });
    isAdopted = true;
    const stored = await storeUpstreamPart(registry, modulePath, version, { goMod: mod.body, zip });
    if (goModDiffers) await noteOtherGoMod(state, request, answer.upstream);
    const kept = isLost ? await zipIsBack(registry, stored.id, zip) : stored.zip!;
    // Only if the blob of a pinned zip was lost, and not evicted, can it differ: then the very same bytes are wanted back.
    if (kept.h1 !== h1 || (kept.sha256 !== sha256 && !(await isThere(state, kept))))
      throw new Refused(`the zip is ${h1} (${sha256}), but ${kept.h1} (${kept.sha256}) is pinned`);
    if (isSmall && kept.sha256 === sha256) download.whole = bytes;
    return { kind: "stored", id: stored.id, zip: kept, unlisted: stored.unlisted };
  } catch (error) {
    if (error instanceof Refused) return await absentAsRefused(state, path, answer.upstream, error);
    if (!isFailure(error)) registry.log.error({ err: error, path }, "a download failed");
    throw error;
  } finally {
    leave();
    answer.body.destroy();
    if (!isAdopted) {
      await written?.catch(() => {}); // else it would be there again after it was removed
      await rm(scratch, { force: true });
    }
  }
}

/** Tells administrators that a zip says something else than its .mod: both are served, as the go command takes both. */
async function noteOtherGoMod(
  { registry }: DependencyState,
  { modulePath, version }: VersionRequest<"zip">,
  upstream: string,
): Promise<void> {
  const reason = "the zip holds another go.mod than the .mod; both are kept as they came";
  await recordUpstreamEvent(registry, "upstream.go_mod_differs", `${modulePath}@${version}`, { upstream, reason });
}
