// Repositories of others, as bare mirrors of their branches and tags, read with the same code as our own. What a remote has
// is asked with one guarded GET (info/refs of the smart protocol); only if that differs from the last time does git itself
// go out (git-fetch.ts).
// Source: git's Documentation/gitprotocol-http.adoc ("Discovering References").
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { createSingleFlight } from "../concurrency/single-flight.ts";
import { Failure, notFound } from "../errors.ts";
import { initRepository } from "../git/objects/init-repository.ts";
import type { Repositories } from "../git/objects/repositories.ts";
import type { Repository } from "../git/objects/repository.ts";
import { runGit } from "../git/process/git-process.ts";
import { packetCutter } from "../git/protocol/pkt-line.ts";
import { fetchRefs, httpsEnvironment, writeCaBundle } from "./git-fetch.ts";
import type { GuardedHttp } from "./guarded-http.ts";

/** 100,000 refs and more. */
const MAX_ADVERTISEMENT_BYTES = 64 * 1024 * 1024;
/** The largest mirror. */
const MAX_MIRROR_BYTES = 4 * 1024 ** 3;
/** Of so many mirrors it is known when they were compared with their remote; of others it is asked anew. */
const MAX_CHECKED = 10_000;
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;
const ADVERTISED = "gokura-advertised";

export interface GitMirrors {
  /**
   * The mirror of a repository, as the remote was at most so long ago; Infinity: as it is here, if it is here. Throws
   * not-found when the remote has no such repository, unavailable when it cannot be asked.
   */
  at(url: string, maxAgeMs: number, signal?: AbortSignal): Promise<Repository>;
  /** A path for a file that its maker removes. */
  scratch(): string;
}

export interface GitMirrorsParts {
  /** Where the mirrors are; made if need be. */
  readonly directory: string;
  readonly repositories: Repositories;
  readonly http: GuardedHttp;
  readonly caFile?: string | undefined;
  readonly now?: () => number;
}

/** Opens the mirrors below a directory. */
export async function openGitMirrors(parts: GitMirrorsParts): Promise<GitMirrors> {
  const { directory, repositories, http, now = Date.now } = parts;
  const scratchDirectory = join(directory, "scratch");
  await mkdir(scratchDirectory, { recursive: true });
  await sweep(scratchDirectory, now());
  const caBundle = await writeCaBundle(directory, parts.caFile);

  const checked = new LRUCache<string, number>({ max: MAX_CHECKED });
  const refreshing = createSingleFlight<string>();

  const refresh = async (url: string, mirror: string): Promise<void> => {
    const remote = await advertisementOf(http, url);
    if (remote.digest !== (await readFile(join(mirror, ADVERTISED), "utf8").catch(() => ""))) {
      await initRepository(mirror, { objectFormat: remote.objectFormat });
      await fetchRefs(mirror, {
        url: remote.url,
        environment: httpsEnvironment({
          ...{ url: remote.url, addresses: await http.addressesOf(remote.url), caBundle },
          // The go command fetches without a look at the objects: what it serves, we serve. Nothing of it is checked out.
          asTheyAre: true,
        }),
        maxBytes: MAX_MIRROR_BYTES,
      });
      if (remote.head !== undefined) await runGit(mirror, ["symbolic-ref", "HEAD", remote.head]);
      const next = join(mirror, `${ADVERTISED}.new`);
      await writeFile(next, remote.digest);
      await rename(next, join(mirror, ADVERTISED));
    }
    checked.set(url, now());
  };

  return {
    scratch: () => join(scratchDirectory, randomUUID()),
    async at(url, maxAgeMs, signal) {
      const mirror = join(directory, `${createHash("sha256").update(url).digest("hex")}.git`);
      const here = await stat(join(mirror, ADVERTISED)).then(
        () => true,
        () => false,
      );
      const lastChecked = checked.get(url) ?? Number.NEGATIVE_INFINITY;
      const isFresh = maxAgeMs === Number.POSITIVE_INFINITY || now() - lastChecked < maxAgeMs;
      if (!here || !isFresh) {
        const running = refreshing.run(url, () => refresh(url, mirror));
        await Promise.race([running, aborted(signal)]);
      }
      return repositories.at(mirror);
    },
  };
}

async function aborted(signal: AbortSignal | undefined): Promise<never> {
  return await new Promise<never>((_, fail) => {
    if (signal?.aborted) fail(signal.reason);
    signal?.addEventListener("abort", () => fail(signal.reason), { once: true });
  });
}

interface Advertisement {
  /** Where the redirects ended. */
  readonly url: string;
  /** Of all branches and tags and what HEAD names. */
  readonly digest: string;
  /** refs/heads/… that HEAD names. */
  readonly head: string | undefined;
  readonly objectFormat: "sha1" | "sha256";
}

async function advertisementOf(http: GuardedHttp, url: string): Promise<Advertisement> {
  const query = "/info/refs?service=git-upload-pack";
  const answer = await http.get(url + query, { maxBytes: MAX_ADVERTISEMENT_BYTES });
  const host = new URL(url).host;
  if (answer.status !== 200) {
    answer.body.destroy();
    // Forges answer 401 for what is private or not there.
    if (answer.status === 404 || answer.status === 410 || answer.status === 401)
      throw notFound(`${host} has no repository there that anybody may read`);
    throw new Failure("unavailable", `${host} answered ${answer.status}`, { reason: "upstream_unavailable" });
  }
  const digest = createHash("sha256");
  let capabilities = "";
  try {
    const cut = packetCutter();
    for await (const chunk of answer.body as AsyncIterable<Buffer>)
      for (const packet of cut(chunk)) {
        const [ref = "", said] = packet.toString("utf8", 4).trimEnd().split("\0");
        if (said !== undefined) capabilities ||= said;
        if (/^[0-9a-f]{40,64} (?:HEAD$|refs\/(?:heads|tags)\/)/.test(ref)) digest.update(`${ref}\n`);
      }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure("unavailable", `${host} does not answer as git does`, { reason: "upstream_unavailable", cause });
  }
  const head = /(?:^| )symref=HEAD:(refs\/heads\/[^ ]+)/.exec(capabilities)?.[1];
  return {
    url: answer.finalUrl.endsWith(query) ? answer.finalUrl.slice(0, -query.length) : url,
    digest: digest.update(head ?? "").digest("hex"),
    head,
    objectFormat: /(?:^| )object-format=sha256/.test(capabilities) ? "sha256" : "sha1",
  };
}

/** What a crash left behind; younger files may be another process's. */
async function sweep(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found && now - found.mtimeMs > ABANDONED_AFTER_MS) await rm(join(directory, name), { force: true });
  }
}
