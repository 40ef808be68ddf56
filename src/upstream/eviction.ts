// Making room: zips of upstream beyond GOKURA_UPSTREAM_MAX_BYTES go, those first that nobody has asked for for the longest time.
// Before one goes its upstream is asked whether it still has it, because ours may be the last copy. What was asked for within
// a month stays, and so does what a module here requires, or what GOKURA_UPSTREAM_KEEP names.
import { keepRounds } from "../concurrency/rounds.ts";
import { matchPrefixPatterns, parseModulePath } from "../gomod/module-path.ts";
import { isOwned } from "../registry/forge/module-owner.ts";
import type { Registry } from "../registry/registry.ts";
import {
  type EvictableZip,
  evictableZips,
  markEvicted,
  recordEviction,
  upstreamZipBytes,
} from "../registry/versions/evicted-zips.ts";
import { unreferencedZips } from "../registry/versions/needed-objects.ts";
import { zipObjectKey } from "../storage/object-keys.ts";
import { admitInfo } from "./admission.ts";
import type { UpstreamClient } from "./upstream-client.ts";

/** Nothing goes that was asked for within so long. */
const UNUSED_MS = 30 * 24 * 3_600_000;
const AT_ONCE = 100;
const MAX_INFO_BYTES = 64 * 1024;
const FIRST_AFTER_MS = 20 * 60_000;
const EVERY_MS = 6 * 3_600_000;

export interface EvictionRules {
  /** How many bytes the zips of upstream may have together. */
  readonly maxBytes: number;
  /** Patterns of module paths, as GOPRIVATE's, whose zips stay. */
  readonly keep: string;
}

export interface EvictionOptions {
  readonly dryRun?: boolean;
  /** Milliseconds since 1970. */
  readonly now?: number;
  /** Hears of each zip that goes, or would. */
  readonly told?: (zip: EvictableZip) => void;
  readonly over?: () => boolean;
}

export interface Evicted {
  /** What the zips of upstream had before, in bytes. */
  readonly before: number;
  readonly zips: number;
  readonly bytes: number;
  /** Zips that their upstream has no more, or could not be asked for: they stay. */
  readonly irreplaceable: number;
}

/** Has zips of upstream go until the rest is within the rules, or nothing may go any more. */
export async function evictZips(
  registry: Registry,
  client: UpstreamClient,
  rules: EvictionRules,
  { dryRun = false, now = Date.now(), told = () => {}, over = () => false }: EvictionOptions = {},
): Promise<Evicted> {
  const before = await upstreamZipBytes(registry);
  const done = { zips: 0, bytes: 0, irreplaceable: 0 };
  let last: EvictableZip | undefined;
  while (before - done.bytes > rules.maxBytes) {
    const some = await evictableZips(registry, new Date(now - UNUSED_MS), AT_ONCE, last);
    if (some.length === 0) break;
    for (const zip of some) {
      if (before - done.bytes <= rules.maxBytes || over()) break;
      if (matchPrefixPatterns(rules.keep, zip.modulePath)) continue;
      if (!(await isStillThere(registry, client, zip))) {
        done.irreplaceable++;
        continue;
      }
      if (!dryRun) await evict(registry, zip);
      done.zips++;
      done.bytes += zip.size;
      told(zip);
    }
    if (over()) break;
    last = some.at(-1);
  }
  if (done.zips > 0 && !dryRun) {
    registry.metrics.evictedBytes.add(done.bytes);
    registry.log.info({ ...done, before }, "zips from upstream made room");
    await recordEviction(registry, { zips: done.zips, bytes: done.bytes, before });
  }
  return { before, ...done };
}

/** Looks round every few hours; nothing is asked without a client. */
export function keepEvicted(
  registry: Registry,
  client: UpstreamClient | undefined,
  rules: EvictionRules | undefined,
): { close(): Promise<void> } {
  if (!client || !rules) return { close: async () => {} };
  return keepRounds((over) => evictZips(registry, client, rules, { over }), {
    firstAfterMs: FIRST_AFTER_MS,
    everyMs: EVERY_MS,
    failed: (error) => registry.log.warn({ err: error }, "zips from upstream could not make room"),
  });
}

/**
 * Whether an upstream has the version now. One that cannot be asked, or may not be, or answers with something else, such as a
 * page for people, does not count as one that has it.
 */
async function isStillThere(registry: Registry, client: UpstreamClient, zip: EvictableZip): Promise<boolean> {
  if (registry.privateModules.covers(zip.modulePath) || (await isOwned(registry, zip.modulePath))) return false;
  const { version } = zip;
  const modulePath = parseModulePath(zip.modulePath);
  const check = (bytes: Buffer): void => void admitInfo(modulePath, version, bytes);
  try {
    const answer = await client.fetchBytes({ kind: "info", modulePath, version }, { maxBytes: MAX_INFO_BYTES, check });
    return answer.kind === "found";
  } catch {
    return false;
  }
}

/** The row first: from then on the bytes are not promised, and whoever asks has them fetched. */
async function evict(registry: Registry, zip: EvictableZip): Promise<void> {
  await markEvicted(registry, zip.versionId);
  const taken = await registry.blobs.setAside(zipObjectKey(zip.sha256));
  if (!taken) return;
  if ((await unreferencedZips(registry, [zip.sha256])).length > 0) await taken.remove();
  else await taken.putBack(); // it came back just now
}
