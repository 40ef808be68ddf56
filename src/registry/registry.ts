// What the functions of this room work on. The composition root (app.ts) builds it once; every function takes it first,
// then who asks (principal.ts), then what is asked. There is no other state.
//
// What folders of this room remember or count stands here only as what others need of it, so that this file, which every
// other imports, imports none of them.
import type { LRUCache } from "lru-cache";
import type { ExpiringMemory } from "../concurrency/expiring-memory.ts";
import type { SingleFlight } from "../concurrency/single-flight.ts";
import type { Slots } from "../concurrency/slots.ts";
import type { Database } from "../database/client.ts";
import type { PrismaClient } from "../database/generated/client.ts";
import type { Leadership } from "../database/lease.ts";
import type { PackageDocumentation } from "../godoc/documentation.ts";
import type { DocumentationThreads } from "../godoc/thread/documentation-threads.ts";
import type { ModuleRequirements, UnknownRequirements } from "../gomod/module-graph.ts";
import type { Jobs } from "../jobs/queue.ts";
import type { Blobs } from "../storage/blobs.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { LimitName } from "./limited.ts";
import type { Principal } from "./principal.ts";
import type { FlagRow, OwnRoot, PolicyRow, ProjectRow } from "./rows.ts";
import type { SecretBox } from "./secret-box.ts";

export interface Registry {
  readonly database: Database;
  readonly prisma: PrismaClient;
  readonly blobs: Blobs;
  readonly jobs: Jobs;
  /** Whether this process may touch repositories; set once, when a server knows it. */
  leadership: Leadership;
  /** Repositories in the blob store; undefined: they are in the data directory alone. Set once, as leadership is. */
  storedRepositories: StoredRepositories | undefined;
  /**
   * Throws unavailable while the journal of the checksum log was not compared with the database of a server of PostgreSQL, by the
   * moment when that was started. Set once, by a process that signs.
   */
  demandCompared: (server: string) => void;
  /** The projects whose refs this process recorded lately, with their full paths then. */
  readonly recordedLately: ExpiringMemory<number, string>;
  readonly memory: RememberedAccess;
  readonly tokenUse: NotedTokens;
  readonly idTokens: VerifiedIdTokens;
  readonly requirementMemory: RememberedRequirements;
  readonly policies: PolicyState;
  readonly traffic: CountedTraffic;
  readonly limits: Limits;
  readonly documentation: DocumentationWork;
  readonly log: Log;
  readonly metrics: Metrics;
  /** First element of hosted module paths. */
  readonly moduleHost: string;
  readonly privateModules: PrivateModules;
  /** Seals secrets of others for the database. The first call makes the key, if there is none. */
  secrets(): Promise<SecretBox>;
  /** Whether modules from upstream are there for those who send no token (GOKURA_ANONYMOUS_UPSTREAM). */
  readonly anonymousUpstream: boolean;
  /** Whether no other server uses the database. False until it is known, and in commands. */
  isAlone: () => boolean;
  /** Absolute path of the data directory: repositories live below it. */
  readonly dataDirectory: string;
}

/** A pack of a repository that is in the blob store. */
export interface StoredPack {
  /** The SHA-256 of its bytes in hex, by which the blob store knows it. */
  readonly digest: string;
  /** Its name in objects/pack, without ending: `pack-` and what git makes of its content. */
  readonly name: string;
  readonly size: number;
  /** The SHA-256 of git's index of it, a blob too; undefined: it is made anew where it is needed. */
  readonly index: string | undefined;
}

/** Repositories that are made of blobs and rows (git/hosting/stored-repositories.ts). */
export interface StoredRepositories {
  /** Sees to it that the directory of a project's repository is what the rows say. */
  ensure(projectId: number): Promise<void>;
  /** The same at a server that does not lead. It is no longer so when somebody pushes, and is looked at again when it leads. */
  prepare(projectId: number): Promise<void>;
  /** Has all packs of the directory in the blob store; returns them. */
  store(projectId: number): Promise<readonly StoredPack[]>;
  /** Notes that the directory is what the rows of a generation say. */
  agreed(projectId: number, generation: number): Promise<void>;
  /** Writes down which packs there are, where they are others than were written down, unless a push is under way. */
  record(projectId: number): Promise<void>;
  /** Another server may lead from now on: everything is to be compared again. */
  forget(): void;
}

/** What policies go by beside their rules (policies/). */
export interface PolicyState {
  /** The clock on the wall: milliseconds since 1970. */
  readonly now: () => number;
  /** What was written down within the hour: who was refused which version by which rule. */
  readonly noted: LRUCache<string, true>;
  /** How much was written down in the present minute. */
  readonly writing: { minute: number; written: number };
  /** The age that every version from upstream must have (GOKURA_COOLDOWN); undefined: none. */
  readonly cooldown: Cooldown | undefined;
  /** The key of the checksum database by whose records ages are known; undefined: there is none. */
  readonly logKey: string | undefined;
  /** Asks that database; undefined: nobody can be asked. */
  askRecord: AskRecord | undefined;
  /** The numbers of records that it is being asked for, by module and version; undefined: it has none. */
  readonly asking: SingleFlight<string, number | undefined>;
  /** Whom to ask whether a version may be had (GOKURA_VALIDATION_HOOK); undefined: nobody. */
  validator: Validator | undefined;
  /** Trees of the database that are known to have existed, ascending, for some time. */
  trees: { readonly trees: readonly SeenTree[]; readonly until: number } | undefined;
}

/** The administrator's own program that says which versions may be had (policies/validated-versions.ts). */
export interface Validator {
  readonly ask: AskValidator;
  /** Whether versions are let through when it gives no answer (GOKURA_VALIDATION_HOOK_FAILURE). */
  readonly letThrough: boolean;
  readonly underWay: SingleFlight<string>;
}

/** What a validator is told: the two fields of Athens, and what else is known. */
export interface ValidatorQuestion {
  readonly Module: string;
  readonly Version: string;
  readonly Sum: string | undefined;
  readonly GoModSum: string | undefined;
  readonly Time: string | undefined;
  readonly FirstSeen: string | undefined;
  readonly Licenses: readonly string[] | undefined;
  readonly Vulnerabilities: readonly { readonly ID: string; readonly FixedIn: string | undefined }[];
}

/** What a validator says. */
export interface ValidatorAnswer {
  readonly valid: boolean;
  /** One line. */
  readonly reason: string;
  /** For how long; undefined: as long as the rules are the same. */
  readonly forSeconds: number | undefined;
}

/** Asks a validator. Throws unavailable if it gives no answer. */
export type AskValidator = (question: ValidatorQuestion) => Promise<ValidatorAnswer>;

/** An age that versions must have. */
export interface Cooldown {
  readonly seconds: number;
  /** Exact versions are refused too; otherwise lists and @latest leave them out. */
  readonly strict: boolean;
}

/** The number of a version's record, proved; undefined: the database has none. Throws what keeps it from being asked. */
export type AskRecord = (modulePath: string, version: string) => Promise<number | undefined>;

/** A tree of the log, so many records, and when it existed at the latest, in milliseconds since 1970. */
export interface SeenTree {
  readonly size: number;
  readonly existedAt: number;
}

/** What is remembered about who may do what (access/access-memory.ts). */
export interface RememberedAccess {
  /** By the digest of the token. */
  readonly principals: LRUCache<string, Principal>;
  /** Digests of tokens that were good once, and so are no guesses. */
  readonly onceGood: LRUCache<string, true>;
  /** By id, or by full path in lower case; false: there is none. */
  readonly projects: LRUCache<number | string, ProjectRow | false>;
  readonly flags: LRUCache<"all", readonly FlagRow[]>;
  /** What names of ours begin with beside the module host, longest first. */
  readonly ownRoots: LRUCache<"all", readonly OwnRoot[]>;
  /** The rules about which versions may be had, in the order in which they were made. */
  readonly policies: LRUCache<"all", readonly PolicyRow[]>;
  /** The modules that there are advisories about. */
  readonly advisedModules: LRUCache<"all", ReadonlySet<string>>;
  /** Whether there is any project whose packages the anonymous may not read. */
  readonly hasClosedPackages: LRUCache<"all", boolean>;
  /** Counts up whenever everything is forgotten: an answer that was worked out under another number is not to be kept. */
  readonly generation: number;
  /** Whether what is remembered now will be forgotten when it changes. */
  readonly live: boolean;
  /** Begins to remember: `live` says whether notices of changes arrive. */
  trust(live: () => boolean): void;
  /** Forgets everything. */
  forget(): void;
  /** Asks the memory, else `load`, whose answer is kept, for so many milliseconds, if nothing changed meanwhile. */
  remember<K extends {}, V extends {}>(
    memory: LRUCache<K, V>,
    key: K,
    load: () => Promise<V>,
    ttlMs?: (value: V) => number,
  ): Promise<V>;
}

/**
 * How much a client may ask for in a minute (access/limits.ts); `who`: an address or a principal (callerOf). What is refused is
 * thrown as too-many, with the seconds until it may be asked again. A limit that is off refuses nothing.
 */
export interface Limits {
  /** Takes so many points, one if not given; throws too-many when they are not left. */
  take(name: LimitName, who: string, points?: number): Promise<void>;
  /** Gives back a point that was taken for nothing. */
  giveBack(name: LimitName, who: string): Promise<void>;
  /** Takes nothing; throws too-many when nothing is left. */
  check(name: LimitName, who: string): Promise<void>;
  /** Takes a point and refuses nothing; for the same `what` once in a minute. */
  note(name: LimitName, who: string, what?: string): Promise<void>;
  /** Whether a point was taken for this within the minute. */
  wasNoted(name: LimitName, who: string, what: string): Promise<boolean>;
}

/** Notes which tokens are used (access/token-use.ts). */
export interface NotedTokens {
  /** Notes that a token opened something just now; that is written down within a minute. */
  add(tokenId: number): void;
  /** Remembers that a token was never used before. */
  neverUsed(tokenId: number): void;
  /** Writes the first use of a token down, so that the answer to it tells already; nothing for one that was used before. */
  writeFirst(tokenId: number): Promise<void> | undefined;
}

/** Verifies ID tokens (upstream/id-tokens.ts). */
export interface VerifiedIdTokens {
  /**
   * The claims of an ID token of an issuer that is trusted: its signature, times and issuer are right. Throws unauthenticated
   * with what is wrong with it, or unavailable when the keys of the issuer cannot be had.
   */
  verify(token: string, issuer: string): Promise<Readonly<Record<string, unknown>>>;
}

/** What go.mod files require, by the number of the version (modules/requirement-memory.ts). */
export type RememberedRequirements = LRUCache<number, ModuleRequirements | UnknownRequirements>;

/** Counts what is answered (numbers/traffic.ts). */
export interface CountedTraffic {
  /** Go requests, by where the answer came from. */
  readonly answers: { memory: number; stored: number; upstream: number };
  /** A count to keep beside the answer that is a version's zip. */
  countOf(versionId: number): DownloadCount;
  /** Writes down what was counted. What cannot be written now is kept for the next time. */
  write(): Promise<void>;
}

/** Counts the downloads of one version. */
export interface DownloadCount {
  add(): void;
}

/** Names that nobody outside may hear of (forge/private-modules.ts). */
export interface PrivateModules {
  /** Whether a module path is one of them. */
  covers(modulePath: string): boolean;
  /** Those that had been fetched from upstream before: no more can come, so they are the same until the next start. */
  readonly fetchedBefore: readonly string[];
}

/** What documentation is made with, and which is being made (documentation/documented-versions.ts). */
export interface DocumentationWork {
  readonly threads: DocumentationThreads;
  /** By the version's number and the directory. */
  readonly packages: SingleFlight<string, PackageDocumentation | undefined>;
  /** Whole versions, by number. */
  readonly versions: SingleFlight<number, void>;
  /** So many whole versions at once. */
  readonly turns: Slots;
}
