// One look of a mirror at its remote: are its refs what they were? If not, git fetches them whole into the project's own
// repository, by the rules of a push (objects are checked), and they are recorded as those of a push are: tags become versions,
// moved and deleted ones are noted, and what was published from them stays. The mark of a push that is under way stands
// meanwhile, so that what a crash leaves is recorded by the next start.
//
// A remote can do no harm: one that comes back empty takes nothing away, one whose objects are suddenly named by another hash
// is not followed, and one whose history was lost leaves here what versions were made of.
import { join } from "node:path";
import { Failure, isFailure } from "../errors.ts";
import { recordUntilDone } from "../git/hosting/recorded-push.ts";
import { ensureRepository, type Repositories, repositoryDirectory } from "../git/hosting/repositories-of-projects.ts";
import { packRepository } from "../git/objects/pack-repository.ts";
import { GitError } from "../git/process/git-process.ts";
import { repositoryWords } from "../git/process/repository-words.ts";
import { pinHostKey, secretOf } from "../registry/forge/credentials.ts";
import { followRemoteShape } from "../registry/forge/mirror-looks.ts";
import { extentsOf } from "../registry/forge/project-search.ts";
import { roomIn } from "../registry/forge/quotas.ts";
import { beginPush, nobodysPush } from "../registry/forge/recorded-refs.ts";
import { isSsh, parseRemoteUrl } from "../registry/forge/remote-url.ts";
import type { Registry } from "../registry/registry.ts";
import type { MirrorRow } from "../registry/rows.ts";
import { fetchRefs, httpsEnvironment, packBytes } from "../upstream/git-fetch.ts";
import type { RemoteRefs } from "./remote-refs.ts";
import { passwordOf, type Remotes } from "./remotes.ts";
import { withSsh } from "./ssh-remote.ts";

export interface LookParts extends Omit<Remotes, "close"> {
  readonly registry: Registry;
  readonly repositories: Repositories;
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

/** A remote, for the time of one look. */
interface Remote {
  read(signal: AbortSignal): Promise<RemoteRefs>;
  /** In which git fetches from where it was read. */
  environment(refs: RemoteRefs): Promise<NodeJS.ProcessEnv>;
}

/** Looks, and fetches what is new. Throws a Failure whose message is one sentence for the mirror's owner. */
export async function lookAt(parts: LookParts, mirror: MirrorRow, signal: AbortSignal): Promise<LookResult> {
  const look = (remote: Remote): Promise<LookResult> => lookThrough(parts, mirror, remote, signal);
  return isSsh(mirror.url) ? throughSsh(parts, mirror, look) : look(await byHttps(parts, mirror, signal));
}

async function byHttps(parts: LookParts, { url, credential }: MirrorRow, signal: AbortSignal): Promise<Remote> {
  const { registry, http, remoteRefs, caBundle } = parts;
  const password = credential && (await passwordOf(registry, parts, url, credential, signal));
  const authorization =
    credential === null ? undefined : `Basic ${Buffer.from(`${credential.username}:${password}`).toString("base64")}`;
  return {
    read: () => remoteRefs.read(url, authorization, signal),
    async environment({ url: end }) {
      const addresses = await http.addressesOf(end);
      return httpsEnvironment({ url: end, addresses, caBundle: await caBundle(), authorization });
    },
  };
}

async function throughSsh<T>(
  { registry, http }: LookParts,
  { url, credential }: MirrorRow,
  work: (remote: Remote) => Promise<T>,
): Promise<T> {
  if (credential?.publicKey == null) throw new Failure("unavailable", "the mirror has no deploy key: give it one");
  const { origin } = parseRemoteUrl(url);
  const { id, publicKey, hostKey } = credential;
  const key = { publicKey, privateKey: await secretOf(registry, origin, credential) };
  // Which addresses may be connected to is the same question for every protocol.
  const addresses = await http.addressesOf(origin.replace(/^ssh:/, "https:"));
  const pin = async (shown: string): Promise<void> => void (await pinHostKey(registry, id, shown));
  // What a killed process leaves there is taken away (git/hosting/tidying.ts).
  const scratch = join(registry.dataDirectory, "mirrors", "scratch");
  return withSsh({ url, addresses, key, hostKey, pin, scratch }, (remote) =>
    work({ read: (signal) => remote.read(signal), environment: async () => remote.environment() }),
  );
}

async function lookThrough(
  parts: LookParts,
  mirror: MirrorRow,
  remote: Remote,
  signal: AbortSignal,
): Promise<LookResult> {
  const { registry } = parts;
  const refs = await remote.read(signal);
  if (refs.digest === mirror.refsDigest) return { changed: false, refsDigest: refs.digest };
  const has = !(await extentsOf(registry, [{ id: mirror.projectId }], false)).get(mirror.projectId)!.empty;
  const host = new URL(mirror.url).host;
  if (refs.count === 0) {
    if (has) throw new Failure("unavailable", `${host} has no branches and tags there any more: what is here stays`);
    return { changed: false, refsDigest: refs.digest };
  }
  const objectFormat = refs.objectFormat === "sha1" ? "SHA1" : "SHA256";
  if (has && mirror.project.objectFormat !== objectFormat)
    throw new Failure(
      "unavailable",
      `${host} names the objects of that repository by ${refs.objectFormat} now, which what is here cannot follow: make another project a mirror of it`,
    );
  await followRemoteShape(registry, mirror.projectId, { defaultBranch: refs.defaultBranch, objectFormat });
  await fetchAndRecord(parts, mirror, { remote, refs, objectFormat }, signal);
  return { changed: true, refsDigest: refs.digest };
}

async function fetchAndRecord(
  { registry, repositories, maxFetchBytes }: LookParts,
  { projectId, project }: MirrorRow,
  from: { readonly remote: Remote; readonly refs: RemoteRefs; readonly objectFormat: "SHA1" | "SHA256" },
  signal: AbortSignal,
): Promise<void> {
  const { remote, refs, objectFormat } = from;
  await ensureRepository(registry, { id: projectId, objectFormat });
  const room = await roomIn(registry, project.group);
  if (room?.bytes === 0) throw room.refusal();
  const directory = repositoryDirectory(registry, projectId);
  await beginPush(registry, projectId);
  try {
    await fetchRefs(directory, {
      url: refs.url,
      environment: await remote.environment(refs),
      maxBytes: (await packBytes(directory)) + Math.min(maxFetchBytes, room?.bytes ?? maxFetchBytes),
      signal,
    });
    await packRepository(directory).catch((error: unknown) => {
      registry.log.warn({ err: error, project: projectId }, "a mirror could not be packed");
    });
  } catch (error) {
    if (room && room.bytes < maxFetchBytes && isFailure(error, "too-large")) throw room.refusal();
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
