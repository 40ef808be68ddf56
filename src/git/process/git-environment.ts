// The environment in which every git process of ours runs. git is shaped by the machine it runs on: /etc/gitconfig,
// ~/.gitconfig, attribute files, templates, hooks, filters (git-lfs!), replace refs. The go command's h1 of a module must
// not depend on any of that, and neither may what a pushed repository can make the server do. So the environment is built
// from nothing; the settings are given in GIT_CONFIG_KEY_n (git-config(1), "ENVIRONMENT"), which counts as protected
// configuration, wins over the repository's own file, and is inherited by git's children.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Failure } from "../../errors.ts";

/** The oldest git that has everything that we use: `cat-file --batch-command`, `init --object-format`, core.fsync. */
const MINIMUM_GIT_VERSION = "2.39";

/** Refs below this prefix are ours: never advertised, never written by a push. */
export const HIDDEN_REFS = "refs/gokura";

// What old histories have in their commits and trees and cannot be rewritten for: large forges let it in, and the go command
// serves it. A push says each as a warning. All other findings of fsck refuse the pack (.git entries, trees out of order,
// malformed .gitmodules, ...). The three of .gitattributes are about its size; git itself then leaves such a file out.
const TOLERATED_DEFECTS = [
  ...["badTimezone", "missingSpaceBeforeDate", "zeroPaddedDate"],
  ...["missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeEmail", "badEmail", "badName"],
  ...["zeroPaddedFilemode", "gitattributesLarge", "gitattributesLineLength", "gitattributesBlob"],
];
/** How a defect is told: to who pushes; a fetch has nobody to tell. */
const TOLD = { receive: "warn", fetch: "ignore" };

const SETTINGS: readonly (readonly [string, string])[] = [
  // The data directory may belong to another user (a mounted volume); the paths are ours, never a user's.
  ["safe.directory", "*"],
  // Nothing of the machine, nothing that runs a program.
  ["core.hooksPath", "/dev/null"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.alternateRefsCommand", "true"],
  // An acknowledged push survives a power cut.
  ["core.fsync", "all"],
  ["core.fsyncMethod", "batch"],
  // Objects go away only when a maintainer decides it: versions are pinned to commits.
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["receive.autogc", "false"],
  // Only branches and tags exist for clients. The last matching pattern wins.
  ["transfer.hideRefs", "refs"],
  ["transfer.hideRefs", "!refs/heads"],
  ["transfer.hideRefs", "!refs/tags"],
  ["transfer.hideRefs", HIDDEN_REFS],
  ["receive.fsckObjects", "true"],
  ["fetch.fsckObjects", "true"],
  ...TOLERATED_DEFECTS.flatMap((defect) =>
    Object.entries(TOLD).map(([side, how]) => [`${side}.fsck.${defect}`, how] as const),
  ),
  // Packs are kept as they came: exploding a small push into loose objects costs one fsync per object.
  ["receive.unpackLimit", "1"],
  ["fetch.unpackLimit", "1"],
  ["receive.advertisePushOptions", "true"], // git push -o: taken, and of no meaning
  ["receive.denyDeleteCurrent", "ignore"], // HEAD is then set anew, see Repository.setHeadToFirstBranch
  ["uploadpack.allowFilter", "true"],
  ["uploadpack.allowAnySHA1InWant", "false"],
  // GIT_GRAFT_FILE below names no file with grafts, and git would tell every client that grafts are deprecated.
  ["advice.graftFileDeprecated", "false"],
  // One clone must not take the machine.
  ["pack.threads", "2"],
  ["pack.windowMemory", "256m"],
];

export interface GitEnvironmentOptions {
  /** The largest pack that a push may bring, in bytes; unset means no limit. */
  readonly maxPushBytes?: number;
  /** The protocol a client asked for (`version=2`), already validated; becomes GIT_PROTOCOL. */
  readonly protocol?: string;
  /** Transports by which git may reach another repository: https or ssh for one that is fetched; none unless told. */
  readonly transports?: readonly string[];
  /** Further settings, in order, after ours. */
  readonly settings?: readonly (readonly [string, string])[];
}

/** The whole environment of a git process: isolated from the machine except for PATH, with fixed language and settings. */
export function gitEnvironment(options: GitEnvironmentOptions = {}): NodeJS.ProcessEnv {
  const settings = [...SETTINGS, ...(options.settings ?? [])];
  if (options.maxPushBytes !== undefined) settings.push(["receive.maxInputSize", String(options.maxPushBytes)]);
  const environment: NodeJS.ProcessEnv = {
    // biome-ignore lint/style/noProcessEnv: PATH says where the git program is; it is no setting of Gokura's.
    PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    TZ: "UTC",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_GRAFT_FILE: "/dev/null",
    GIT_ALLOW_PROTOCOL: (options.transports ?? []).join(":"), // wins over protocol.*.allow of any settings
    GIT_OPTIONAL_LOCKS: "0",
    GIT_LITERAL_PATHSPECS: "1", // a directory is a name, never a pattern
    GIT_DEFAULT_REF_FORMAT: "files", // git 3 will make reftables; HEAD is read as a file here
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_CONFIG_COUNT: String(settings.length),
  };
  for (const [n, [key, value]] of settings.entries()) {
    environment[`GIT_CONFIG_KEY_${n}`] = key;
    environment[`GIT_CONFIG_VALUE_${n}`] = value;
  }
  if (options.protocol !== undefined) environment.GIT_PROTOCOL = options.protocol;
  return environment;
}

/**
 * Checks that a git of at least MINIMUM_GIT_VERSION is on the PATH and returns its version ("2.39.5").
 * Throws Failure("unavailable") that says what to install.
 */
export async function checkGitVersion(environment: NodeJS.ProcessEnv = gitEnvironment()): Promise<string> {
  const wanted = `install git ${MINIMUM_GIT_VERSION} or newer (apt-get install git) and make sure that it is on the PATH`;
  let said: string;
  try {
    said = (await promisify(execFile)("git", ["version"], { env: environment, cwd: "/" })).stdout;
  } catch (error) {
    throw new Failure("unavailable", `the git program was not found or does not run: ${wanted}`, { cause: error });
  }
  const version = /^git version (\d+)\.(\d+)(?:\.\d+)*/.exec(said);
  if (version === null) throw new Failure("unavailable", `git says "${said.trim().slice(0, 100)}": ${wanted}`);
  const found = version[0].slice("git version ".length);
  const [major = 0, minor = 0] = MINIMUM_GIT_VERSION.split(".").map(Number);
  if (Number(version[1]) < major || (Number(version[1]) === major && Number(version[2]) < minor)) {
    throw new Failure("unavailable", `git ${found} is too old: ${wanted}`);
  }
  return found;
}
