// git itself fetching from a server that others chose. git resolves names on its own, so it is pinned to the addresses that
// were checked (http.curloptResolve), follows no redirect (whoever asked for the refs has found where they end), and may speak
// https and nothing else. Credentials are in no URL and in no argument, where the list of processes and the repository's
// configuration would show them, but in its environment, for the one origin that they are of.
// Sources: git-config(1) (http.curloptResolve, http.followRedirects, http.<url>.extraHeader, protocol.allow); git-fetch(1).
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { Failure, notFound } from "../errors.ts";
import { gitEnvironment } from "../git/process/git-environment.ts";
import { GitError, runGit } from "../git/process/git-process.ts";
import { trustedCertificates } from "../network/trusted-certificates.ts";

const FETCH_TIMEOUT_MS = 10 * 60_000;
/** A repository grows beyond what it may by what comes in that time, at the most. */
const SIZE_CHECK_MS = 250;
const IDLE_SECONDS = 30;

/** How git gets to a server by https. */
export interface HttpsWay {
  /** https, where the redirects end. */
  readonly url: string;
  /** Where the host is: from one of these only it is fetched. */
  readonly addresses: readonly string[];
  /** A file of PEM certificates that are trusted (writeCaBundle). */
  readonly caBundle: string;
  /** Sent with every request, such as `Basic …`. */
  readonly authorization?: string | undefined;
  /** Objects are taken without a look; else only if a push of them would be. */
  readonly asTheyAre?: boolean;
  /** A server that sends less than a kilobyte a second for so long is given up. */
  readonly idleSeconds?: number;
}

export interface RefFetch {
  readonly url: string;
  /** In which git runs: that of the way to the server. */
  readonly environment: NodeJS.ProcessEnv;
  /** The most bytes that the packs of the repository may have together; beyond it the fetch is broken off. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the certificates that git is to trust: those that Node trusts, and an administrator's. Returns the file, in which
 * they are at every moment: a command writes it anew while a git of the server reads it.
 */
export async function writeCaBundle(directory: string, caFile: string | undefined): Promise<string> {
  const file = join(directory, "trusted.pem");
  await mkdir(directory, { recursive: true });
  const trusted = trustedCertificates(caFile) ?? tls.getCACertificates("default");
  const next = `${file}.${randomUUID()}`;
  await writeFile(next, trusted.join("\n"));
  await rename(next, file);
  return file;
}

/** The environment in which git fetches by https, from there and from nowhere else. */
export function httpsEnvironment(way: HttpsWay): NodeJS.ProcessEnv {
  const { url, addresses, caBundle, authorization, asTheyAre = false, idleSeconds = IDLE_SECONDS } = way;
  const { protocol, hostname, port, host, origin } = new URL(url);
  if (protocol !== "https:") throw notFound(`${host}: git repositories are read over https only`);
  const pinned = addresses.map((address) => (address.includes(":") ? `[${address}]` : address)).join(",");
  return gitEnvironment({
    transports: ["https"],
    settings: [
      ...(asTheyAre ? [["fetch.fsckObjects", "false"] as const] : []),
      ["http.followRedirects", "false"],
      ["http.curloptResolve", `${hostname.replace(/^\[|\]$/g, "")}:${port || "443"}:${pinned}`],
      ["http.sslCAInfo", caBundle],
      ["http.lowSpeedLimit", "1000"],
      ["http.lowSpeedTime", String(idleSeconds)],
      ["http.proxy", ""],
      ["credential.helper", ""],
      ...(authorization === undefined
        ? []
        : [[`http.${origin}/.extraHeader`, `Authorization: ${authorization}`] as const]),
    ],
  });
}

/**
 * Has git make the branches and tags of a bare repository what a remote has, moved and deleted ones too; other refs stay.
 * Throws too-large, and unavailable when git did not succeed: then some refs may have moved, each of them whole. What came of
 * packs that are not whole is taken away again.
 */
export async function fetchRefs(directory: string, fetch: RefFetch): Promise<void> {
  const { url, environment, maxBytes, signal } = fetch;
  const { host } = new URL(url);
  const tooBig = new AbortController();
  const unfinishedBefore = new Set(await unfinishedPacks(directory));
  const watch = setInterval(() => {
    void packBytes(directory).then((bytes) => {
      if (bytes > maxBytes)
        tooBig.abort(new Failure("too-large", `the repository at ${host} is larger than ${maxBytes} bytes`));
    });
  }, SIZE_CHECK_MS);
  try {
    // All of them, of which few have moved: git reads every ref here to see that nothing is missing (connected.c), and leaves none
    // out for hideRefs as it does for a push. To ask for those alone that have moved saves half of 0.4 s beside 25,000 tags, and
    // fails when one of them vanishes before git asks.
    const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    await runGit(
      directory,
      [
        "fetch",
        "--quiet",
        "--force",
        "--prune",
        "--no-tags",
        "--no-write-fetch-head",
        // What a server has is what there is, even if it is itself a shallow clone.
        "--update-shallow",
        "--end-of-options",
        url,
        ...refs,
      ],
      {
        environment,
        timeoutMs: FETCH_TIMEOUT_MS,
        signal: signal === undefined ? tooBig.signal : AbortSignal.any([tooBig.signal, signal]),
      },
    );
  } catch (cause) {
    // git's index-pack, ended by a signal, leaves what it has written.
    for (const file of await unfinishedPacks(directory))
      if (!unfinishedBefore.has(file)) await rm(file, { force: true });
    if (cause instanceof GitError)
      throw new Failure("unavailable", `git could not fetch from ${host}`, { reason: "upstream_unavailable", cause });
    throw cause;
  } finally {
    clearInterval(watch);
  }
}

const packsOf = (directory: string): string => join(directory, "objects", "pack");

async function unfinishedPacks(directory: string): Promise<string[]> {
  const names = await readdir(packsOf(directory)).catch(() => []);
  return names.filter((name) => name.startsWith("tmp_")).map((name) => join(packsOf(directory), name));
}

/** How many bytes the packs of a bare repository have together. */
export async function packBytes(directory: string): Promise<number> {
  const packs = packsOf(directory);
  const names = await readdir(packs).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(packs, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
