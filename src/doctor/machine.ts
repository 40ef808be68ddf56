// The machine below a server: git, the data directory and its disk. Nothing is made or changed.
import { access, constants, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { checkGitVersion } from "../git/process/git-environment.ts";
import { doubtful, type Finding, good, inBytes, wrong } from "./finding.ts";

const LITTLE_PART = 0.2;
const ALMOST_NONE_PART = 0.03;
/** The rights of everybody but the owner; that an embedded PostgreSQL's account passes through is meant. */
const OTHERS_READ = 0o066;

/** Looks at git and at a data directory, which need not exist yet. */
export async function examineMachine(dataDirectory: string): Promise<Finding[]> {
  return [await examineGit(), ...(await examineDirectory(dataDirectory))];
}

async function examineGit(): Promise<Finding> {
  try {
    return good("git", `git ${await checkGitVersion()} is on the PATH`);
  } catch (error) {
    return wrong("git", (error as Error).message, "Install it; nothing can be pushed or built without it.");
  }
}

async function examineDirectory(directory: string): Promise<Finding[]> {
  const found = await stat(directory).catch(() => undefined);
  if (found && !found.isDirectory())
    return [wrong("data directory", `${directory} is no directory`, "Set GOKURA_DATA_DIR to a directory of yours.")];
  const place = found ? directory : await existingParent(directory);
  const writable = await access(place, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  const about = "data directory";
  const findings = [
    !writable
      ? wrong(
          about,
          `${place} cannot be written`,
          "Give it to the account that the server runs as, or set GOKURA_DATA_DIR.",
        )
      : found && (found.mode & OTHERS_READ) !== 0
        ? doubtful(
            about,
            `others on this machine can read ${directory}`,
            `chmod 700 ${directory}; a start of the server does so.`,
          )
        : good(about, found ? directory : `${directory} does not exist yet, and can be made`),
  ];
  return [...findings, examineDisk(await statfs(place), place)];
}

async function existingParent(directory: string): Promise<string> {
  for (let parent = dirname(directory); ; parent = dirname(parent))
    if ((await stat(parent).catch(() => undefined)) || parent === dirname(parent)) return parent;
}

interface Disk {
  readonly bavail: number;
  readonly blocks: number;
  readonly bsize: number;
  readonly ffree: number;
  readonly files: number;
}

/** What the figures of statfs(2) mean for a data directory. */
export function examineDisk({ bavail, blocks, bsize, ffree, files }: Disk, place: string): Finding {
  const says = `${inBytes(bavail * bsize)} of ${inBytes(blocks * bsize)} are left where ${place} is`;
  if (files > 0 && ffree / files < ALMOST_NONE_PART)
    return wrong(
      "disk",
      `${ffree} of ${files} inodes are left where ${place} is`,
      "Remove files there, or use a file system with more inodes.",
    );
  const left = bavail / blocks;
  if (left < ALMOST_NONE_PART)
    return wrong("disk", says, "Give it room: a full disk refuses pushes and new modules, and serves what is there.");
  if (left < LITTLE_PART) return doubtful("disk", says, "Give it room before it is full.");
  return good("disk", says);
}
