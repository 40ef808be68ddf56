// The table of acts, and what docs/access.md says of it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  demandAct,
  demandGroupAct,
  mayAct,
  mayGroupAct,
  type ProjectSubject,
} from "../../../src/registry/access/access.ts";
import {
  ACCESS_LEVELS,
  GROUP_ACTS,
  type GroupAct,
  nameOfLevel,
  PROJECT_ACTS,
  type ProjectAct,
  SCOPES_OF,
  type ScopedDoor,
  scopesOf,
} from "../../../src/registry/access/acts.ts";
import type { UserPrincipal } from "../../../src/registry/principal.ts";

const GROUP = { id: 2, fullPath: "acme", visibility: "PRIVATE", userId: null, traversalIds: [2] } as const;
const PROJECT: ProjectSubject = {
  id: 3,
  fullPath: "acme/lib",
  visibility: "PRIVATE",
  packagesEnabled: true,
  packageAccess: "ENABLED",
  group: GROUP,
};

function member(level: number, scopes: UserPrincipal["scopes"]): UserPrincipal {
  return {
    ...{ kind: "user", userId: 1, username: "alice", admin: false, tokenId: 1, scopes, validUntil: Infinity },
    memberships: { groups: new Map([[2, level]]), projects: new Map(), containing: new Set() },
  };
}

/** What an act is answered: "yes", or the kind of the failure. */
function answer(demand: () => void): string {
  try {
    demand();
    return "yes";
  } catch (error) {
    return (error as { kind: string }).kind;
  }
}

test("each act is for its level and those above, and for its scopes", () => {
  const check = (
    act: { readonly level: number; readonly by: readonly ScopedDoor[] },
    may: (principal: UserPrincipal) => boolean,
    demand: (principal: UserPrincipal) => void,
  ): void => {
    for (const level of Object.values(ACCESS_LEVELS))
      for (const scope of SCOPES_OF.user) {
        const principal = member(level, [scope]);
        expect(may(principal)).toBe(level >= act.level);
        const refusal = level >= act.level ? "yes" : "forbidden";
        expect(answer(() => demand(principal))).toBe(scopesOf(act).includes(scope) ? refusal : "insufficient-scope");
      }
  };
  for (const [name, act] of Object.entries(PROJECT_ACTS))
    check(
      act,
      (principal) => mayAct(principal, name as ProjectAct, PROJECT),
      (principal) => demandAct(principal, name as ProjectAct, PROJECT),
    );
  for (const [name, act] of Object.entries(GROUP_ACTS))
    check(
      act,
      (principal) => mayGroupAct(principal, name as GroupAct, GROUP),
      (principal) => demandGroupAct(principal, name as GroupAct, GROUP),
    );
});

test("docs/access.md has the table of acts", () => {
  const rows = (place: string, acts: typeof PROJECT_ACTS | typeof GROUP_ACTS): string[] =>
    Object.entries(acts).map(([name, act]) => {
      const scopes = scopesOf(act).map((scope) => `\`${scope}\``);
      return `| \`${name}\` | ${act.words} | ${place} | \`${nameOfLevel(act.level)}\` | ${scopes.join(", ")} |`;
    });
  const expected = [...rows("project", PROJECT_ACTS), ...rows("group", GROUP_ACTS)];
  const told = readFileSync("docs/access.md", "utf8").match(/^\| `[a-z.-]+` \| [^|]+ \| (?:project|group) \| .*$/gm);
  expect(told).toEqual(expected);
});
