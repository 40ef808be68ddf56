// What is the latest version of a module: upstream's @latest, or where it has none what its list says, as the go command reads
// it: the highest release, else pre-release, else the newest pseudo-version.
import type { ModulePath } from "../gomod/module-path.ts";
import { goPathOf } from "../gomod/proxy-path.ts";
import { latestOfList, linesOfList } from "../gomod/version-list.ts";
import { admitInfo } from "./admission.ts";
import type { Absent } from "./answers.ts";
import { type ChangingKind, changingAnswer, refresh } from "./changing-answer.ts";
import type { DependencyState } from "./dependency-state.ts";
import { MODULE_LIST } from "./module-list.ts";
import { storedLatest } from "./stored-versions.ts";
import { askAndJudge } from "./upstream-request.ts";
import { MAX_INFO_BYTES, versionFile } from "./version-files.ts";

/** The .info of the latest version. */
export const LATEST: ChangingKind = {
  kind: "latest",
  async get(state, modulePath) {
    const answer = await askAndJudge(state, { kind: "latest", modulePath }, MAX_INFO_BYTES, (bytes) =>
      admitInfo(modulePath, undefined, bytes),
    );
    return answer.kind === "found" ? answer.bytes : await latestByList(state, modulePath, answer);
  },
  fromStored: ({ registry }, modulePath) => storedLatest(registry, modulePath),
  isLost: ({ absences }, modulePath) => absences.has(goPathOf({ kind: "list", modulePath })),
};

/** What the list says where there is no @latest; upstream's own words if it says nothing either. */
async function latestByList(
  state: DependencyState,
  modulePath: ModulePath,
  otherwise: Absent,
): Promise<Buffer | Absent> {
  const list = await changingAnswer(state, MODULE_LIST, modulePath, false);
  if (list.kind === "absent") return otherwise;
  const version = await latestOfList(await linesOfList(list.body.toString("utf8")));
  if (version === undefined) return otherwise;
  const info = await versionFile(state, { kind: "info", modulePath, version }, { storedOnly: false });
  return info.kind === "found" ? info.body : info;
}

/**
 * Says that a version was fetched by name which the list that is kept does not have: that is fetched anew. Nobody waits for it;
 * the next who asks for the list is told what went wrong.
 */
export function unlistedWasSeen(state: DependencyState, modulePath: ModulePath, version: string): void {
  const name = `${goPathOf({ kind: "list", modulePath })} has ${version}`;
  if (state.seen.has(name)) return; // its .info, .mod and zip come one after the other
  state.seen.set(name, true);
  for (const what of [MODULE_LIST, LATEST]) refresh(state, what, modulePath, new Date()).catch(() => {});
}
