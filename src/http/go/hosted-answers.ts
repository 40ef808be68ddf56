// What a project answers for its modules: list, @latest, and the three files of a version, ready to be written, as far as
// policies let them through (registry/policies/gate.ts). Where no rule is in force for the module there is no gate.
import { Failure, notFound } from "../../errors.ts";
import {
  type HostedModules,
  isServable,
  latestOf,
  listOf,
  type Resolved,
  resolveQuery,
} from "../../git/indexing/hosted-modules.ts";
import { type ModuleArchives, zipOf } from "../../git/indexing/module-archives.ts";
import { tellable } from "../../gomod/commit-time.ts";
import type { GoRequest, VersionRequest } from "../../gomod/proxy-path.ts";
import { latestVersion } from "../../gomod/version-list.ts";
import { wantLook } from "../../registry/forge/mirror-looks.ts";
import { type Gate, gateOf, type Passed } from "../../registry/policies/gate.ts";
import { showList } from "../../registry/policies/shown-list.ts";
import type { Principal } from "../../registry/principal.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import type { ListedVersion } from "../../registry/versions/listed-versions.ts";
import { findVersion, type ServedVersion } from "../../registry/versions/served-versions.ts";
import { withPromisedZip, zipKeyOf } from "../../registry/versions/version-zip.ts";
import { present, presentZip, withWarning } from "./go-answers.ts";
import type { HotAnswer, HotCache } from "./hot-cache.ts";

/** What answers for the modules of projects. */
export interface HostedParts {
  readonly hosted: HostedModules;
  readonly archives: ModuleArchives;
  readonly hotCache: HotCache;
}

/** An answer, and how far it may be kept. */
interface KeepableAnswer {
  readonly answer: HotAnswer;
  /** For ever the same. */
  readonly pinned: boolean;
  /** For how long policies let it through as it is. */
  readonly freshMs: number;
}

const UNJUDGED: Passed = { warning: undefined, freshMs: Number.POSITIVE_INFINITY };

/**
 * A mirror looks at its remote when a client asks what there is, so often at the most; for so long such an answer may be
 * kept, or nobody would come to ask. In milliseconds.
 */
const LOOK_GAP_MS = 10_000;

/** For how long at the most what a project has may be told without asking again: it may be a mirror, which then looks. */
export function freshMsOf(project: ProjectRow): number {
  return project.mirrored ? LOOK_GAP_MS : Number.POSITIVE_INFINITY;
}

/** The answer to a request for a module of a project. Throws not-found, gone, and forbidden for what policies refuse. */
export async function hostedAnswer(
  parts: HostedParts,
  principal: Principal,
  project: ProjectRow,
  request: GoRequest,
): Promise<KeepableAnswer> {
  const asksWhatIsThere = request.kind === "list" || request.kind === "latest";
  if (!asksWhatIsThere || !project.mirrored) return judgedAnswer(parts, principal, project, request);
  const { registry } = parts.hosted;
  // Nobody waits for it: this client has what is here, the next one what is new.
  wantLook(registry, project.id, LOOK_GAP_MS).catch((error: unknown) => {
    registry.log.debug({ err: error, project: project.fullPath }, "a mirror could not be told to look");
  });
  const found = await judgedAnswer(parts, principal, project, request);
  return { ...found, freshMs: Math.min(found.freshMs, LOOK_GAP_MS) };
}

async function judgedAnswer(
  parts: HostedParts,
  principal: Principal,
  project: ProjectRow,
  request: GoRequest,
): Promise<KeepableAnswer> {
  const { hosted } = parts;
  const { modulePath } = request;
  const groupIds = project.group.traversalIds;
  const gate = await gateOf(hosted.registry, { principal, modulePath, projectId: project.id, groupIds });
  switch (request.kind) {
    case "list": {
      const { versions, freshMs } = await shownVersionsOf(hosted, project, modulePath, gate);
      const lines = versions.map(({ version }) => `${version}\n`).join("");
      return { answer: present(Buffer.from(lines), "text/plain; charset=utf-8", false), pinned: false, freshMs };
    }
    case "latest": {
      const { resolved, passed } = await latestThatPasses(hosted, project, modulePath, gate);
      return keepable(present(infoOf(resolved), "application/json", false), false, passed);
    }
    case "info": {
      const resolved = await resolveQuery(hosted, project, modulePath, request.version);
      const passed = await gate?.pass(resolved.version.version, "by name");
      return keepable(present(infoOf(resolved), "application/json", resolved.pinned), resolved.pinned, passed);
    }
    case "mod": {
      const version = await exactVersion(hosted, project, request);
      const passed = await gate?.pass(version.version, "by name");
      return keepable(present(version.goMod, "text/plain; charset=utf-8", true), true, passed);
    }
    case "zip": {
      const version = await exactVersion(hosted, project, request);
      const passed = await gate?.pass(version.version, "by name");
      const zip = await zipOf(parts.archives, project.id, version);
      const answer = await withPromisedZip(hosted.registry, zipKeyOf(zip), () =>
        presentZip(hosted.registry, zip, version, parts.hotCache),
      );
      return keepable(answer, true, passed);
    }
  }
}

function keepable(answer: HotAnswer, pinned: boolean, { warning, freshMs }: Passed = UNJUDGED): KeepableAnswer {
  return { answer: withWarning(answer, warning), pinned, freshMs };
}

/** The list of a module as far as policies show it. */
async function shownVersionsOf(
  hosted: HostedModules,
  project: ProjectRow,
  modulePath: string,
  gate: Gate | undefined,
): Promise<{ versions: readonly ListedVersion[]; freshMs: number }> {
  const { registry } = hosted;
  const listed = await listOf(hosted, project, modulePath);
  if (gate === undefined) return { versions: listed, freshMs: Number.POSITIVE_INFINITY };
  const names = listed.map(({ version }) => version);
  const { versions, freshMs } = await showList(
    gate,
    names,
    registry.policies.now(),
    async (version) => (await findVersion(registry, project.id, modulePath, version))?.goMod,
  );
  const isShown = new Set(versions);
  return { versions: listed.filter(({ version }) => isShown.has(version)), freshMs };
}

/** The latest version, or where that may not be had the latest of those that are shown. Throws forbidden if there is none. */
async function latestThatPasses(
  hosted: HostedModules,
  project: ProjectRow,
  modulePath: string,
  gate: Gate | undefined,
): Promise<{ resolved: Resolved; passed: Passed }> {
  const latest = await latestOf(hosted, project, modulePath);
  if (gate === undefined) return { resolved: latest, passed: UNJUDGED };
  const { versions, freshMs } = await shownVersionsOf(hosted, project, modulePath, gate);
  const usable = versions.filter(({ usable }) => usable);
  const retracted = new Set(usable.filter((entry) => entry.retracted).map(({ version }) => version));
  const names = usable.map(({ version }) => version);
  const named = await latestVersion(names, (version) => retracted.has(version));
  const isListed = latest.version.ref !== null;
  if (!isListed || named === latest.version.version)
    return { resolved: latest, passed: await gate.pass(latest.version.version, "by query") };
  if (named === undefined) {
    await gate.pass(latest.version.version, "by query");
    throw new Failure("forbidden", `${modulePath}: policies leave none of its versions`, { reason: "policy_held" });
  }
  const passed = await gate.pass(named, "by query");
  const resolved = await resolveQuery(hosted, project, modulePath, named);
  return { resolved, passed: { ...passed, freshMs: Math.min(passed.freshMs, freshMs) } };
}

/** .mod and .zip are of versions, not of branches. */
async function exactVersion(
  hosted: HostedModules,
  project: ProjectRow,
  { modulePath, version, kind }: VersionRequest<"mod" | "zip">,
): Promise<ServedVersion> {
  if (!isServable(version))
    throw notFound(
      `${modulePath}@${version}: .${kind} needs a canonical version; ask for .info first to learn it`,
      "version_invalid",
    );
  return (await resolveQuery(hosted, project, modulePath, version)).version;
}

/** As the go command writes it: seconds, UTC. */
function infoOf({ version, origin }: Resolved): Buffer {
  // Versions of earlier releases may have later times; go refuses one that it cannot parse.
  const time = `${tellable(version.time).toISOString().slice(0, 19)}Z`;
  return Buffer.from(JSON.stringify({ Version: version.version, Time: time, Origin: origin }));
}
