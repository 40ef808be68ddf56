// What the dependency proxy answers at an endpoint with policies. A version that is named is judged before anything is asked
// for it; a list is shown without what is refused, and @latest is the latest of that list. Where nothing is left, @latest and
// queries are 403: an absence would send the go command to the next proxy, or to the origin, for what is refused here.
import { Failure } from "../errors.ts";
import { retractedBy } from "../gomod/go-mod-file.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { isPseudoVersion } from "../gomod/version.ts";
import { parseVersionInfo } from "../gomod/version-info.ts";
import { latestVersion, linesOfList, newestPseudoVersion, retractingVersion } from "../gomod/version-list.ts";
import { type Gate, isHidden, type Passed } from "../registry/policies/gate.ts";
import { type ShownList, showList } from "../registry/policies/shown-list.ts";
import { seenPseudoVersions } from "../registry/policies/version-ages.ts";
import { readGoMod, readLargeGoMod } from "../registry/versions/readable-go-mod.ts";
import type { Absent, FoundAnswer } from "./answers.ts";
import type { AskOptions, DependencyProxy } from "./dependency-proxy.ts";

/** An answer with what policies have to say beside it. */
export interface JudgedAnswer<A> {
  readonly answer: A;
  readonly warning: string | undefined;
  /** For how long policies let it through as it is. */
  readonly freshMs: number;
}

/** The versions of a module that may be had, one a line. */
export async function judgedList(
  proxy: DependencyProxy,
  gate: Gate,
  modulePath: ModulePath,
  options: AskOptions,
): Promise<JudgedAnswer<FoundAnswer | Absent>> {
  const answer = await proxy.list(modulePath, options);
  if (answer.kind === "absent") return { answer, warning: undefined, freshMs: Number.POSITIVE_INFINITY };
  const text = answer.body.toString("utf8");
  const shown = await shownOf(proxy, gate, modulePath, text, options);
  if (!shown.shortened) return { answer, warning: undefined, freshMs: shown.freshMs };
  const isShown = new Set(shown.versions);
  const lines = text.split("\n").filter((line) => isShown.has(line.trim().split(/\s/, 1)[0]!));
  const body = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  return { answer: { ...answer, body }, warning: undefined, freshMs: shown.freshMs };
}

/** The .info of the latest version that may be had. Throws forbidden if there are versions, and none of them may be. */
export async function judgedLatest(
  proxy: DependencyProxy,
  gate: Gate,
  modulePath: ModulePath,
  options: AskOptions,
): Promise<JudgedAnswer<FoundAnswer | Absent>> {
  const [answer, list] = await Promise.all([
    proxy.query(modulePath, undefined, options),
    proxy.list(modulePath, options),
  ]);
  if (answer.kind === "absent") return { answer, warning: undefined, freshMs: Number.POSITIVE_INFINITY };
  const latest = parseVersionInfo(answer.body)?.version ?? "";
  const listed = list.kind === "found" ? list.body.toString("utf8") : "";
  const shown = await shownOf(proxy, gate, modulePath, `${listed}\n${latest}\n`, options);
  if (shown.versions.includes(latest)) {
    const { warning, freshMs } = await gate.pass(latest, "by query");
    return { answer, warning, freshMs: Math.min(freshMs, shown.freshMs) };
  }
  const named =
    (await latestOfShown(proxy, modulePath, shown.versions, options)) ??
    (isPseudoVersion(latest) ? await olderCommit(proxy, gate, modulePath) : undefined);
  if (named === undefined) {
    await gate.pass(latest, "by query");
    throw new Failure("forbidden", `${modulePath}: policies leave none of its versions`, { reason: "policy_held" });
  }
  const { warning, freshMs } = await gate.pass(named, "by query");
  const info = await proxy.query(modulePath, named, options);
  return { answer: asLatest(info, answer.freshMs), warning, freshMs: Math.min(freshMs, shown.freshMs) };
}

/** The latest of the versions that are shown, by what the newest of these retracts. */
async function latestOfShown(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  shown: readonly string[],
  options: AskOptions,
): Promise<string | undefined> {
  const speaker = await retractingVersion(shown);
  const goMod = speaker === undefined ? undefined : await goModOf(proxy, modulePath, speaker, options);
  if (goMod) await readLargeGoMod(goMod);
  const retracts = (goMod && readGoMod(goMod).file?.retracts) ?? [];
  return await latestVersion(shown, retractedBy(retracts));
}

/** Of the commits that were seen before, where a module has no versions, the newest that may be had. */
async function olderCommit(proxy: DependencyProxy, gate: Gate, modulePath: ModulePath): Promise<string | undefined> {
  const seen = await seenPseudoVersions(proxy.registry, modulePath);
  const verdicts = await gate.verdicts(seen);
  const open = seen.filter((version) => !isHidden(verdicts.get(version)!));
  return await newestPseudoVersion(open.map((version) => ({ version, time: undefined })));
}

/** What a version is, is for ever so; that it is the latest, only as long as upstream's own word about that is fresh. */
function asLatest(info: FoundAnswer | Absent, freshMs: number): FoundAnswer | Absent {
  return info.kind === "found" ? { ...info, pinned: false, freshMs: Math.min(info.freshMs, freshMs) } : info;
}

/** The .info of what a branch or a commit names, if that version may be had. Throws forbidden if it may not. */
export async function judgedQuery(
  proxy: DependencyProxy,
  gate: Gate,
  modulePath: ModulePath,
  revision: string,
  options: AskOptions,
): Promise<JudgedAnswer<FoundAnswer | Absent>> {
  const answer = await proxy.query(modulePath, revision, options);
  const version = answer.kind === "found" ? parseVersionInfo(answer.body)?.version : undefined;
  if (version === undefined) return { answer, warning: undefined, freshMs: Number.POSITIVE_INFINITY };
  return { answer, ...(await gate.pass(version, "by query")) };
}

/** A version, or its files, that is asked for by its name, if it may be had. Throws forbidden if it may not; an absence if there is none. */
export async function passByName(
  proxy: DependencyProxy,
  gate: Gate,
  modulePath: ModulePath,
  version: string,
  options: AskOptions & { readonly files?: boolean },
): Promise<Passed | Absent> {
  if (gate.isStrict) {
    // Its age counts from when it is first seen, and what is not there is not seen.
    const info = await proxy.query(modulePath, version, options);
    if (info.kind === "absent") return info;
  }
  return options.files ? gate.passFiles(version) : gate.pass(version, "by name");
}

/** Has the zip of a version stored, if it can be had; for what is judged by it (gateOf). */
export async function storeZip(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  options: AskOptions,
): Promise<void> {
  const found = await proxy.download({ kind: "zip", modulePath, version }, options);
  if (found.kind === "arriving") await found.download.outcome;
}

async function shownOf(
  proxy: DependencyProxy,
  gate: Gate,
  modulePath: ModulePath,
  list: string,
  options: AskOptions,
): Promise<ShownList> {
  const versions = [...new Set((await linesOfList(list)).map(({ version }) => version))];
  return await showList(gate, versions, proxy.registry.policies.now(), (version) =>
    goModOf(proxy, modulePath, version, options),
  );
}

/** The go.mod of a version; undefined if it cannot be had now: trouble with one is no reason to have no list. */
async function goModOf(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  options: AskOptions,
): Promise<Buffer | undefined> {
  const answer = await proxy.download({ kind: "mod", modulePath, version }, options).catch(() => undefined);
  return answer?.kind === "found" ? answer.body : undefined;
}
