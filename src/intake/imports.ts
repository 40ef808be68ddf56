// Versions that are stored elsewhere, or only named, brought in: out of a directory, from another proxy, or from the upstreams.
// What belongs to a project of ours is published there as an upload; everything else is judged, compared with the checksum
// databases and stored as when a client had asked for it, by the same parts. One that is refused keeps no other from coming,
// and is told with the reason. What is there already is passed over, so an import that was broken off is run again.
import { type Failure, isFailure, notFound } from "../errors.ts";
import { h1OfGoMod } from "../gomod/dir-hash.ts";
import { MAX_ZIP_FILE } from "../gomod/module-zip.ts";
import { ownerOf } from "../registry/forge/module-owner.ts";
import { gateOf } from "../registry/policies/gate.ts";
import type { Principal } from "../registry/principal.ts";
import type { ProjectRow } from "../registry/rows.ts";
import { findVersion } from "../registry/versions/served-versions.ts";
import { lookUpVersion } from "../registry/versions/upstream-modules.ts";
import type { DependencyProxy } from "../upstream/dependency-proxy.ts";
import { passByName, storeZip } from "../upstream/judged-answers.ts";
import type { UpstreamClient } from "../upstream/upstream-client.ts";
import type { WantedVersion } from "./go-sum.ts";
import { receiveBody } from "./received-body.ts";
import { publishUpload, type Uploads } from "./uploads.ts";

/** Versions that are brought in at the same time: each waits for a disk or a server most of its time. */
const AT_ONCE = 4;

export interface ImportParts {
  readonly principal: Principal;
  readonly proxy: DependencyProxy;
  /** Where the zips of our own modules come from; undefined: nowhere. */
  readonly client: UpstreamClient | undefined;
  readonly uploads: Uploads;
  /** The full path of the only project that versions are published in; undefined: whichever the path belongs to. */
  readonly into?: string | undefined;
  /** Nothing is brought in; only what is there is told apart from what is not. */
  readonly dryRun?: boolean;
}

/** What came of one version. */
export interface ImportedVersion {
  readonly module: string;
  readonly version: string;
  readonly outcome: "new" | "present" | "refused";
  /** Why it was refused. */
  readonly reason?: string;
}

/** Brings versions in and tells of each what came of it, as it comes. The signal ends it between two versions. */
export async function* importVersions(
  parts: ImportParts,
  wanted: Iterable<WantedVersion>,
  signal?: AbortSignal,
): AsyncGenerator<ImportedVersion> {
  const remaining = wanted[Symbol.iterator]();
  const running = new Map<number, Promise<{ place: number; done: ImportedVersion }>>();
  let count = 0;
  const start = (): void => {
    const next = signal?.aborted ? { done: true as const } : remaining.next();
    if (next.done) return;
    const place = count++;
    running.set(
      place,
      importOne(parts, next.value).then((done) => ({ place, done })),
    );
  };
  for (let n = 0; n < AT_ONCE; n++) start();
  while (running.size > 0) {
    const { place, done } = await Promise.race(running.values());
    running.delete(place);
    start();
    yield done;
  }
}

async function importOne(parts: ImportParts, wanted: WantedVersion): Promise<ImportedVersion> {
  const { modulePath: module, version } = wanted;
  try {
    const owner = await ownerOf(parts.proxy.registry, module);
    const outcome = owner ? await publishIn(parts, owner, wanted) : await store(parts, wanted);
    return typeof outcome === "string"
      ? { module, version, outcome }
      : { module, version, outcome: "refused", ...outcome };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { module, version, outcome: "refused", reason: error.message };
  }
}

type Outcome = "new" | "present" | { readonly reason: string };

/** A version of one of our modules: its zip is published as an upload, which says what is there already. */
async function publishIn(parts: ImportParts, project: ProjectRow, wanted: WantedVersion): Promise<Outcome> {
  const { principal, client, uploads, into, dryRun = false } = parts;
  const { modulePath, version, h1, zip } = wanted;
  if (into !== undefined && project.fullPath !== into)
    return { reason: `${modulePath} is a module of ${project.fullPath}, and not of ${into}` };
  if (!client || !zip) {
    const published = await findVersion(uploads.archives.registry, project.id, modulePath, version);
    if (published) return compared(wanted, published.goMod, published.zip?.h1);
    return { reason: `it is not published in ${project.fullPath}${client ? ", and there is no zip of it" : ""}` };
  }
  if (dryRun) return "new";
  const upload = { principal, project, modulePath, version, format: "zip", claimed: h1 } as const;
  const { isNew } = await publishUpload(uploads, upload, async (path) => {
    const answer = await client.fetch({ kind: "zip", modulePath, version }, { maxBytes: MAX_ZIP_FILE });
    if (answer.kind === "absent") throw absent(answer.text);
    return receiveBody(answer.body, path, MAX_ZIP_FILE);
  });
  return isNew ? "new" : "present";
}

/**
 * A version of a module of others: .mod, and with a zip .info and that too, as a client of the instance's endpoint would ask for
 * them. What a rule refuses is not brought in.
 */
async function store({ principal, proxy, dryRun = false, into }: ImportParts, wanted: WantedVersion): Promise<Outcome> {
  const { modulePath, version, zip } = wanted;
  if (into !== undefined) return { reason: `${modulePath} belongs to no project, and not to ${into}` };
  const { stored } = await lookUpVersion(proxy.registry, modulePath, version);
  const gate = await gateOf(proxy.registry, {
    ...{ principal, modulePath, groupIds: [] },
    storeZip: (one) => storeZip(proxy, modulePath, one, {}),
  });
  if (gate && !dryRun) {
    const passed = await passByName(proxy, gate, modulePath, version, { files: zip });
    if ("kind" in passed) throw absent(passed.text);
  }
  if (stored?.goMod && (!zip || stored.zip)) return compared(wanted, stored.goMod, stored.zip?.h1);
  if (dryRun) return "new";
  if (zip) await proxy.query(modulePath, version); // where there is none it is made up when it is asked for
  const goMod = await proxy.download({ kind: "mod", modulePath, version });
  if (goMod.kind === "absent") throw absent(goMod.text);
  if (!zip) return wasNew(compared(wanted, goMod.body, undefined));
  const answer = await proxy.download({ kind: "zip", modulePath, version });
  const outcome = answer.kind === "arriving" ? await answer.download.outcome : answer;
  if (outcome.kind === "absent") throw absent(outcome.text);
  return wasNew(compared(wanted, goMod.body, outcome.zip.h1));
}

const wasNew = (outcome: Outcome): Outcome => (outcome === "present" ? "new" : outcome);

/** Whether what is stored is what is wanted. */
function compared({ h1, goModH1 }: WantedVersion, goMod: Buffer, storedH1: string | undefined): Outcome {
  const storedGoModH1 = h1OfGoMod(goMod);
  if (h1 !== undefined && storedH1 !== undefined && h1 !== storedH1)
    return { reason: `DIFFERS: the zip that is stored is ${storedH1}, and go.sum says ${h1}` };
  if (goModH1 !== undefined && goModH1 !== storedGoModH1)
    return { reason: `DIFFERS: the go.mod that is stored is ${storedGoModH1}, and go.sum says ${goModH1}` };
  return "present";
}

function absent(text: string): Failure {
  return notFound(text.trim() || "it is not there");
}
