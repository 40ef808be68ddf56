// Mirrors: projects that follow a remote repository. While one is on, the project takes no pushes; switched off or removed, it
// is an ordinary project that keeps its branches, tags and versions. Beside its address a mirror has what it sends to be let
// in, and a secret that proves the hooks of its remote. When it looks is for mirror-looks.ts; what it does then, for the room
// of mirrors.
import { randomBytes } from "node:crypto";
import { Failure, invalid, notFound } from "../../errors.ts";
import { demandAct, demandAdministrator, isAdministrator, mayAct } from "../access/access.ts";
import type { ProjectAct } from "../access/acts.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { type MirrorRow, type ProjectRow, WITH_REMOTE } from "../rows.ts";
import { credentialFor, dropUnusedCredential, type NewCredential, storeCredential } from "./credentials.ts";
import { fingerprintOf } from "./deploy-key.ts";
import { checkModulePrefix, demandProject } from "./projects.ts";
import { type GitHubApp, isSsh, parseRemoteUrl, type RemoteCredential } from "./remote-url.ts";
import { reindexAllTags } from "./waiting-tags.ts";

/** Random bytes of a hook's secret: as many as Standard Webhooks has. */
const HOOK_SECRET_BYTES = 32;
/** Seconds; the database checks it too. */
const SHORTEST_INTERVAL = 10;
const LONGEST_INTERVAL = 7 * 86_400;
/** What the secrets of signed hooks begin with (Standard Webhooks, "Secrets"). */
const HOOK_SECRET_PREFIX = "whsec_";

export interface NewMirror {
  /** https, in which credentials are taken out and kept sealed; or ssh, for which a deploy key is made. */
  readonly url: string;
  readonly credential?: RemoteCredential | GitHubApp | undefined;
  /** The longest time between two looks, in seconds; else it depends on how often something changes. */
  readonly intervalSeconds?: number | undefined;
  /** Made by an import: which repository it is there, and the credential of all that the import made. */
  readonly importedFrom?:
    | { readonly sourceId: number; readonly externalId: string; readonly credentialId: number | null }
    | undefined;
  /** A module prefix for its project, and what shows that it may have it: written to the audit trail. */
  readonly prefix?: { readonly path: string; readonly evidence: string } | undefined;
}

export interface MirrorChange {
  readonly url?: string | undefined;
  /** Null takes it away; by ssh it has another key made. */
  readonly credential?: RemoteCredential | GitHubApp | null | undefined;
  /** Has the key of the host, by ssh, pinned anew. */
  readonly forgetHostKey?: boolean | undefined;
  readonly enabled?: boolean | undefined;
  readonly intervalSeconds?: number | null | undefined;
}

/** What of a mirror anybody may be told who may read it: no secrets. */
export interface MadeMirror {
  readonly mirror: MirrorRow;
  /** To be given to the remote's hook; it is told this once. */
  readonly hookSecret: string;
}

const NO_MIRROR = "this project follows no remote repository (gokura mirror add makes it follow one)";

/** The mirror of a project. Maintainers. Throws not-found when it has none. */
export async function demandMirror(
  registry: Registry,
  principal: Principal,
  fullPath: string | number,
  act: Extract<ProjectAct, `mirror.${string}`> = "mirror.read",
): Promise<MirrorRow> {
  const project = await demandProject(registry, principal, fullPath);
  demandAct(principal, act, project);
  const found = await registry.prisma.mirror.findUnique({ where: { projectId: project.id }, include: WITH_REMOTE });
  if (!found) throw notFound(NO_MIRROR);
  return found;
}

/** The mirrors of projects, by the project's number; only of those of which the principal is Maintainer. */
export async function mirrorsOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
): Promise<Map<number, MirrorRow | null>> {
  const ids = projects.filter((project) => mayAct(principal, "mirror.read", project)).map(({ id }) => id);
  const rows = await registry.prisma.mirror.findMany({ where: { projectId: { in: ids } }, include: WITH_REMOTE });
  const found = new Map(rows.map((row) => [row.projectId, row]));
  return new Map(ids.map((id) => [id, found.get(id) ?? null]));
}

/** All mirrors, by number. Administrators. */
export async function listMirrors(
  registry: Registry,
  principal: Principal,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<MirrorRow>> {
  demandAdministrator(principal);
  const where = numbered.idAfter === undefined ? {} : { id: { gt: numbered.idAfter } };
  return readNumberedPage(numbered, {
    read: (skip, take) =>
      registry.prisma.mirror.findMany({ where, orderBy: { id: "asc" }, skip, take, include: WITH_REMOTE }),
    count: (take) => registry.prisma.mirror.count({ where, take }),
  });
}

/** Has a project follow a remote repository from now on. Maintainers. Throws conflict when it follows one already. */
export async function createMirror(
  registry: Registry,
  principal: Principal,
  fullPath: string | number,
  input: NewMirror,
): Promise<MadeMirror> {
  const project = await demandProject(registry, principal, fullPath);
  demandAct(principal, "mirror.create", project);
  const address = parseRemoteUrl(input.url);
  const { url, origin } = address;
  const credential = credentialFor(address, input.credential, commentOf(project));
  const { secret: hookSecret, sealed } = await newHookSecret(registry, project);
  checkInterval(input.intervalSeconds);
  const modulePrefix = input.prefix === undefined ? undefined : checkModulePrefix(registry, input.prefix.path);
  const taken = new Failure(
    "conflict",
    `${project.fullPath} follows a remote repository already${input.prefix ? `, or the module prefix ${input.prefix.path} belongs to another project` : ""}`,
  );
  const mirror = await change(registry, taken, async (tx) => {
    const [locked] = await tx.$queryRaw<{ pushing: boolean }[]>`
      SELECT push_started_at IS NOT NULL AS pushing FROM project WHERE id = ${project.id} FOR UPDATE`;
    if (locked?.pushing)
      throw new Failure("conflict", `somebody is pushing to ${project.fullPath}: try again in a moment`);
    const { intervalSeconds = null, importedFrom } = input;
    const credentialId = credential
      ? await storeCredential(registry, tx, origin, credential)
      : (importedFrom?.credentialId ?? null);
    const made = await tx.mirror.create({
      data: {
        ...{ projectId: project.id, url, credentialId, hookSecret: sealed, intervalSeconds },
        ...{ importSourceId: importedFrom?.sourceId ?? null, externalId: importedFrom?.externalId ?? null },
      },
    });
    if (input.prefix && modulePrefix && modulePrefix !== project.modulePrefix) {
      await tx.project.update({ where: { id: project.id }, data: { modulePrefix } });
      await audit(tx, principal, "mirror.module_prefix", project.fullPath, { ...input.prefix, url });
      await reindexAllTags(registry, tx, project.id);
    }
    await audit(tx, principal, "mirror.create", project.fullPath, { url, ...sentIn(credential) });
    return tx.mirror.findUniqueOrThrow({ where: { id: made.id }, include: WITH_REMOTE });
  });
  return { mirror, hookSecret };
}

/**
 * Changes a mirror, and has it look at once. Maintainers. Credentials go with their host: an address on another one has none
 * unless some are given.
 */
export async function updateMirror(
  registry: Registry,
  principal: Principal,
  fullPath: string | number,
  input: MirrorChange,
): Promise<MirrorRow> {
  const mirror = await demandMirror(registry, principal, fullPath, "mirror.update");
  const address = parseRemoteUrl(input.url ?? mirror.url);
  checkInterval(input.intervalSeconds);
  // While it is off people push to the project.
  if (address.url !== mirror.url || input.enabled === false) demandNoPrefix(principal, mirror.project);
  const isSameOrigin = mirror.credential?.origin === address.origin;
  const keepsCredential = input.credential === undefined && address.credential === undefined && isSameOrigin;
  const withoutAny = input.credential === null && !isSsh(address.url);
  const credential =
    keepsCredential || withoutAny
      ? undefined
      : credentialFor(address, input.credential ?? undefined, commentOf(mirror.project));
  return change(registry, "", async (tx) => {
    const credentialId = credential
      ? await storeCredential(registry, tx, address.origin, credential)
      : keepsCredential
        ? mirror.credentialId
        : null;
    const { enabled, intervalSeconds } = input;
    await tx.mirror.update({
      where: { id: mirror.id },
      data: {
        url: address.url,
        credentialId,
        // What another repository had says nothing of this one.
        ...(address.url === mirror.url ? {} : { refsDigest: null, failures: 0, lastError: null }),
        ...(enabled === undefined ? {} : { enabled }),
        ...(intervalSeconds === undefined ? {} : { intervalSeconds }),
        nextLookAt: new Date(),
      },
    });
    if (credentialId !== mirror.credentialId) await dropUnusedCredential(tx, mirror.credentialId);
    if (input.forgetHostKey && credentialId !== null)
      await tx.credential.update({ where: { id: credentialId }, data: { hostKey: null } });
    await audit(tx, principal, "mirror.update", mirror.project.fullPath, {
      url: address.url,
      ...(enabled === undefined ? {} : { enabled }),
      ...(input.forgetHostKey ? { forgottenHostKey: mirror.credential?.hostKey ?? null } : {}),
      ...(credentialId === mirror.credentialId ? {} : sentIn(credential)),
      credentialChanged: credentialId !== mirror.credentialId,
    });
    return tx.mirror.findUniqueOrThrow({ where: { id: mirror.id }, include: WITH_REMOTE });
  });
}

/** Makes a mirror an ordinary project, which keeps what it has. Maintainers. */
export async function deleteMirror(
  registry: Registry,
  principal: Principal,
  fullPath: string | number,
): Promise<MirrorRow> {
  const mirror = await demandMirror(registry, principal, fullPath, "mirror.delete");
  demandNoPrefix(principal, mirror.project);
  await change(registry, "", async (tx) => {
    await tx.mirror.delete({ where: { id: mirror.id } });
    await dropUnusedCredential(tx, mirror.credentialId);
    await audit(tx, principal, "mirror.delete", mirror.project.fullPath, { url: mirror.url });
  });
  return { ...mirror, project: { ...mirror.project, mirrored: false } };
}

/** Gives a mirror another secret for its hooks, which is told this once; the old one proves nothing any more. Maintainers. */
export async function renewHookSecret(
  registry: Registry,
  principal: Principal,
  fullPath: string | number,
): Promise<MadeMirror> {
  const mirror = await demandMirror(registry, principal, fullPath, "mirror.update");
  const { secret, sealed } = await newHookSecret(registry, mirror.project);
  await change(registry, "", async (tx) => {
    await tx.mirror.update({ where: { id: mirror.id }, data: { hookSecret: sealed } });
    await audit(tx, principal, "mirror.renew_hook_secret", mirror.project.fullPath);
  });
  return { mirror, hookSecret: secret };
}

/** A mirror by its number and the secret that proves its hooks; undefined: there is none, or it is off. */
export async function mirrorOfHook(
  registry: Registry,
  id: number,
): Promise<{ readonly projectId: number; readonly secret: string } | undefined> {
  const found = await registry.prisma.mirror.findUnique({ where: { id, enabled: true } });
  if (!found) return undefined;
  const secret = (await registry.secrets()).open(found.hookSecret, hookPurpose(found.projectId));
  return { projectId: found.projectId, secret };
}

/**
 * A mirror has its module prefix because it follows the repository of that name. Throws forbidden where somebody but an
 * administrator would have it filled from elsewhere.
 */
function demandNoPrefix(principal: Principal, { modulePrefix }: Pick<ProjectRow, "modulePrefix">): void {
  if (modulePrefix === null || isAdministrator(principal)) return;
  throw new Failure(
    "forbidden",
    `the project serves ${modulePrefix} because it follows that repository: take the module prefix from it first, or ask an administrator`,
    { reason: "administrators_only" },
  );
}

/** What a deploy key is called at the forge. */
const commentOf = ({ fullPath }: Pick<ProjectRow, "fullPath">): string => `gokura:${fullPath}`;

/** What the audit trail says of a credential. */
function sentIn(credential: NewCredential | undefined): { readonly [detail: string]: string | null } {
  if (credential === undefined) return { username: null };
  if ("password" in credential) return { username: credential.username };
  return "appId" in credential ? { gitHubApp: credential.appId } : { deployKey: fingerprintOf(credential.publicKey) };
}

function checkInterval(seconds: number | null | undefined): void {
  if (seconds != null && !(Number.isInteger(seconds) && seconds >= SHORTEST_INTERVAL && seconds <= LONGEST_INTERVAL))
    throw invalid(`must be from ${SHORTEST_INTERVAL} seconds to a week`, "interval");
}

async function newHookSecret(
  registry: Registry,
  project: Pick<ProjectRow, "id">,
): Promise<{ readonly secret: string; readonly sealed: string }> {
  const secret = HOOK_SECRET_PREFIX + randomBytes(HOOK_SECRET_BYTES).toString("base64");
  return { secret, sealed: (await registry.secrets()).seal(secret, hookPurpose(project.id)) };
}

const hookPurpose = (projectId: number): string => `hooks of project ${projectId}`;
