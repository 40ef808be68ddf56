// What can be done, and what it takes: for each act the least access level in the project or group that it is about, and the
// ways in, whose scopes a token must have. This is the only place where levels and acts are brought together; access.ts
// judges by it, everybody else names an act, and docs/access.md shows the table. The levels are GitLab's ("Permissions and
// roles"), the scopes too ("Personal access tokens", "Deploy tokens").
import type { TokenScope } from "../../database/generated/client.ts";

export const GUEST = 10;
export const REPORTER = 20;
export const DEVELOPER = 30;
export const MAINTAINER = 40;
export const OWNER = 50;

/** The access levels by their names. */
export const ACCESS_LEVELS = {
  guest: GUEST,
  reporter: REPORTER,
  developer: DEVELOPER,
  maintainer: MAINTAINER,
  owner: OWNER,
};

export type LevelName = keyof typeof ACCESS_LEVELS;

/** The name of an access level; undefined for a number that is none. */
export function nameOfLevel(level: number): LevelName | undefined {
  return (Object.keys(ACCESS_LEVELS) as LevelName[]).find((name) => ACCESS_LEVELS[name] === level);
}

/** The scopes of which a token needs one, for each way in. */
export const DOOR_SCOPES = {
  "go endpoint": ["read_api", "api", "read_package_registry"],
  "checksum log": ["read_api", "api", "read_package_registry", "read_checksum_log"],
  "git fetch": ["read_repository", "write_repository", "read_api", "api"],
  "git push": ["write_repository", "api"],
  "package upload": ["write_package_registry", "api"],
  "api read": ["read_api", "api"],
  "user read": ["read_user", "read_api", "api"],
  "api write": ["api"],
} as const satisfies Record<string, readonly TokenScope[]>;

/** A way in, as far as the scopes of tokens are concerned. */
export type ScopedDoor = keyof typeof DOOR_SCOPES;

/** What each kind of token, and the ID tokens that a trust lets in, can be given. */
export const SCOPES_OF = {
  user: ["api", "read_api", "read_user", "read_repository", "write_repository", "read_checksum_log"],
  "deploy-token": ["read_repository", "read_package_registry", "write_package_registry"],
  workload: ["read_api", "read_repository", "write_repository", "read_package_registry", "write_package_registry"],
} as const satisfies Record<string, readonly TokenScope[]>;

interface ActRule {
  /** The least level. */
  readonly level: number;
  /** The ways in by which it can be done. */
  readonly by: readonly ScopedDoor[];
  /** What it is to do it: the beginning of "… needs the access level maintainer". */
  readonly words: string;
}

const READING = ["go endpoint", "git fetch", "api read"] as const;
const API_READ = ["api read"] as const;
const API_WRITE = ["api write"] as const;

/** Acts in a project. What visibility opens to everybody (access.ts) needs no level. */
export const PROJECT_ACTS = {
  "project.see": { level: GUEST, by: READING, words: "seeing a private project" },
  "member.list": { level: GUEST, by: API_READ, words: "listing members" },
  "code.read": { level: REPORTER, by: READING, words: "reading code and packages" },
  "package.read": { level: REPORTER, by: ["go endpoint", "api read"], words: "reading packages" },
  "statistics.read": { level: REPORTER, by: API_READ, words: "reading statistics" },
  push: { level: DEVELOPER, by: ["git push"], words: "pushing" },
  "package.publish": { level: DEVELOPER, by: ["package upload"], words: "uploading a version" },
  "project.update": { level: MAINTAINER, by: API_WRITE, words: "changing a project" },
  "member.add": { level: MAINTAINER, by: API_WRITE, words: "adding members" },
  "member.remove": { level: MAINTAINER, by: API_WRITE, words: "removing members" },
  "token.list": { level: MAINTAINER, by: API_READ, words: "listing deploy tokens" },
  "token.create": { level: MAINTAINER, by: API_WRITE, words: "making a deploy token" },
  "token.revoke": { level: MAINTAINER, by: API_WRITE, words: "revoking a deploy token" },
  "trust.list": { level: MAINTAINER, by: API_READ, words: "listing trusted issuers" },
  "trust.create": { level: MAINTAINER, by: API_WRITE, words: "trusting an issuer" },
  "trust.delete": { level: MAINTAINER, by: API_WRITE, words: "ending the trust in an issuer" },
  "hook.list": { level: MAINTAINER, by: API_READ, words: "listing hooks" },
  "hook.create": { level: MAINTAINER, by: API_WRITE, words: "making a hook" },
  "hook.update": { level: MAINTAINER, by: API_WRITE, words: "changing a hook" },
  "hook.delete": { level: MAINTAINER, by: API_WRITE, words: "deleting a hook" },
  "advisory.create": { level: MAINTAINER, by: API_WRITE, words: "making an advisory" },
  "version.delete": { level: MAINTAINER, by: API_WRITE, words: "deleting a version" },
  "package.delete": { level: MAINTAINER, by: API_WRITE, words: "deleting a package" },
  "tag-event.list": { level: MAINTAINER, by: API_READ, words: "seeing what became of tags" },
  "protected-tag.list": { level: DEVELOPER, by: API_READ, words: "seeing protected tags" },
  "protected-tag.create": { level: MAINTAINER, by: API_WRITE, words: "protecting a tag" },
  "protected-tag.delete": { level: MAINTAINER, by: API_WRITE, words: "unprotecting a tag" },
  "mirror.read": { level: MAINTAINER, by: API_READ, words: "seeing how a mirror is doing" },
  "mirror.create": { level: MAINTAINER, by: API_WRITE, words: "making a project a mirror" },
  "mirror.update": { level: MAINTAINER, by: API_WRITE, words: "changing a mirror" },
  "mirror.sync": { level: MAINTAINER, by: API_WRITE, words: "having a mirror look now" },
  "mirror.delete": { level: MAINTAINER, by: API_WRITE, words: "turning a mirror off" },
  "project.archive": { level: OWNER, by: API_WRITE, words: "archiving a project" },
  "project.unarchive": { level: OWNER, by: API_WRITE, words: "unarchiving a project" },
  "project.delete": { level: OWNER, by: API_WRITE, words: "deleting a project" },
} as const satisfies Record<string, ActRule>;

export type ProjectAct = keyof typeof PROJECT_ACTS;

/** Acts in a group. */
export const GROUP_ACTS = {
  "group.see": { level: GUEST, by: READING, words: "seeing a private group" },
  "member.list": { level: GUEST, by: API_READ, words: "listing members" },
  "project.create": { level: DEVELOPER, by: ["api write", "git push"], words: "making a project" },
  "mirror.create": { level: MAINTAINER, by: API_WRITE, words: "making mirrors in a group" },
  "group.create": { level: MAINTAINER, by: API_WRITE, words: "making a subgroup" },
  "policy.list": { level: REPORTER, by: API_READ, words: "seeing the policies of a group" },
  "policy.create": { level: OWNER, by: API_WRITE, words: "making a policy" },
  "policy.delete": { level: OWNER, by: API_WRITE, words: "removing a policy" },
  "token.list": { level: MAINTAINER, by: API_READ, words: "listing deploy tokens" },
  "token.create": { level: OWNER, by: API_WRITE, words: "making a deploy token" },
  "token.revoke": { level: OWNER, by: API_WRITE, words: "revoking a deploy token" },
  "trust.list": { level: MAINTAINER, by: API_READ, words: "listing trusted issuers" },
  "trust.create": { level: OWNER, by: API_WRITE, words: "trusting an issuer" },
  "trust.delete": { level: OWNER, by: API_WRITE, words: "ending the trust in an issuer" },
  "hook.list": { level: OWNER, by: API_READ, words: "listing hooks" },
  "hook.create": { level: OWNER, by: API_WRITE, words: "making a hook" },
  "hook.update": { level: OWNER, by: API_WRITE, words: "changing a hook" },
  "hook.delete": { level: OWNER, by: API_WRITE, words: "deleting a hook" },
  "group.update": { level: OWNER, by: API_WRITE, words: "changing a group" },
  "member.add": { level: OWNER, by: API_WRITE, words: "adding members" },
  "member.remove": { level: OWNER, by: API_WRITE, words: "removing members" },
  "group.delete": { level: OWNER, by: API_WRITE, words: "deleting a group" },
} as const satisfies Record<string, ActRule>;

export type GroupAct = keyof typeof GROUP_ACTS;

/**
 * The level that a trust gives where it opens: who may publish is a Developer there, who may read a Reporter. What exactly its
 * scopes say, as of a token's.
 */
export function levelByScopes(scopes: readonly TokenScope[]): number {
  return scopes.some((scope) => scope.startsWith("write_")) ? DEVELOPER : REPORTER;
}

/** The scopes of which a token needs one to do something, by whichever way in. */
export function scopesOf({ by }: Pick<ActRule, "by">): TokenScope[] {
  return [...new Set(by.flatMap((door): readonly TokenScope[] => DOOR_SCOPES[door]))];
}

/** Whether somebody who has one level would act upon a higher one: nobody gives, changes or takes what is above the own. */
export function isAbove(level: number, own: number): boolean {
  return level > own;
}
