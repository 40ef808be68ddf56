// What the functions of this room give back: rows, with what is read along with them. They stand together, below everything
// else, because each is named by files that otherwise need nothing of each other.
import type {
  Advisory,
  Credential,
  Group,
  HookDelivery,
  Module,
  ModuleVersion,
  Policy,
  Prisma,
  ProtectedTag,
  RejectedTag,
  TagEvent,
  Token,
  User,
} from "../database/generated/client.ts";

export type ProtectedTagRow = ProtectedTag;

export type UserRow = User;

export type TokenRow = Token;

export type GroupRow = Group;

/** A project with the group around it, which access depends on. */
export type ProjectRow = Prisma.ProjectGetPayload<{ include: { group: true } }>;

/** A membership with its user. */
export type MemberRow = Prisma.MemberGetPayload<{ include: { user: true } }>;

/** What is sent to a server of others; its secret is sealed. */
export type CredentialRow = Credential;

/** What is read along with a mirror. */
export const WITH_REMOTE = {
  credential: true,
  project: { include: { group: true } },
} as const satisfies Prisma.MirrorInclude;

/** A mirror with its project and what it sends to its remote; the secret of that is sealed. */
export type MirrorRow = Prisma.MirrorGetPayload<{ include: typeof WITH_REMOTE }>;

/** What is read along with a feature flag: its gates, with the names of those that it is open to. */
export const WITH_GATES = {
  gates: {
    include: {
      project: { select: { fullPath: true } },
      group: { select: { fullPath: true } },
      user: { select: { username: true } },
    },
    orderBy: { id: "asc" },
  },
} as const satisfies Prisma.FeatureFlagInclude;

/** A feature flag with its gates. */
export type FlagRow = Prisma.FeatureFlagGetPayload<{ include: typeof WITH_GATES }>;

/** A prefix that a project declared for its modules. */
/** What names of ours begin with, beside the module host: a declared prefix, or a module host that was. */
export interface OwnRoot {
  readonly prefix: string;
  /** Null: a module host that was, below which a name belongs to the project of that full path. */
  readonly projectId: number | null;
}

export type ModuleRow = Module;

/** A version without go.mod and .info, which may be large: goModsOf (versions/version-rows.ts) reads these. */
export type VersionRow = Omit<ModuleVersion, "goMod" | "info">;

/** A trust with the project, and its group, or the group that trusts. */
export type TrustRow = Prisma.TrustGetPayload<{ include: { project: { include: { group: true } }; group: true } }>;

export type AdvisoryRow = Advisory;

/** A rule about which versions may be had, with the full path of its group. */
export type PolicyRow = Policy & { readonly group: { readonly fullPath: string } | null };

/** A hook with the project, and its group, or the group whose it is; with neither it is the instance's. */
export type HookRow = Prisma.HookGetPayload<{ include: { project: { include: { group: true } }; group: true } }>;

export type HookDeliveryRow = HookDelivery;

export type RejectedTagRow = RejectedTag;

export type TagEventRow = TagEvent;
