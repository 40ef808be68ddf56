// What the validation hook says of versions (upstream/validation-hook.ts). It is asked once for each version and state of the
// rules, not at each request: what it said is written down with the digest of the rules that were in force, for as long as it
// says itself (Cache-Control: max-age). Whoever wants the same version meanwhile waits for the same answer. When there is none,
// the setting says whether that is a no or a yes; it is asked again soon.
import { Failure, isFailure } from "../../errors.ts";
import { licensesOf } from "../modules/version-licenses.ts";
import type { Registry, Validator, ValidatorQuestion } from "../registry.ts";
import { revisionOfRules } from "./rules-in-force.ts";
import type { VersionFacts } from "./verdict.ts";

/** For how long a version is let through that could not be validated. */
const UNVALIDATED_MS = 10_000;

interface StoredVerdict {
  readonly valid: boolean;
  readonly reason: string;
  readonly valid_until: Date | null;
}

/**
 * For how long the hook lets a version through, in milliseconds. Throws forbidden if it does not, and unavailable if it gives
 * no answer and that is to be a no.
 */
export async function demandValid(
  registry: Registry,
  validator: Validator,
  modulePath: string,
  version: string,
  facts: VersionFacts,
): Promise<number> {
  const revision = await revisionOfRules(registry);
  const name = `${modulePath}@${version}`;
  let verdict: StoredVerdict;
  try {
    verdict = await validator.underWay.run(`${name} ${revision}`, async () => {
      const known = await findVerdict(registry, modulePath, version, revision);
      return known ?? ask(registry, validator, modulePath, version, revision, facts);
    });
  } catch (error) {
    if (!isFailure(error)) throw error;
    registry.log.warn({ err: error, modulePath, version }, "the validation hook gives no answer");
    if (validator.letThrough) return UNVALIDATED_MS;
    throw new Failure(
      "unavailable",
      `${name} could not be validated: ask an administrator of this registry, or try again`,
      {
        reason: "validation_unavailable",
        cause: error,
      },
    );
  }
  if (!verdict.valid)
    throw new Failure(
      "forbidden",
      `${name} is not valid${verdict.reason === "" ? "" : `: ${verdict.reason}`}; ask an administrator of this registry`,
      { reason: "validation_refused" },
    );
  return verdict.valid_until === null
    ? Number.POSITIVE_INFINITY
    : verdict.valid_until.getTime() - registry.policies.now();
}

async function findVerdict(
  registry: Registry,
  modulePath: string,
  version: string,
  revision: string,
): Promise<StoredVerdict | undefined> {
  const { rows } = await registry.database.pool.query<StoredVerdict>({
    name: "validation-verdict",
    text: `SELECT valid, reason, valid_until FROM validation_verdict WHERE module_path = $1 AND version = $2
      AND revision = $3 AND (valid_until IS NULL OR valid_until > $4)`,
    values: [modulePath, version, revision, new Date(registry.policies.now())],
  });
  return rows[0];
}

async function ask(
  registry: Registry,
  validator: Validator,
  modulePath: string,
  version: string,
  revision: string,
  facts: VersionFacts,
): Promise<StoredVerdict> {
  const { pool } = registry.database;
  const question = await questionOf(registry, modulePath, version, facts);
  const { valid, reason, forSeconds } = await validator.ask(question);
  const now = registry.policies.now();
  const until = forSeconds === undefined ? null : new Date(now + forSeconds * 1000);
  await pool.query(
    `INSERT INTO validation_verdict (module_path, version, revision, valid, reason, valid_until, asked_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (module_path, version) DO UPDATE SET revision = EXCLUDED.revision, valid = EXCLUDED.valid,
        reason = EXCLUDED.reason, valid_until = EXCLUDED.valid_until, asked_at = EXCLUDED.asked_at`,
    [modulePath, version, revision, valid, reason, until, new Date(now)],
  );
  return { valid, reason, valid_until: until };
}

/** What is known of a version here; what is not is left out. */
async function questionOf(
  registry: Registry,
  modulePath: string,
  version: string,
  { vulnerabilities }: VersionFacts,
): Promise<ValidatorQuestion> {
  const { rows } = await registry.database.pool.query<{
    h1: string | null;
    go_mod_h1: string | null;
    time: Date | null;
    seen_at: Date | null;
  }>({
    name: "known-of-version",
    text: `SELECT v.h1, v.go_mod_h1, v.time, s.seen_at FROM (SELECT $1::text AS path, $2::text AS version) AS asked
      LEFT JOIN module m ON m.path = asked.path AND m.origin = 'UPSTREAM'
      LEFT JOIN module_version v ON v.module_id = m.id AND v.version = asked.version
      LEFT JOIN version_sight s ON s.module_path = asked.path AND s.version = asked.version`,
    values: [modulePath, version],
  });
  const licenses = (await licensesOf(registry, [{ path: modulePath, version }])).get(`${modulePath}@${version}`);
  const { h1, go_mod_h1: goModH1, time, seen_at: seenAt } = rows[0]!;
  return {
    ...{ Module: modulePath, Version: version },
    Sum: h1 ?? undefined,
    GoModSum: goModH1 ?? undefined,
    Time: time?.toISOString(),
    FirstSeen: seenAt?.toISOString(),
    Licenses: licenses,
    Vulnerabilities: vulnerabilities.map(({ id, fixedIn }) => ({ ID: id, FixedIn: fixedIn })),
  };
}
