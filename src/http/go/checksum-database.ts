// Our own checksum database, below `sumdb/NAME/` of every Go endpoint and at `/sumdb/` itself, in the two forms of the one
// log: Go's and that of C2SP, whose names never meet.
//
//   supported                     an empty 200: everything of this database may be asked here
//   latest                        the signed head                            checkpoint    the same for C2SP
//   lookup/MODULE@VERSION         the record of a version, and a head that covers it
//   tile/8/LEVEL/NUMBER[.p/W]     hashes                                     tile/LEVEL/NUMBER[.p/W]
//   tile/8/data/NUMBER[.p/W]      the records themselves                     tile/entries/NUMBER[.p/W]
//
// Who may hear what: heads and hashes tell nobody a name (a leaf is a hash over a path and two sums that are as long as the
// hash), so they are for everybody who may use the endpoint. A lookup is about one module: it asks as .info of the
// instance's endpoint does, and what may not be seen is what is not there. Whatever lists records tells all names, and is for
// auditors. Nothing is looked for, made or logged before that question is answered.
//
// The go command asks the first endpoint of GOPROXY that is `supported` about everything, whichever endpoint a module came
// from, so each answers for all that the principal may read and not only for what it lists.
// Sources: go.dev/design/25530-sumdb; golang.org/x/mod/sumdb (server.go); https://c2sp.org/tlog-tiles.
import type { Context } from "koa";
import { isFailure, notFound } from "../../errors.ts";
import { type HostedModules, resolveQuery } from "../../git/indexing/hosted-modules.ts";
import { type ModuleArchives, zipOf } from "../../git/indexing/module-archives.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import { escapePath, escapeVersion, type ModulePath } from "../../gomod/module-path.ts";
import { parseLookupPath } from "../../gomod/proxy-path.ts";
import { demandAuditor, requireScope } from "../../registry/access/access.ts";
import { ensureRecord } from "../../registry/checksums/checksum-log.ts";
import { cosignedHead } from "../../registry/checksums/cosigned-heads.ts";
import { headCovering, noteOf } from "../../registry/checksums/log-names.ts";
import { findRecord, readTile, recordsFrom } from "../../registry/checksums/log-records.ts";
import { type ChecksumLog, readCommittedTree } from "../../registry/checksums/log-state.ts";
import type { LoggedRecord } from "../../registry/checksums/logged-record.ts";
import type { Principal } from "../../registry/principal.ts";
import { findUpstreamVersion } from "../../registry/versions/upstream-modules.ts";
import { dataTile, entryBundle, lookupAnswer } from "../../sumdb/record.ts";
import { parseC2spTilePath, parseTilePath, type TilePath } from "../../sumdb/tile-path.ts";
import { TILE_WIDTH } from "../../sumdb/tree-hash.ts";
import { GO_ORIGIN } from "../../sumdb/tree-head.ts";
import type { DependencyProxy } from "../../upstream/dependency-proxy.ts";
import type { PublicSums } from "../../upstream/public-sums.ts";
import { beginColdFetch } from "./cold-fetch.ts";
import type { ContentOf } from "./content-changes.ts";
import { absence, present } from "./go-answers.ts";
import { type Answerer, answererInView, demandView, type GoView, type SeenView } from "./go-view.ts";
import { type HotCache, isTrusted, type TextAnswer, writeHotAnswer } from "./hot-cache.ts";

const TEXT = "text/plain; charset=utf-8";
const BYTES = "application/octet-stream";
/** What answers that belong to no project are kept under; no module path has a space. */
const THE_LOG = "checksum log";

/** What the answers are made of. */
export interface ChecksumDoor {
  readonly checksums: ChecksumLog;
  readonly hosted: HostedModules;
  readonly archives: ModuleArchives;
  readonly hotCache: HotCache;
  /** What others say of modules that are nobody's here; undefined: nobody is asked. */
  readonly publicSums: PublicSums | undefined;
  /** What has them. */
  readonly dependencies: DependencyProxy;
}

/** A question to one of the names of the log. */
export interface LogRequest {
  readonly name: string;
  /** What stands behind the name, decoded. */
  readonly rest: string;
  /** Nobody else is asked. */
  readonly storedOnly?: boolean;
}

/** The name of ours that a path `NAME/rest` begins with, as it was sent; undefined: it is another database. */
export function ownDatabaseIn({ signers }: ChecksumLog, nameAndRest: string): LogRequest | undefined {
  const text = decoded(nameAndRest);
  if (text === undefined) return undefined;
  return longest(
    signers.map(({ name }) => ({ name, before: `${name}/` })).filter(({ before }) => text.startsWith(before)),
    text,
  );
}

/**
 * The name of ours that a path of the server itself begins with; undefined: it is another database, or none. A client
 * without GOPROXY takes the name for a URL, so `HOST/sumdb` is asked at `/sumdb/…`. `/sumdb/NAME/…`
 * is what a GOPROXY at the root would be asked.
 */
export function ownDatabaseAt(log: ChecksumLog, path: string): LogRequest | undefined {
  const direct = ownDatabaseIn(log, path.replace(/^\/sumdb\//, ""));
  if (direct) return direct;
  const text = decoded(path);
  if (text === undefined) return undefined;
  const places = log.signers.map(({ name }) => ({ name, before: `${name.replace(/^[^/]*/, "")}/` }));
  const found = longest(
    places.filter(({ before }) => before !== "/" && text.startsWith(before)),
    text,
  );
  // Below /sumdb/ what is no question of ours begins with the name of another database.
  return found && QUESTION.test(found.rest) ? found : undefined;
}

/** What a checksum database may be asked (cmd/go, sumdb.Server; C2SP tlog-tiles). */
const QUESTION = /^(?:(?:supported|latest|checkpoint)$|(?:lookup|tile)\/)/;

function longest(found: { name: string; before: string }[], text: string): LogRequest | undefined {
  const [one] = found.sort((a, b) => b.before.length - a.before.length);
  return one && { name: one.name, rest: text.slice(one.before.length) };
}

function decoded(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

/** Answers a question to the log, as one endpoint. */
export async function serveChecksumDatabase(
  proxy: ChecksumDoor,
  ctx: Context,
  view: GoView,
  { name, rest, storedOnly = false }: LogRequest,
): Promise<void> {
  const { checksums, hotCache, hosted } = proxy;
  const { registry } = hosted;
  const principal = ctx.state.principal as Principal;
  const seen = await demandView(registry, principal, view);
  const url = ctx.req.url!;
  const begun = { log: hotCache.moment(THE_LOG), generation: registry.memory.generation };
  const write = (answer: TextAnswer): Promise<void> => {
    ctx.respond = false;
    return writeHotAnswer(hotCache, answer, registry.blobs, ctx.req, ctx.res);
  };
  /** An answer that stays as it is, and is for everybody who may use the endpoint. */
  const keep = (answer: TextAnswer): Promise<void> => {
    if (registry.memory.live && seen.project)
      hotCache.set(url, seen.project.id, hotCache.moment(seen.project.id), true, answer);
    else if (registry.memory.live) {
      const trust = { freshMs: Number.POSITIVE_INFINITY, generation: begun.generation, group: seen.group };
      hotCache.set(url, THE_LOG, begun.log, true, answer, trust);
    }
    return write(answer);
  };
  const kept = hotCache.get(url);
  if (kept?.of === THE_LOG && isTrusted(kept, registry)) return write(kept.answer as TextAnswer);

  if (rest === "supported") return write(present(Buffer.alloc(0), TEXT, false));
  if (rest === "latest")
    return write(present(await noteOf(checksums, await readCommittedTree(checksums), name), TEXT, false));
  if (rest === "checkpoint") {
    const cosigned = await cosignedHead(registry, name);
    return write(
      present(cosigned ?? (await noteOf(checksums, await readCommittedTree(checksums), name, name)), TEXT, false),
    );
  }
  if (rest.startsWith("lookup/")) {
    const asked = { name, rest: rest.slice("lookup/".length), storedOnly };
    return serveLookup(proxy, ctx, seen, asked);
  }
  const [goTile, c2spTile] = [parseTilePath(rest), parseC2spTilePath(rest)];
  const tile = goTile ?? c2spTile;
  if (!tile)
    throw notFound(
      "a checksum database has supported, latest, checkpoint, lookup/MODULE@VERSION and tile/8/LEVEL/NUMBER",
      "no_such_address",
    );
  if (tile.level !== "data") return keep(present(await hashesIn(checksums, tile), BYTES, true));
  demandAuditor(principal);
  const texts = (await recordsIn(checksums, tile)).map(({ text }) => text);
  return write(goTile ? present(dataTile(texts), TEXT, true) : present(entryBundle(texts), BYTES, true));
}

async function hashesIn(log: ChecksumLog, { level, number, width, path }: TilePath): Promise<Buffer> {
  const bytes = await readTile(log, level as number, number, width);
  if (!bytes) throw notFound(`the log does not have ${path} yet`);
  return bytes;
}

async function recordsIn(log: ChecksumLog, { number, width, path }: TilePath): Promise<LoggedRecord[]> {
  const from = number * TILE_WIDTH;
  if (from + width > (await readCommittedTree(log)).size) throw notFound(`the log does not have ${path} yet`);
  return recordsFrom(log.registry, from, width);
}

async function serveLookup(
  proxy: ChecksumDoor,
  ctx: Context,
  endpoint: SeenView,
  { name, rest: text, storedOnly = false }: LogRequest,
): Promise<void> {
  const { checksums, hotCache, hosted } = proxy;
  const { registry } = hosted;
  // An auditor's token opens the log, and no module.
  requireScope(ctx.state.principal as Principal, "go endpoint");
  const { modulePath, version } = parseLookupPath(text);
  const url = ctx.req.url!;
  const path = `${escapePath(modulePath)}/@v/${escapeVersion(version)}.info`;
  const answerer = await answererInView(registry, ctx.state.principal as Principal, { kind: "instance" }, path);
  const of: ContentOf = answerer.kind === "project" ? answerer.project.id : modulePath;
  const begun = hotCache.moment(of);
  const { generation } = registry.memory;
  const write = (answer: TextAnswer): Promise<void> => {
    ctx.respond = false;
    return writeHotAnswer(hotCache, answer, registry.blobs, ctx.req, ctx.res);
  };
  try {
    const record = await recordOf(proxy, ctx, answerer, storedOnly, modulePath, version);
    const { id } = record;
    const note = await noteOf(checksums, await headCovering(checksums, id), name, GO_ORIGIN);
    const answer = present(lookupAnswer(id, record.text, note), TEXT, true);
    if (registry.memory.live) {
      // The endpoint of a group or of another project also asks who may use that.
      const through = endpoint.project?.id === of ? undefined : endpoint.project?.id;
      const isOfProject = answerer.kind === "project" && endpoint.group === undefined && through === undefined;
      const trust = { freshMs: Number.POSITIVE_INFINITY, generation, group: endpoint.group, through };
      hotCache.set(url, of, begun, true, answer, isOfProject ? undefined : trust);
    }
    return await write(answer);
  } catch (error) {
    if (!isFailure(error, "not-found", "too-large")) throw error;
    return write(absence(error));
  }
}

/** The record of a version that the principal may have; logged, and its zip made, if need be. */
async function recordOf(
  proxy: ChecksumDoor,
  ctx: Context,
  answerer: Answerer,
  storedOnly: boolean,
  modulePath: ModulePath,
  version: string,
): Promise<LoggedRecord> {
  const { checksums, hosted, archives, publicSums } = proxy;
  const { registry } = hosted;
  if (answerer.kind === "project") {
    const { project } = answerer;
    const resolved = await resolveQuery(hosted, project, modulePath, version);
    const known = await findRecord(registry, modulePath, version);
    if (known) return known;
    await zipOf(archives, project.id, resolved.version);
    return ensureRecord(checksums, { modulePath, version });
  }
  const known = await findRecord(registry, modulePath, version);
  if (known) return known;
  const principal = ctx.state.principal as Principal;
  const { refused } = await beginColdFetch(registry, principal, ctx.state.from as string, storedOnly);
  if (refused) throw refused;
  const found = storedOnly ? undefined : await publicSums?.find(modulePath, version);
  if (found?.kind === "exempt") return observed(proxy, modulePath, version);
  if (found?.kind !== "proved")
    throw notFound(
      (found?.kind === "absent" && found.text) || `${modulePath}@${version} is not in this checksum database`,
    );
  const { h1, goModH1, id: publicId } = found;
  return ensureRecord(checksums, { modulePath, version, known: { h1, goModH1, basis: "PUBLIC", publicId } });
}

/** The record of a private module of an upstream, which no database knows: as it came the first time, and never otherwise. */
async function observed(
  { checksums, hosted, dependencies }: ChecksumDoor,
  modulePath: ModulePath,
  version: string,
): Promise<LoggedRecord> {
  const zip = await dependencies.download({ kind: "zip", modulePath, version });
  const outcome = zip.kind === "arriving" ? await zip.download.outcome : zip;
  const stored =
    outcome.kind === "stored" ? await findUpstreamVersion(hosted.registry, modulePath, version) : undefined;
  if (!stored?.zip || !stored.goMod)
    throw notFound((outcome.kind === "absent" && outcome.text) || `${modulePath}@${version} is not there`);
  const sums = { h1: stored.zip.h1, goModH1: h1OfGoMod(stored.goMod) };
  return ensureRecord(checksums, {
    modulePath,
    version,
    known: { ...sums, basis: "OBSERVED", publicId: undefined },
  });
}
