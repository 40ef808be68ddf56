// How a command brings modules in: beside a running server, on its database and blobs, with the settings that it has; what is
// asked for them is the upstreams of the settings, or something else. And how it tells what came of them.
import { readFile } from "node:fs/promises";
import { type Config, readConfig } from "../config.ts";
import { openModuleArchives } from "../git/indexing/module-archives.ts";
import { Repositories } from "../git/objects/repositories.ts";
import { addGoSum, type WantedVersion } from "../intake/go-sum.ts";
import { type ImportedVersion, type ImportParts, importVersions } from "../intake/imports.ts";
import { openUploads } from "../intake/uploads.ts";
import { openRegistry } from "../open-registry.ts";
import { type OpenedUpstream, type OtherSources, openUpstream } from "../open-upstream.ts";
import { OPERATOR } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import { PRIVATE_UMASK } from "../storage/data-directory.ts";
import { createLog } from "../telemetry/log.ts";
import { harmless, printJson } from "./output.ts";
import { telling } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";

/** How often a terminal is told how far it is. */
const PROGRESS_MS = 200;

/** What a command brings modules in with. */
export interface Intake extends Omit<ImportParts, "into" | "dryRun"> {
  readonly registry: Registry;
  readonly upstream: OpenedUpstream;
  readonly config: Config;
  readonly signal: AbortSignal;
}

/** Opens all that it takes, does the work and lets go of it again. */
export async function withIntake(elsewhere: OtherSources, work: (intake: Intake) => Promise<void>): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const config = readConfig();
  // What is refused is told in the report, and written down by the audit trail.
  const log = createLog(config.logLevel === "silent" ? "silent" : "error");
  const signal = stopSignal();
  const opened = await telling("opening the database", () =>
    openRegistry(config, log, "sender", { stopSignal: signal }),
  );
  const repositories = new Repositories();
  const { registry } = opened;
  try {
    const upstream = await openUpstream(config, opened, repositories, elsewhere);
    try {
      const archives = openModuleArchives(registry, repositories);
      const uploads = openUploads({ archives, maxBytes: config.maxPushBytes, changed: () => {} });
      const { proxy, client } = upstream;
      await work({ registry, upstream, config, signal, proxy, client, uploads, principal: OPERATOR });
    } finally {
      await upstream.close();
    }
  } finally {
    await repositories.close();
    await opened.close();
  }
}

/** The versions that go.sum files name. Throws invalid for one that cannot be read. */
export async function wantedIn(files: readonly string[]): Promise<Map<string, WantedVersion>> {
  const wanted = new Map<string, WantedVersion>();
  for (const file of files) addGoSum(wanted, await readFile(file, "utf8"), file);
  return wanted;
}

/** What came of all versions. */
export interface ImportReport {
  readonly new: number;
  readonly present: number;
  readonly refused: readonly Pick<ImportedVersion, "module" | "version" | "reason">[];
}

/** Brings versions in, and tells on a terminal how far it is; without `json` also at once what is refused. */
export async function importing(
  parts: ImportParts,
  wanted: readonly WantedVersion[],
  { json, signal }: { readonly json: boolean; readonly signal: AbortSignal },
): Promise<ImportReport> {
  const counts = { new: 0, present: 0, refused: 0 };
  const refused: Pick<ImportedVersion, "module" | "version" | "reason">[] = [];
  const showing = process.stderr.isTTY;
  let shownAt = 0;
  let done = 0;
  for await (const { module, version, outcome, reason } of importVersions(parts, wanted, signal)) {
    counts[outcome]++;
    done++;
    if (outcome === "refused") {
      refused.push({ module, version, reason: reason! });
      if (!json) console.error(harmless(`${showing ? "\r\u001b[K" : ""}refused ${module}@${version}: ${reason}`));
    }
    if (showing && performance.now() - shownAt > PROGRESS_MS) {
      shownAt = performance.now();
      process.stderr.write(
        `\r${done} of ${wanted.length} versions, ${counts.new} new, ${counts.refused} refused\u001b[K`,
      );
    }
  }
  if (showing) process.stderr.write("\r\u001b[K");
  signal.throwIfAborted();
  // In the order of what was wanted, whichever came first: the same import makes the same report.
  const places = new Map(wanted.map(({ modulePath, version }, place) => [`${modulePath}@${version}`, place]));
  const placeOf = ({ module, version }: (typeof refused)[number]): number => places.get(`${module}@${version}`)!;
  refused.sort((a, b) => placeOf(a) - placeOf(b));
  return { new: counts.new, present: counts.present, refused };
}

/** Brings versions in and prints the report; the command ends with 1 if anything was refused. */
export async function tellImport(
  parts: ImportParts,
  wanted: readonly WantedVersion[],
  how: { readonly json: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const report = await importing(parts, wanted, how);
  const { new: added, present, refused } = report;
  if (how.json) printJson({ dryRun: parts.dryRun ?? false, ...report });
  else
    console.log(`${added} ${parts.dryRun ? "would be new" : "new"}, ${present} were there, ${refused.length} refused`);
  if (refused.length > 0) process.exitCode = 1;
}
