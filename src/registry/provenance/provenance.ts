// Where a version that was published here comes from, as a signed statement: an in-toto statement about its zip, with the
// predicate of SLSA provenance, in a DSSE envelope that the key of the checksum log signs. It says who pushed the tag or sent
// the upload, by which token or identity, into which project, and from which commit. It is made of what is pinned and of the
// audit trail, so that it says the same whenever it is asked for. DSSE signs bytes, not JSON: whoever checks needs no canonical
// form.
// Sources: github.com/in-toto/attestation, spec/v1/statement.md; slsa.dev/spec/v1.0/provenance; github.com/secure-systems-lab/dsse,
// protocol.md.
import { Failure, notFound } from "../../errors.ts";
import type { ModuleVersionName } from "../../gomod/module-graph.ts";
import { parseVerifierKey } from "../../sumdb/note.ts";
import { mayAct } from "../access/access.ts";
import type { ChecksumLog } from "../checksums/log-state.ts";
import { findProject } from "../forge/projects.ts";
import { type Publisher, publisherOfTag } from "../forge/pushed-tags.ts";
import { demandVersion } from "../modules/readable-version.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow, VersionRow } from "../rows.ts";
import { findModules } from "../versions/modules.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://slsa.dev/provenance/v1";
/** What is signed in an envelope of a statement (in-toto, spec/v1/envelope.md). */
const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** A DSSE envelope. */
export interface Envelope {
  readonly payloadType: string;
  /** The statement, JSON, in base64. */
  readonly payload: string;
  /** `keyid`: the verifier key of the log, as GOSUMDB holds it. */
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** The statement about a version, as far as it is read back. */
export interface ProvenanceStatement {
  readonly _type: string;
  readonly subject: readonly { readonly name: string; readonly digest: Readonly<Record<string, string>> }[];
  readonly predicateType: string;
  readonly predicate: {
    readonly buildDefinition: {
      readonly buildType: string;
      readonly externalParameters: Readonly<Record<string, string | null>>;
      readonly internalParameters: Readonly<Record<string, string | number>>;
      readonly resolvedDependencies: readonly {
        readonly uri: string;
        readonly digest: { readonly gitCommit: string };
      }[];
    };
    readonly runDetails: {
      readonly builder: { readonly id: string };
      readonly metadata: { readonly finishedOn: string };
    };
  };
}

/**
 * The signed provenance of a version of a project, for whoever may read it; who published it is told to those alone who may know
 * the members of the project. Throws not-found for what comes from upstream, and unavailable while there is no zip yet.
 */
export async function provenanceOf(
  log: ChecksumLog,
  principal: Principal,
  name: ModuleVersionName,
  base: string,
): Promise<Envelope> {
  const { registry } = log;
  const version = await demandVersion(registry, principal, name);
  const [module] = await findModules(registry, [version.moduleId]);
  const project = module?.projectId == null ? undefined : await findProject(registry, module.projectId);
  if (!project)
    throw notFound(
      `${name.path} comes from upstream: who published it there is not known here, only what its sums are`,
    );
  if (version.h1 === null || version.zipKey === null)
    throw new Failure(
      "unavailable",
      `the zip of ${name.path}@${name.version} is not made yet: fetch it, then ask again`,
    );
  const publisher = await publisherOf(log, principal, project, name, version);
  const statement = statementOf({ name, version, project, publisher, base });
  return signed(log, Buffer.from(JSON.stringify(statement)));
}

interface Subject {
  readonly name: ModuleVersionName;
  readonly version: VersionRow;
  readonly project: ProjectRow;
  readonly publisher: Readonly<Record<string, string | number>>;
  readonly base: string;
}

function statementOf({ name, version, project, publisher, base }: Subject): ProvenanceStatement {
  const { commit, ref, directory, h1, zipKey, goModH1 } = version;
  const repository = `git+${base}/${project.fullPath}.git`;
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: `${name.path}@${name.version}`, digest: { sha256: zipKey!, dirHash: hexOf(h1!) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: `${base}/-/provenance/${commit === null ? "upload" : "tag"}/v1`,
        externalParameters: {
          ...{ module: name.path, version: name.version, repository, ref, directory },
          ...{ h1, goModH1 },
        },
        internalParameters: publisher,
        resolvedDependencies: commit === null ? [] : [{ uri: repository, digest: { gitCommit: commit } }],
      },
      runDetails: { builder: { id: base }, metadata: { finishedOn: version.createdAt.toISOString() } },
    },
  };
}

/** The sum of a directory as in-toto has it (spec/v1/digest_set.md, dirHash): the h1 of Go, in hex. */
function hexOf(h1: string): string {
  return Buffer.from(h1.replace(/^h1:/, ""), "base64").toString("hex");
}

/** Who published a version, by which token or identity; nothing that was never noted, or is not for the principal. */
async function publisherOf(
  { registry }: ChecksumLog,
  principal: Principal,
  project: ProjectRow,
  { path, version }: ModuleVersionName,
  row: VersionRow,
): Promise<Record<string, string | number>> {
  if (!mayAct(principal, "member.list", project)) return {};
  const found =
    row.commit === null
      ? await uploaderOf(registry, `${path}@${version}`)
      : await publisherOfTag(registry, principal, project, row);
  return found ? { publishedBy: found.actor, ...found.credential, publishedAt: found.at.toISOString() } : {};
}

async function uploaderOf(registry: Registry, subject: string): Promise<Publisher | undefined> {
  const { rows } = await registry.database.pool.query<Publisher>(
    `SELECT actor, COALESCE(detail->'by', '{}') AS credential, at FROM audit_event
      WHERE subject = $1 AND action = 'version.upload' ORDER BY id LIMIT 1`,
    [subject],
  );
  return rows[0];
}

/** What is signed of a payload (dsse, protocol.md: the pre-authentication encoding). */
function preAuthenticated(payloadType: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

async function signed({ signers }: ChecksumLog, payload: Buffer): Promise<Envelope> {
  const signer = signers[0]!;
  const sig = await signer.sign(preAuthenticated(PAYLOAD_TYPE, payload));
  return {
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString("base64"),
    signatures: [{ keyid: signer.verifierKey, sig: sig.toString("base64") }],
  };
}

/** The statement in an envelope, if one of these keys (as GOSUMDB holds them) has signed it. Throws invalid otherwise. */
export function verifiedStatement(envelope: unknown, verifierKeys: readonly string[]): ProvenanceStatement {
  const { payloadType, payload, signatures } = (envelope ?? {}) as Partial<Envelope>;
  if (payloadType !== PAYLOAD_TYPE || typeof payload !== "string" || !Array.isArray(signatures))
    throw new Failure("invalid", "this is no DSSE envelope of an in-toto statement");
  const bytes = Buffer.from(payload, "base64");
  const text = preAuthenticated(payloadType, bytes);
  const verifiers = verifierKeys.map(parseVerifierKey);
  const isSigned = signatures.some(
    (one: unknown) =>
      typeof (one as Envelope["signatures"][number] | null)?.sig === "string" &&
      verifiers.some((verifier) =>
        verifier.verify(text, Buffer.from((one as Envelope["signatures"][number]).sig, "base64")),
      ),
  );
  if (!isSigned) throw new Failure("invalid", `none of its signatures is of ${verifierKeys.join(" or ")}`);
  const statement = JSON.parse(bytes.toString("utf8")) as ProvenanceStatement;
  if (statement._type !== STATEMENT_TYPE || statement.predicateType !== PREDICATE_TYPE)
    throw new Failure("invalid", "it is signed, and no statement of provenance");
  return statement;
}
