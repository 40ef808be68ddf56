// The Go vulnerability database, mirrored: db.json once an hour, and if that says something newer the indexes and the advisories
// that changed. What is cut, empty, older than the last one or not what its indexes promise is refused, and the last good one
// stays, with its age. Source: go.dev/doc/security/vuln/database ("API").
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { everybodysTurn, inTurns } from "../concurrency/turns.ts";
import { Failure, isFailure } from "../errors.ts";
import { isAdvisoryId, parseAdvisory } from "../gomod/vulnerable-range.ts";
import { OWN_PREFIX } from "../registry/advisories/own-advisories.ts";
import {
  compareWithStored,
  databaseWasChecked,
  findDatabase,
  replaceDatabase,
} from "../registry/advisories/vulnerability-database.ts";
import type { Registry } from "../registry/registry.ts";
import { type AdvisorySpool, openAdvisorySpool } from "./advisory-spool.ts";
import { bytesOf } from "./bounded-body.ts";
import type { GuardedHttp } from "./guarded-http.ts";

const HOUR_MS = 3_600_000;
/** The public one has 5 MB. */
const MAX_INDEX_BYTES = 256 * 1024 ** 2;
const MAX_ADVISORY_BYTES = 4 * 1024 ** 2;
const ASKED_AT_ONCE = 16;
/** Entries of an index that are looked at without a pause. */
const ENTRIES_AT_ONCE = 2_000;

/** Reads a file of the database, such as index/db.json. Throws what keeps it from that. */
type ReadFile = (name: string, maxBytes: number) => Promise<string>;

interface ModuleEntry {
  readonly path: string;
  readonly vulns: readonly { readonly id: string; readonly modified: string }[];
}

/** What a look at the database came to. */
export type Mirrored = "new" | "same";

/**
 * Looks at the database and takes over what is newer. Throws a Failure that says why it was refused, or what kept it from being
 * read; the stored one is as it was then.
 */
export async function mirrorDatabase(registry: Registry, read: ReadFile): Promise<Mirrored> {
  const modified = modifiedOf(await read("index/db.json", MAX_ADVISORY_BYTES));
  const at = new Date(registry.policies.now());
  const stored = await findDatabase(registry);
  if (stored && modified.getTime() === stored.modified.getTime()) {
    await databaseWasChecked(registry, at);
    return "same";
  }
  if (stored && modified < stored.modified)
    throw refused(`it is of ${modified.toISOString()}, older than the stored one of ${stored.modified.toISOString()}`);
  const [modules, vulns] = await Promise.all([
    read("index/modules.json", MAX_INDEX_BYTES),
    read("index/vulns.json", MAX_INDEX_BYTES),
  ]);
  const wanted = await promisedBy(modules, vulns);
  const { stored: known, lost, missing } = await compareWithStored(registry, wanted);
  if (lost > known / 2) throw refused(`it has lost ${lost} of ${known} advisories`);
  const spool = await openAdvisorySpool();
  try {
    await readAdvisories(read, missing, spool);
    await replaceDatabase(registry, { modified, modules, vulns, changed: spool.parts(), ids: wanted.keys() }, at);
  } finally {
    await spool.close();
  }
  return "new";
}

function refused(why: string): Failure {
  return new Failure("unavailable", `the vulnerability database is refused: ${why}`);
}

function modifiedOf(json: string): Date {
  const { modified } = (parse(json, "index/db.json") ?? {}) as { modified?: unknown };
  const at = new Date(typeof modified === "string" ? modified : Number.NaN);
  if (Number.isNaN(at.getTime())) throw refused("index/db.json does not say when it was modified");
  return at;
}

/** The ids that both indexes name, and when each was modified. */
async function promisedBy(modules: string, vulns: string): Promise<Map<string, number>> {
  const entries = parse(modules, "index/modules.json") as readonly ModuleEntry[];
  await everybodysTurn();
  const all = parse(vulns, "index/vulns.json") as ModuleEntry["vulns"];
  if (!Array.isArray(entries) || !Array.isArray(all)) throw refused("an index is no list");
  if (entries.length === 0 || all.length === 0) throw refused("it is empty");
  const promised = new Map<string, number>();
  for await (const some of inTurns(all, ENTRIES_AT_ONCE))
    for (const entry of some) {
      const { id, modified } = orNothing(entry);
      if (typeof id !== "string" || !isAdvisoryId(id)) throw refused("index/vulns.json has an entry without an id");
      if (id.startsWith(OWN_PREFIX)) throw refused(`${id} is a name of advisories about modules here`);
      promised.set(id, Date.parse(String(modified)));
    }
  for await (const some of inTurns(entries, ENTRIES_AT_ONCE))
    for (const entry of some) {
      const { path, vulns: ofModule } = orNothing(entry);
      if (typeof path !== "string" || !Array.isArray(ofModule))
        throw refused("index/modules.json has an entry without a path");
      for (const one of ofModule) {
        const { id } = orNothing(one);
        if (id === undefined || !promised.has(id)) throw refused(`${id} is in one of its indexes only`);
      }
    }
  return promised;
}

/** An entry of an index, whatever stands in its place. */
const orNothing = <T extends object>(entry: T | null): Partial<T> => entry ?? {};

async function readAdvisories(read: ReadFile, ids: readonly string[], spool: AdvisorySpool): Promise<void> {
  const remaining = ids.values();
  const work = async (): Promise<void> => {
    for (const id of remaining) {
      const body = await read(`ID/${id}.json`, MAX_ADVISORY_BYTES);
      if (parseAdvisory(body)?.id !== id) throw refused(`ID/${id}.json is not that advisory`);
      await spool.add({ id, body });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: ASKED_AT_ONCE }, work));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
}

function parse(json: string, name: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new Failure("unavailable", `the vulnerability database is refused: ${name} is no JSON`, { cause: error });
  }
}

/** Reads the database at a URL, of http, https or file. */
export function databaseAt(url: string, http: GuardedHttp): ReadFile {
  if (url.startsWith("file:")) {
    const directory = fileURLToPath(url);
    return (name) => readFile(join(directory, name), "utf8");
  }
  const base = url.replace(/\/$/, "");
  return async (name, maxBytes) => {
    const answer = await http.get(`${base}/${name}`, { maxBytes });
    const bytes = await bytesOf(answer.body);
    if (answer.status === 200) return bytes.toString("utf8");
    throw new Failure("unavailable", `the vulnerability database answers ${answer.status} to ${name}`);
  };
}

/** Mirrors the database now and once an hour, until it is closed. */
export function keepMirrored(registry: Registry, read: ReadFile): { close(): Promise<void> } {
  let running = Promise.resolve();
  const look = (): void => {
    running = running
      .then(() => mirrorDatabase(registry, read))
      .then(
        (came) => void (came === "new" && registry.log.info("the vulnerability database is a newer one")),
        // A feed that is away, or bad, is no defect of ours.
        (error: unknown) =>
          isFailure(error)
            ? registry.log.warn({ reason: error.message }, "the vulnerability database could not be mirrored")
            : registry.log.error({ err: error }, "the vulnerability database could not be mirrored"),
      );
  };
  look();
  const timer = setInterval(look, HOUR_MS).unref();
  return {
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
