// One look of a mirror at its remote: are its refs what they were? If not, git fetches them whole into the project's own
// repository, by the rules of a push (objects are checked), and they are recorded as those of a push are: tags become versions,
// moved and deleted ones are noted, and what was published from them stays. The mark of a push that is under way stands
// meanwhile, so that what a crash leaves is recorded by the next start.
//
// A remote can do no harm: one that comes back empty takes nothing away, one whose objects are suddenly named by another hash
// is not followed, and one whose history was lost leaves here what versions were made of.
import { Failure } from "../errors.ts";
import { recordUntilDone } from "../git/hosting/recorded-push.ts";
import { ensureRepository, type Repositories, repositoryDirectory } from "../git/hosting/repositories-of-projects.ts";
import { packRepository } from "../git/objects/pack-repository.ts";
import { GitError } from "../git/process/git-process.ts";
import { repositoryWords } from "../git/process/repository-words.ts";
import { authorizationFor } from "../registry/forge/credentials.ts";
import { followRemoteShape } from "../registry/forge/mirror-looks.ts";
import { extentsOf } from "../registry/forge/project-search.ts";
import { beginPush, nobodysPush } from "../registry/forge/recorded-refs.ts";
import type { Registry } from "../registry/registry.ts";
import type { MirrorRow } from "../registry/rows.ts";
import { fetchRefs, packBytes } from "../upstream/git-fetch.ts";
import type { GuardedHttp } from "../upstream/guarded-http.ts";
import type { RemoteRefs, RemoteRefsReader } from "./remote-refs.ts";

export interface LookParts {
  readonly registry: Registry;
  readonly repositories: Repositories;
  readonly http: GuardedHttp;
  readonly remoteRefs: RemoteRefsReader;
  /** Makes the file of certificates that git trusts. */
  readonly caBundle: () => Promise<string>;
  /** The most bytes that one fetch may bring. */
  readonly maxFetchBytes: number;
}

/** What a look found. */
export interface LookResult {
  readonly changed: boolean;
  readonly refsDigest: string | undefined;
}

/** Looks, and fetches what is new. Throws a Failure whose message is one sentence for the mirror's owner. */
export async function lookAt(parts: LookParts, mirror: MirrorRow, signal: AbortSignal): Promise<LookResult> {
  const { registry } = parts;
  const authorization = await authorizationFor(registry, mirror.url, mirror.credential);
  const remote = await parts.remoteRefs.read(mirror.url, authorization, signal);
  if (remote.digest === mirror.refsDigest) return { changed: false, refsDigest: remote.digest };
  const has = !(await extentsOf(registry, [{ id: mirror.projectId }], false)).get(mirror.projectId)!.empty;
  const host = new URL(mirror.url).host;
  if (remote.count === 0) {
    if (has) throw new Failure("unavailable", `${host} has no branches and tags there any more: what is here stays`);
    return { changed: false, refsDigest: remote.digest };
  }
  const objectFormat = remote.objectFormat === "sha1" ? "SHA1" : "SHA256";
  if (has && mirror.project.objectFormat !== objectFormat)
    throw new Failure(
      "unavailable",
      `${host} names the objects of that repository by ${remote.objectFormat} now, which what is here cannot follow: make another project a mirror of it`,
    );
  await followRemoteShape(registry, mirror.projectId, { defaultBranch: remote.defaultBranch, objectFormat });
  await fetchAndRecord(parts, mirror, { remote, objectFormat, authorization }, signal);
  return { changed: true, refsDigest: remote.digest };
}

async function fetchAndRecord(
  { registry, repositories, http, caBundle, maxFetchBytes }: LookParts,
  { projectId }: MirrorRow,
  from: {
    readonly remote: RemoteRefs;
    readonly objectFormat: "SHA1" | "SHA256";
    readonly authorization: string | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  const { remote, objectFormat, authorization } = from;
  await ensureRepository(registry, { id: projectId, objectFormat });
  const directory = repositoryDirectory(registry, projectId);
  await beginPush(registry, projectId);
  try {
    await fetchRefs(directory, {
      url: remote.url,
      addresses: await http.addressesOf(remote.url),
      caBundle: await caBundle(),
      maxBytes: (await packBytes(directory)) + maxFetchBytes,
      authorization,
      signal,
    });
    await packRepository(directory).catch((error: unknown) => {
      registry.log.warn({ err: error, project: projectId }, "a mirror could not be packed");
    });
  } catch (error) {
    throw inGitsWords(error, directory);
  } finally {
    // Whatever git has moved by now has moved.
    await recordUntilDone(registry, repositories, nobodysPush(projectId), () => signal.aborted);
  }
}

/** With the first thing that git says is wrong. */
function inGitsWords(error: unknown, directory: string): unknown {
  if (!(error instanceof Failure) || !(error.cause instanceof GitError)) return error;
  const [, said] = /^(?:remote: )?(?:fatal|error): (.+)$/m.exec(error.cause.stderr) ?? [];
  if (said === undefined) return error;
  return new Failure("unavailable", `${error.message}: ${repositoryWords(directory).of(said)}`, {
    reason: "upstream_unavailable",
    cause: error.cause,
  });
}
