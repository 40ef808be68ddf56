// The list of a module's versions. Inside it is kept as upstream sent it, pseudo-versions and times too, for they tell what is
// latest where an upstream has no @latest; what is told is versions that tags made, as the protocol wants it. A list that
// promises what its upstream does not have would send the go command astray: it would try its whole question on the next
// proxy, so the next one's list is given (cmd/go/internal/modfetch/proxy.go TryProxies; modload/query.go).
import { inTurns } from "../concurrency/turns.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { goPathOf } from "../gomod/proxy-path.ts";
import { isPseudoVersion } from "../gomod/version.ts";
import { latestVersion, linesOfList } from "../gomod/version-list.ts";
import { findUpstreamVersion } from "../registry/versions/upstream-modules.ts";
import { admitInfo, admitList } from "./admission.ts";
import type { Absent, FoundAnswer } from "./answers.ts";
import { type ChangingKind, changingAnswer } from "./changing-answer.ts";
import type { DependencyState } from "./dependency-state.ts";
import { ownBytes } from "./own-bytes.ts";
import { storedList } from "./stored-versions.ts";
import { type Answering, NotKept } from "./upstream-client.ts";
import { askAndJudge } from "./upstream-request.ts";
import { MAX_INFO_BYTES } from "./version-files.ts";

/** The largest list known has 300 kB; this one has more than 300,000 versions, each of which policies judge. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;
/** So many lines of it are looked at without a pause. */
const LINES_AT_ONCE = 2_000;
/** What a line with a pseudo-version has in it. */
const PSEUDO = /\d{14}-[0-9A-Za-z]{12}/;

/** The list as it is kept. */
export const MODULE_LIST: ChangingKind = {
  kind: "list",
  async get(state, modulePath) {
    const request = { kind: "list", modulePath } as const;
    const answer = await askAndJudge(state, request, MAX_LIST_BYTES, async (bytes, from) => {
      const list = await admitList(modulePath, bytes);
      await demandKept(state, modulePath, list, from);
      return list;
    });
    return answer.kind === "absent" ? answer : answer.verdict;
  },
  fromStored: ({ registry }, modulePath) => storedList(registry, modulePath),
  isLost: () => true,
};

/** The versions of a module, one a line. `storedOnly`: no upstream is asked. */
export async function listAnswer(
  state: DependencyState,
  modulePath: ModulePath,
  storedOnly: boolean,
): Promise<FoundAnswer | Absent> {
  const answer = await changingAnswer(state, MODULE_LIST, modulePath, storedOnly);
  return answer.kind === "found" ? { ...answer, body: await withoutPseudoVersions(answer.body) } : answer;
}

async function withoutPseudoVersions(list: Buffer): Promise<Buffer> {
  const text = list.toString("utf8");
  if (!PSEUDO.test(text)) return list;
  const lines: string[] = [];
  for await (const part of inTurns(text.split("\n"), LINES_AT_ONCE))
    for (const line of part) if (!isPseudoVersion(line.split(/\s/, 1)[0]!)) lines.push(line);
  return Buffer.from(lines.join("\n"));
}

/** Throws NotKept if another upstream would be asked and this one does not have what its own list calls the latest. */
async function demandKept(
  state: DependencyState,
  modulePath: ModulePath,
  list: Buffer,
  from: Answering,
): Promise<void> {
  if (!from.hasNext) return;
  const lines = await linesOfList(list.toString("utf8"));
  const latest = await latestVersion(
    lines.map(({ version }) => version),
    () => false,
  );
  if (latest === undefined) return;
  const request = { kind: "info", modulePath, version: latest } as const;
  if ((await findUpstreamVersion(state.registry, modulePath, latest))?.info) return;
  // Trouble is no broken promise: whoever asks for the version learns of it.
  const answer = await from.ask(request, { maxBytes: MAX_INFO_BYTES }).catch(() => undefined);
  if (answer?.kind === "absent")
    throw new NotKept(`${from.upstream} lists ${modulePath}@${latest} and does not have it`);
  if (answer === undefined || !isInfo(modulePath, latest, answer.bytes)) return;
  state.tried.set(goPathOf(request), ownBytes(answer.bytes));
}

function isInfo(modulePath: ModulePath, version: string, bytes: Buffer): boolean {
  try {
    admitInfo(modulePath, version, bytes);
    return true;
  } catch {
    return false; // whoever asks for it learns what is wrong
  }
}
