// What was fetched from upstream, as rows: versions whose info, go.mod and zip come one by one and are pinned each as it
// comes (enter-versions.ts), and the answers that change (list, @latest) as they were last seen. No zip is stored without
// the go.mod that it was compared with.
import type { Sql } from "../../database/sql.ts";
import { Failure } from "../../errors.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import { audit } from "../audit.ts";
import { CONTRADICTED } from "../contradicted.ts";
import { announce } from "../forge/hook-events.ts";
import type { Registry } from "../registry.ts";
import { enteringVersions, enterUpstreamPart, type PinnedRow } from "./enter-versions.ts";
import { storableText } from "./readable-go-mod.ts";
import { wasPublishedHere } from "./tombstones.ts";
import { type MadeZip, recordedOtherwise } from "./version-zip.ts";

/** What is stored of a version from upstream. */
export interface StoredVersion {
  readonly id: number;
  /** .info as upstream answered it. */
  readonly info: Buffer | undefined;
  readonly goMod: Buffer | undefined;
  readonly zip: MadeZip | undefined;
}

/** What is known of the name of a version. */
export interface KnownVersion {
  /** What is stored of it; undefined if nothing is. */
  readonly stored: StoredVersion | undefined;
  /** Why it is not fetched: something was published under the name here, and taken away. */
  readonly buried: string | undefined;
  /** Whether what is stored is not what a checksum database was proved to say. */
  readonly isContradicted: boolean;
}

/**
 * What is known of a version, stored or taken away. The module is asked for by itself: joined, a database in which nothing has
 * been counted yet looks through all versions of that name instead.
 */
export async function lookUpVersion(registry: Registry, modulePath: string, version: string): Promise<KnownVersion> {
  const { rows } = await registry.database.pool.query<
    { [key in keyof PinnedRow]: PinnedRow[key] | null } & { buried: string | null; contradicted: boolean | null }
  >({
    name: "upstream-version",
    text: `SELECT t.reason AS buried, v.id, v.info, v.go_mod, v.h1, v.zip_key, v.zip_size,
        ${CONTRADICTED} AS contradicted
      FROM (SELECT) AS one
      LEFT JOIN tombstone t ON t.module_path = $1 AND t.version = $2
      LEFT JOIN proved_sum p ON p.path = $1 AND p.version = $2
      LEFT JOIN (
        SELECT id, info, go_mod, go_mod_h1, h1, zip_key, zip_size FROM module_version
        WHERE module_id = (SELECT id FROM module WHERE path = $1 AND origin = 'UPSTREAM') AND version = $2) AS v ON true`,
    values: [modulePath, version],
  });
  const { buried, contradicted, id, ...row } = rows[0]!;
  return {
    stored: id === null ? undefined : storedIn({ id, ...row }),
    buried: buried ?? undefined,
    isContradicted: contradicted ?? false,
  };
}

/** What is stored of a version; undefined if nothing is. */
export async function findUpstreamVersion(
  registry: Registry,
  modulePath: string,
  version: string,
): Promise<StoredVersion | undefined> {
  return (await lookUpVersion(registry, modulePath, version)).stored;
}

/** A version from upstream with all that is stored of it. */
export interface NamedVersion extends StoredVersion {
  readonly modulePath: string;
  readonly version: string;
}

/** A version whose .info and go.mod have more is not among those that were stored last: one alone could be all of them. */
const MAX_SMALL_BYTES = 64 * 1024;

/**
 * The versions that were stored last, newest first, without the few whose files are large, and those that a checksum database
 * contradicts: at most so many, and not beyond so many bytes of .info and go.mod, to which `besides` is added for each.
 */
export async function lastStoredVersions(
  { database }: Registry,
  limit: number,
  { maxBytes, besides }: { readonly maxBytes: number; readonly besides: number },
): Promise<NamedVersion[]> {
  const { rows } = await database.pool.query<PinnedRow & { path: string; version: string }>({
    text: `SELECT path, version, id, info, go_mod, h1, zip_key, zip_size
      FROM (
        SELECT m.path, v.*,
          sum(coalesce(octet_length(v.info), 0) + coalesce(octet_length(v.go_mod), 0) + $3::int) OVER (ORDER BY v.id DESC) AS bytes
        FROM (SELECT * FROM module_version ORDER BY id DESC LIMIT $1) v
        JOIN module m ON m.id = v.module_id AND m.origin = 'UPSTREAM'
        LEFT JOIN proved_sum p ON p.path = m.path AND p.version = v.version
        WHERE (${CONTRADICTED}) IS NOT TRUE
          AND coalesce(octet_length(v.info), 0) + coalesce(octet_length(v.go_mod), 0) <= $4
      ) AS stored
      WHERE bytes <= $2 ORDER BY id DESC`,
    values: [limit, maxBytes, besides, MAX_SMALL_BYTES],
  });
  return rows.map(({ path: modulePath, version, ...row }) => ({ modulePath, version, ...storedIn(row) }));
}

function storedIn(row: PinnedRow): StoredVersion {
  const { h1, zip_key: sha256, zip_size: size } = row;
  return {
    id: row.id,
    info: row.info ?? undefined,
    goMod: row.go_mod ?? undefined,
    zip: h1 !== null && sha256 !== null && size !== null ? { h1, sha256, size: Number(size) } : undefined,
  };
}

/** Parts of a version that were found to be good. A zip comes with the go.mod that it was compared with. */
export type UpstreamPart =
  | { readonly info: Buffer; readonly time: Date | undefined; readonly goMod?: Buffer | undefined }
  | { readonly goMod: Buffer; readonly zip?: MadeZip };

/** What is stored of a version of which a part has just come. */
export interface SeenVersion extends StoredVersion {
  /** Whether a list of its module is kept that does not have it. Never said of pseudo-versions, which no list has. */
  readonly unlisted: boolean;
}

/** Pins parts of a version, unless they are pinned already: whoever comes first decides. Returns what is stored now. */
export async function storeUpstreamPart(
  registry: Registry,
  modulePath: string,
  version: string,
  part: UpstreamPart,
): Promise<SeenVersion> {
  const judgedBy = "zip" in part && part.zip ? part.goMod : undefined;
  const entry = await enterUpstreamPart(registry, { modulePath, version, ...part }).catch((error: unknown) => {
    throw recordedOtherwise(error) ?? error;
  });
  if (entry?.outcome === "buried") throw wasPublishedHere(modulePath, version, entry);
  if (entry?.outcome === "differs") throw otherGoMod(modulePath, version);
  const stored = entry
    ? { ...storedIn(entry.row), unlisted: entry.unlisted }
    : await storeSpeakingPart(registry, modulePath, version, part, judgedBy);
  if (judgedBy) registry.jobs.gather("describe-module", stored.id);
  return stored;
}

/** The same where a go.mod has to be read to know which versions are retracted from now on: rare, and dearer. */
async function storeSpeakingPart(
  registry: Registry,
  modulePath: string,
  version: string,
  part: UpstreamPart,
  judgedBy: Buffer | undefined,
): Promise<SeenVersion> {
  return enteringVersions(registry, async (tx, enter) => {
    const { buried } = await enter([{ modulePath, version, ...part }], async () => {
      const moduleId = await lockedModule(tx, modulePath);
      if (judgedBy) await demandSameGoMod(tx, moduleId, modulePath, version, judgedBy);
      return new Map([[modulePath, moduleId]]);
    });
    for (const { grave } of buried) throw wasPublishedHere(modulePath, version, grave);
    const [row] = await tx.$queryRaw<(PinnedRow & { unlisted: boolean })[]>`
      SELECT v.id, v.info, v.go_mod, v.h1, v.zip_key, v.zip_size, is_unlisted(m.path, v.version) AS unlisted
      FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE m.path = ${modulePath} AND m.origin = 'UPSTREAM' AND v.version = ${version}`;
    const { unlisted, ...pinned } = row!;
    return { ...storedIn(pinned), unlisted };
  });
}

/** Refuses a zip that was compared with another go.mod than the one that is stored. */
async function demandSameGoMod(
  tx: Sql,
  moduleId: number,
  modulePath: string,
  version: string,
  goMod: Buffer,
): Promise<void> {
  const [known] = await tx.$queryRaw<{ h1: string | null }[]>`
    SELECT go_mod_h1 AS h1 FROM module_version WHERE module_id = ${moduleId} AND version = ${version}`;
  if (known?.h1 != null && known.h1 !== h1OfGoMod(goMod)) throw otherGoMod(modulePath, version);
}

function otherGoMod(modulePath: string, version: string): Failure {
  return new Failure("unavailable", `${modulePath}@${version}: another go.mod was stored meanwhile; try again`);
}

/** The number of a module, made if need be. One writer a module at a time: what is marked depends on what is there. */
async function lockedModule(tx: Sql, modulePath: string): Promise<number> {
  for (;;) {
    const [known] = await tx.$queryRaw<{ id: number }[]>`
      SELECT id FROM module WHERE path = ${modulePath} AND origin = 'UPSTREAM' FOR UPDATE`;
    if (known) return known.id;
    const [made] = await tx.$queryRaw<{ id: number }[]>`
      INSERT INTO module (path, origin) VALUES (${modulePath}, 'UPSTREAM') ON CONFLICT DO NOTHING RETURNING id`;
    if (made) return made.id;
  }
}

/** A version whose go.mod is stored. */
export interface UsableVersion {
  readonly version: string;
  readonly hasZip: boolean;
  readonly isRetracted: boolean;
}

/** The versions whose go.mod is stored, ascending; pseudo-versions too. */
export async function usableVersions(registry: Registry, modulePath: string): Promise<UsableVersion[]> {
  const { rows } = await registry.database.pool.query<{ version: string; has_zip: boolean; retracted: boolean }>({
    name: "upstream-usable-versions",
    text: `SELECT v.version, v.zip_key IS NOT NULL AS has_zip, v.retracted
      FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE m.path = $1 AND m.origin = 'UPSTREAM' AND v.go_mod IS NOT NULL ORDER BY v.sort_key`,
    values: [modulePath],
  });
  return rows.map((row) => ({ version: row.version, hasZip: row.has_zip, isRetracted: row.retracted }));
}

/** Which of the answers that change: the list, @latest, or the .info of a branch or of a tag that is no version. */
export type AnswerKind = "list" | "latest" | `query:${string}`;

export interface KnownAnswer {
  readonly body: Buffer;
  readonly fetchedAt: Date;
}

/** In SQL: the latest that clocks which go right can be. What is of a later time is of a server whose clock was wrong. */
const LATEST_TIME = "now() + interval '10 minutes'";

/** What upstream last answered; undefined if it never did. Of a time that has not come it is as old as can be. */
export async function findUpstreamAnswer(
  registry: Registry,
  modulePath: string,
  kind: AnswerKind,
): Promise<KnownAnswer | undefined> {
  const { rows } = await registry.database.pool.query<{ body: Buffer; fetched_at: Date }>({
    name: "upstream-answer",
    text: `SELECT body, CASE WHEN fetched_at <= ${LATEST_TIME} THEN fetched_at ELSE to_timestamp(0) END AS fetched_at
      FROM upstream_answer WHERE module_path = $1 AND kind = $2`,
    values: [modulePath, kind],
  });
  return rows[0] && { body: rows[0].body, fetchedAt: rows[0].fetched_at };
}

/** Keeps an answer in place of the one before; every server is told if it is another one. */
export async function storeUpstreamAnswer(
  registry: Registry,
  modulePath: string,
  kind: AnswerKind,
  { body, fetchedAt }: KnownAnswer,
): Promise<void> {
  await registry.database.pool.query({
    name: "store-upstream-answer",
    text: `INSERT INTO upstream_answer AS known (module_path, kind, body, fetched_at) VALUES ($1, $2, $3, $4)
      ON CONFLICT (module_path, kind) DO UPDATE SET body = EXCLUDED.body, fetched_at = EXCLUDED.fetched_at
      WHERE known.fetched_at <= EXCLUDED.fetched_at OR known.fetched_at > ${LATEST_TIME}`,
    values: [modulePath, kind, body, fetchedAt],
  });
}

/** What upstream did that administrators must know of. */
export type UpstreamEvent =
  /** Something was refused; the subject is its path. */
  | "upstream.refused"
  /** Something was refused, or is not served any more, because a checksum database says otherwise; the subject as above. */
  | "upstream.mismatch"
  /** A zip holds another go.mod than the .mod, and both are kept; the subject is the module's path@version. */
  | "upstream.go_mod_differs";

const TOLD: Record<UpstreamEvent, string> = {
  "upstream.refused": "refused what upstream sent",
  "upstream.mismatch": "SECURITY: what upstream sent is not what the checksum database says",
  "upstream.go_mod_differs": "upstream's zip holds another go.mod than its .mod",
};

/** Writes an event down, for ever: an AuditEvent of that name, and a warning in the log; hooks of the instance are told. */
export async function recordUpstreamEvent(
  registry: Registry,
  event: UpstreamEvent,
  subject: string,
  detail: { readonly upstream: string; readonly reason: string; readonly [more: string]: string | number },
): Promise<void> {
  registry.log[event === "upstream.mismatch" ? "error" : "warn"]({ subject, ...detail }, TOLD[event]);
  const told = { ...detail, upstream: storableText(detail.upstream), reason: storableText(detail.reason) };
  await registry.prisma.$transaction(async (tx) => {
    await audit(tx, "gokura", event, subject, told);
    if (event !== "upstream.go_mod_differs")
      await announce(tx, "instance", "module.refused", [{ path: subject, ...told }]);
  });
}
