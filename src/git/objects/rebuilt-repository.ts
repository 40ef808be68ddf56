// A bare repository made of packs and of refs that somebody wrote down: whole or not at all, under another name beside its
// place, and then renamed. A pack has its name from its content, so that one which lies in an older directory is taken from
// there. A pack comes with git's index of it, or git reads it through for one; every ref must find its object.
// Sources: git-index-pack(1); gitformat-pack(5); git-pack-refs(1) for the file of refs.
import { randomBytes } from "node:crypto";
import { link, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../errors.ts";
import { renameDurably, syncTree } from "../../storage/durable-files.ts";
import { unlessMissing } from "../../storage/missing-file.ts";
import { runGit } from "../process/git-process.ts";
import { initRepository } from "./init-repository.ts";
import { keepObjects } from "./kept-objects.ts";
import type { Repositories } from "./repositories.ts";

/** A pack of many gigabytes takes that long. */
const INDEX_MS = 60 * 60_000;
const PACKS_AT_ONCE = 4;
/** Objects that are asked about at once. */
const AT_ONCE = 2_000;

export interface RebuiltFrom {
  readonly objectFormat: "sha1" | "sha256";
  /** Full names of branches and tags, and what they hold. */
  readonly refs: ReadonlyMap<string, string>;
  /** The branch that HEAD names. */
  readonly head: string;
  /** Commits that stay although no ref may reach them. */
  readonly commits: readonly string[];
  /** Names of packs, without ending. */
  readonly packs: readonly string[];
  /** Writes a pack into a new file, and git's index of it into another if there is one; whether there is. */
  readonly fetch: (pack: string, file: string, index: string) => Promise<boolean>;
}

/** Makes the repository in the place of whatever is there. Throws, and leaves what is there, when something is missing. */
export async function rebuildRepository(
  repositories: Repositories,
  directory: string,
  from: RebuiltFrom,
): Promise<void> {
  const building = `${directory}.new-${randomBytes(6).toString("hex")}`;
  try {
    await initRepository(building, { objectFormat: from.objectFormat });
    const place = join(building, "objects", "pack");
    await mkdir(place, { recursive: true });
    const waiting = [...from.packs];
    const take = async (): Promise<void> => {
      for (let pack = waiting.pop(); pack !== undefined; pack = waiting.pop()) {
        const [file, index] = [join(place, `${pack}.pack`), join(place, `${pack}.idx`)];
        const has =
          (await takeFrom(join(directory, "objects", "pack"), place, pack)) || (await from.fetch(pack, file, index));
        if (!has) await runGit(building, ["index-pack", file], { timeoutMs: INDEX_MS });
      }
    };
    await Promise.all(Array.from({ length: PACKS_AT_ONCE }, take));
    const lines = [...from.refs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const text = lines.map(([name, oid]) => `${oid} ${name}\n`).join("");
    await writeFile(join(building, "packed-refs"), `# pack-refs with: sorted \n${text}`);
    await runGit(building, ["symbolic-ref", "HEAD", `refs/heads/${from.head}`]);
    const repository = repositories.at(building);
    try {
      await demandAll(repository, [...from.refs.values()], directory);
      const tips = (await repository.listRefs())
        .filter(({ type }) => type === "commit")
        .map((ref) => ref.peeled ?? ref.oid);
      const lost = [...(await repository.unreachedFrom(tips, from.commits))];
      await keepObjects(
        building,
        lost.map((oid) => ({ oid, type: "commit" })),
      );
    } finally {
      await repositories.forget(building);
    }
    await syncTree(building);
    await repositories.forget(directory);
    const aside = `${building}.old`;
    await rename(directory, aside).catch(unlessMissing);
    await renameDurably(building, directory);
    await rm(aside, { recursive: true, force: true });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/** Takes a pack and its index from an older directory; false if they are not both there. */
async function takeFrom(older: string, place: string, pack: string): Promise<boolean> {
  try {
    for (const ending of ["idx", "pack"])
      await link(join(older, `${pack}.${ending}`), join(place, `${pack}.${ending}`));
    return true;
  } catch {
    await rm(join(place, `${pack}.idx`), { force: true });
    return false;
  }
}

async function demandAll(
  repository: ReturnType<Repositories["at"]>,
  oids: readonly string[],
  directory: string,
): Promise<void> {
  for (let at = 0; at < oids.length; at += AT_ONCE) {
    const part = oids.slice(at, at + AT_ONCE);
    const { peeled } = await repository.peel(part);
    const missing = part.find((oid) => !peeled.has(oid));
    if (missing !== undefined)
      throw new Failure(
        "unavailable",
        `the repository ${directory} cannot be made of its packs: git object ${missing} is in none of them`,
        { mustAct: true },
      );
  }
}
