// What is believed of checksum databases of others, for all servers: of each the largest head that was proved, and whether it,
// or somebody in its name, was caught lying. Every head that is believed later must continue that one, so it is a row, and it
// moves by compare-and-swap: two servers that learn of two histories cannot both keep theirs.
//
// Who was caught is not believed any more until an administrator has looked: the two notes, each signed, contradict each
// other, and anybody can check that. They stay, whatever is decided.
import { notFound } from "../../errors.ts";
import type { LogFault } from "../../sumdb/log-fault.ts";
import type { SignedHead } from "../../sumdb/tree-head.ts";
import { audit } from "../audit.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";

/** A database, by what its heads are signed with. */
export interface NamedDatabase {
  readonly name: string;
  /** `name+hash+key`. */
  readonly verifierKey: string;
}

/** What all servers believe of a database. */
export interface DatabaseTrust {
  /** The largest head that was proved, as it was signed; undefined: none yet. */
  readonly head: { readonly size: number; readonly note: Buffer } | undefined;
  /** Why nothing that it says is believed; undefined: it is. */
  readonly misbehaviour: string | undefined;
}

/** What is believed now. */
export async function readTrust({ database }: Registry, verifierKey: string): Promise<DatabaseTrust> {
  const { rows } = await database.pool.query<{ size: string | null; note: Buffer | null; reason: string | null }>({
    name: "trusted-head",
    text: `SELECT h.size, h.note, m.reason FROM (SELECT) AS one LEFT JOIN trusted_head h ON h.verifier_key = $1
      LEFT JOIN sum_misbehaviour m ON m.verifier_key = $1 AND m.decided_at IS NULL`,
    values: [verifierKey],
  });
  const { size, note, reason } = rows[0]!;
  return {
    head: size === null || note === null ? undefined : { size: Number(size), note },
    misbehaviour: reason ?? undefined,
  };
}

/** Puts a head that was shown to continue `before` in its place; false when another one has taken it meanwhile. */
export async function swapHead(
  { database }: Registry,
  verifierKey: string,
  before: Buffer | undefined,
  { size, note }: SignedHead,
): Promise<boolean> {
  const { rowCount } = before
    ? await database.pool.query(
        "UPDATE trusted_head SET size = $3, note = $4, at = now() WHERE verifier_key = $1 AND note = $2",
        [verifierKey, before, size, note],
      )
    : await database.pool.query(
        "INSERT INTO trusted_head (verifier_key, size, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [verifierKey, size, note],
      );
  return rowCount === 1;
}

/** A database that was caught. */
export interface Misbehaviour {
  readonly id: number;
  readonly database: string;
  readonly reason: string;
  /** The head that was believed, and the one that came. */
  readonly older: string | undefined;
  readonly newer: string;
  readonly at: Date;
  /** undefined: nobody has, so the database is not believed. */
  readonly decidedAt: Date | undefined;
  readonly decidedBy: string | undefined;
}

/** Keeps the proof that a database lies, of which one is enough, and has nothing that it says believed any more. */
export async function recordMisbehaviour(
  registry: Registry,
  { name, verifierKey }: NamedDatabase,
  fault: LogFault,
  came: Buffer,
  held: Buffer | undefined,
): Promise<void> {
  const { older = held, newer = came, found } = fault.evidence ?? {};
  const { rowCount } = await registry.database.pool.query(
    `INSERT INTO sum_misbehaviour (verifier_key, reason, older, newer, found) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (verifier_key) WHERE decided_at IS NULL DO NOTHING`,
    [verifierKey, fault.message, older ?? null, newer, found ?? null],
  );
  if (rowCount === 0) return;
  const proof = { older: printable(older), newer: printable(newer), found };
  registry.log.fatal(
    { database: name, reason: fault.message, ...proof },
    "a checksum database is not believed any more",
  );
  await audit(registry.prisma, "gokura", "sumdb.misbehaviour", name, { reason: fault.message, ...proof });
}

/** The names of the databases that are not believed now. */
export async function distrustedDatabases({ database }: Registry): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    "SELECT split_part(verifier_key, '+', 1) AS name FROM sum_misbehaviour WHERE decided_at IS NULL ORDER BY name",
  );
  return rows.map(({ name }) => name);
}

/** All that were caught, the latest first. */
export async function listMisbehaviours({ database }: Registry): Promise<Misbehaviour[]> {
  const { rows } = await database.pool.query<{
    id: number;
    verifier_key: string;
    reason: string;
    older: Buffer | null;
    newer: Buffer;
    at: Date;
    decided_at: Date | null;
    decided_by: string | null;
  }>(
    "SELECT id, verifier_key, reason, older, newer, at, decided_at, decided_by FROM sum_misbehaviour ORDER BY id DESC",
  );
  return rows.map((row) => ({
    id: row.id,
    database: row.verifier_key.split("+", 1)[0]!,
    reason: row.reason,
    older: printable(row.older ?? undefined),
    newer: row.newer.toString(),
    at: row.at,
    decidedAt: row.decided_at ?? undefined,
    decidedBy: row.decided_by ?? undefined,
  }));
}

/**
 * Believes a database again that was caught. `newHead`: and takes the next head that it signs for the beginning, as if it had
 * never been asked; without it that head must continue the one that was believed. Throws not-found where none was caught.
 */
export async function decideMisbehaviour(
  registry: Registry,
  principal: Principal,
  name: string,
  { newHead }: { readonly newHead: boolean },
): Promise<void> {
  const decided = await registry.prisma.$transaction(async (tx) => {
    const by = principal.kind === "user" ? principal.username : principal.kind;
    const rows = await tx.$queryRaw<{ verifier_key: string }[]>`
      UPDATE sum_misbehaviour SET decided_at = now(), decided_by = ${by}
      WHERE decided_at IS NULL AND verifier_key LIKE ${`${name.replace(/[%_\\]/g, "\\$&")}+%`} RETURNING verifier_key`;
    for (const { verifier_key: verifierKey } of rows)
      if (newHead) await tx.$executeRaw`DELETE FROM trusted_head WHERE verifier_key = ${verifierKey}`;
    if (rows.length > 0) await audit(tx, principal, "sumdb.trust", name, { newHead });
    return rows.length > 0;
  });
  if (!decided) throw notFound(`${name} is believed: it was not caught lying, or somebody has decided already`);
}

const printable = (note: Buffer | undefined): string | undefined => note?.toString().replaceAll("\0", "\ufffd");
