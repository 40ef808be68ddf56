// Who may do what, written out: GitLab's "Permissions and roles" as far as a Go registry has them. The answers are those
// that a client gets: yes, or the status of the refusal.
import { describe, expect, test } from "vitest";
import type { TokenScope, Visibility } from "../../../src/database/generated/client.ts";
import { type FailureKind, isFailure } from "../../../src/errors.ts";
import {
  demandAct,
  demandAdministrator,
  demandCode,
  demandGroupAct,
  demandGroupSeen,
  demandPackages,
  demandSeen,
  demandUser,
  mayListModules,
  requireScope,
} from "../../../src/registry/access/access.ts";
import { DEVELOPER, GUEST, MAINTAINER, OWNER, REPORTER, type ScopedDoor } from "../../../src/registry/access/acts.ts";
import {
  ANONYMOUS,
  type DeployPrincipal,
  OPERATOR,
  type Principal,
  type UserPrincipal,
} from "../../../src/registry/principal.ts";

// acme (1) > acme/platform (2) > project 10, beside project 11 in other (3)
const PROJECT = 10;
const around = { traversalIds: [1, 2] };

function project(visibility: Visibility, packagesEnabled = true) {
  const packageAccess = "ENABLED" as const;
  return { id: PROJECT, fullPath: "acme/platform/lib", visibility, packagesEnabled, packageAccess, group: around };
}

function user(
  given: { groups?: [number, number][]; projects?: [number, number][]; admin?: boolean } = {},
): UserPrincipal {
  const { groups = [], projects = [], admin = false } = given;
  return {
    kind: "user",
    userId: 1,
    username: "alice",
    admin,
    tokenId: 1,
    scopes: ["api"],
    memberships: {
      groups: new Map(groups),
      projects: new Map(projects),
      containing: new Set([
        ...groups.map(([id]) => id),
        ...projects.flatMap(([id]) => (id === PROJECT ? [1, 2] : [3])),
      ]),
    },
    validUntil: Number.POSITIVE_INFINITY,
  };
}

function deployToken(opens: DeployPrincipal["opens"], groupIds: number[]): DeployPrincipal {
  const scopes: TokenScope[] = ["read_package_registry"];
  return { kind: "deploy-token", tokenId: 2, name: "ci", username: "ci", opens, groupIds, scopes, validUntil: 0 };
}

const PRINCIPALS = {
  anonymous: ANONYMOUS,
  stranger: user(),
  "member elsewhere": user({ groups: [[3, OWNER]], projects: [[11, OWNER]] }),
  guest: user({ projects: [[PROJECT, GUEST]] }),
  reporter: user({ projects: [[PROJECT, REPORTER]] }),
  developer: user({ projects: [[PROJECT, DEVELOPER]] }),
  maintainer: user({ projects: [[PROJECT, MAINTAINER]] }),
  owner: user({ projects: [[PROJECT, OWNER]] }),
  "guest of the group above": user({ groups: [[1, GUEST]] }),
  "developer of the group around": user({ groups: [[2, DEVELOPER]] }),
  "guest here, owner above": user({ projects: [[PROJECT, GUEST]], groups: [[1, OWNER]] }),
  "owner here, guest above": user({ projects: [[PROJECT, OWNER]], groups: [[1, GUEST]] }),
  administrator: user({ admin: true }),
  operator: OPERATOR,
  "its deploy token": deployToken({ projectId: PROJECT }, [1, 2]),
  "another's deploy token": deployToken({ projectId: 11 }, [3]),
  "its group's deploy token": deployToken({ groupId: 2 }, [1, 2]),
  "deploy token of a group above": deployToken({ groupId: 1 }, [1]),
  "another group's deploy token": deployToken({ groupId: 3 }, [3]),
  "deploy token of a group below": deployToken({ groupId: 4 }, [1, 2, 4]),
} satisfies Record<string, Principal>;

const STATUS: Partial<Record<FailureKind, number>> = {
  unauthenticated: 401,
  forbidden: 403,
  "insufficient-scope": 403,
  "not-found": 404,
};

function outcome(act: () => unknown): string {
  try {
    act();
    return "yes";
  } catch (error) {
    if (!isFailure(error)) throw error;
    return String(STATUS[error.kind] ?? error.kind);
  }
}

// see / read code / fetch packages / push / edit / delete
const TABLE = `
                               private                      internal                     public
anonymous                      401 401 401 401 401 401      401 401 401 401 401 401      yes yes yes 401 401 401
stranger                       404 404 404 404 404 404      yes yes yes 403 403 403      yes yes yes 403 403 403
member elsewhere               404 404 404 404 404 404      yes yes yes 403 403 403      yes yes yes 403 403 403
guest                          yes 403 403 403 403 403      yes yes yes 403 403 403      yes yes yes 403 403 403
reporter                       yes yes yes 403 403 403      yes yes yes 403 403 403      yes yes yes 403 403 403
developer                      yes yes yes yes 403 403      yes yes yes yes 403 403      yes yes yes yes 403 403
maintainer                     yes yes yes yes yes 403      yes yes yes yes yes 403      yes yes yes yes yes 403
owner                          yes yes yes yes yes yes      yes yes yes yes yes yes      yes yes yes yes yes yes
guest of the group above       yes 403 403 403 403 403      yes yes yes 403 403 403      yes yes yes 403 403 403
developer of the group around  yes yes yes yes 403 403      yes yes yes yes 403 403      yes yes yes yes 403 403
guest here, owner above        yes yes yes yes yes yes      yes yes yes yes yes yes      yes yes yes yes yes yes
owner here, guest above        yes yes yes yes yes yes      yes yes yes yes yes yes      yes yes yes yes yes yes
administrator                  yes yes yes yes yes yes      yes yes yes yes yes yes      yes yes yes yes yes yes
operator                       yes yes yes yes yes yes      yes yes yes yes yes yes      yes yes yes yes yes yes
its deploy token               yes yes yes 403 403 403      yes yes yes 403 403 403      yes yes yes 403 403 403
another's deploy token         404 404 404 404 404 404      404 404 404 404 404 404      yes yes yes 403 403 403
its group's deploy token       yes yes yes 403 403 403      yes yes yes 403 403 403      yes yes yes 403 403 403
deploy token of a group above  yes yes yes 403 403 403      yes yes yes 403 403 403      yes yes yes 403 403 403
another group's deploy token   404 404 404 404 404 404      404 404 404 404 404 404      yes yes yes 403 403 403
deploy token of a group below  404 404 404 404 404 404      404 404 404 404 404 404      yes yes yes 403 403 403`;

const ROWS = TABLE.trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [, name = "", ...answers] = /^(.{31})(.{27})..(.{27})..(.*)$/.exec(line.padEnd(120))!;
    return { name: name.trim(), answers: answers.map((text) => text.trim().split(/\s+/)) };
  });

test("the table is about everybody", () => {
  expect(ROWS.map(({ name }) => name)).toEqual(Object.keys(PRINCIPALS));
});

describe.each(ROWS)("$name", ({ name, answers }) => {
  const principal: Principal = PRINCIPALS[name as keyof typeof PRINCIPALS];
  test.each([
    ["PRIVATE", answers[0]!],
    ["INTERNAL", answers[1]!],
    ["PUBLIC", answers[2]!],
  ] as const)("of a %s project", (visibility, expected) => {
    const subject = project(visibility);
    expect([
      outcome(() => demandSeen(principal, subject)),
      outcome(() => demandCode(principal, subject)),
      outcome(() => demandPackages(principal, subject, () => true)),
      outcome(() => demandAct(principal, "push", subject)),
      outcome(() => demandAct(principal, "project.update", subject)),
      outcome(() => demandAct(principal, "project.delete", subject)),
    ]).toEqual(expected);
    // lists follow the same rule
    expect(mayListModules(principal, subject)).toBe(expected[1] === "yes");
    expect(mayListModules(principal, project(visibility, false))).toBe(false);
  });

  test("of a project that does not exist: as of one that is hidden", () => {
    const absent = outcome(() =>
      demandPackages(principal, undefined as ReturnType<typeof project> | undefined, () => true),
    );
    expect(absent).toBe(name === "anonymous" ? "401" : "404");
  });
});

test("what is hidden and what is not there are told in the same words", () => {
  const said = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  for (const principal of [ANONYMOUS, PRINCIPALS.stranger, PRINCIPALS["another's deploy token"]])
    expect(said(() => demandSeen(principal, project("PRIVATE")))).toBe(said(() => demandSeen(principal, undefined)));
});

describe("the registry and the flag come after everything about the principal", () => {
  const off = project("PRIVATE", false);
  test("registry off: told to those who may read, hidden from the others", () => {
    expect(outcome(() => demandPackages(PRINCIPALS.reporter, off, () => true))).toBe("403");
    expect(outcome(() => demandPackages(PRINCIPALS.administrator, off, () => true))).toBe("403");
    expect(outcome(() => demandPackages(PRINCIPALS.stranger, off, () => true))).toBe("404");
    expect(outcome(() => demandPackages(ANONYMOUS, off, () => true))).toBe("401");
    expect(outcome(() => demandPackages(ANONYMOUS, project("PUBLIC", false), () => true))).toBe("403");
  });

  test("flag off: not found, and it is not even asked for those who may not read", () => {
    const never = (): boolean => {
      throw new Error("asked");
    };
    expect(outcome(() => demandPackages(PRINCIPALS.reporter, project("PRIVATE"), () => false))).toBe("404");
    expect(outcome(() => demandPackages(PRINCIPALS.guest, project("PRIVATE"), never))).toBe("403");
    expect(outcome(() => demandPackages(PRINCIPALS.stranger, project("PRIVATE"), never))).toBe("404");
    expect(outcome(() => demandPackages(PRINCIPALS.reporter, off, never))).toBe("403");
  });
});

describe("groups", () => {
  const group = (visibility: Visibility) => ({ id: 2, fullPath: "acme/platform", visibility, userId: null, ...around });
  // see / make a project / edit its members
  test.each([
    ["anonymous", "401 401 401", "401 401 401", "yes 401 401"],
    ["stranger", "404 404 404", "yes 403 403", "yes 403 403"],
    ["member elsewhere", "404 404 404", "yes 403 403", "yes 403 403"],
    // somebody who is a member of something inside sees where it is
    ["developer", "yes 403 403", "yes 403 403", "yes 403 403"],
    ["guest of the group above", "yes 403 403", "yes 403 403", "yes 403 403"],
    ["developer of the group around", "yes yes 403", "yes yes 403", "yes yes 403"],
    ["guest here, owner above", "yes yes yes", "yes yes yes", "yes yes yes"],
    ["administrator", "yes yes yes", "yes yes yes", "yes yes yes"],
    ["operator", "yes yes yes", "yes yes yes", "yes yes yes"],
    // and so does a deploy token of something inside: the group's Go endpoint serves it
    ["its deploy token", "yes 403 403", "yes 403 403", "yes 403 403"],
    ["its group's deploy token", "yes 403 403", "yes 403 403", "yes 403 403"],
    ["deploy token of a group above", "yes 403 403", "yes 403 403", "yes 403 403"],
    ["deploy token of a group below", "yes 403 403", "yes 403 403", "yes 403 403"],
    ["another group's deploy token", "404 404 404", "404 404 404", "yes 403 403"],
  ] as const)("%s", (name, ...expected) => {
    const principal: Principal = PRINCIPALS[name];
    const found = (["PRIVATE", "INTERNAL", "PUBLIC"] as const).map((visibility) =>
      [
        outcome(() => demandGroupSeen(principal, group(visibility))),
        outcome(() => demandGroupAct(principal, "project.create", group(visibility))),
        outcome(() => demandGroupAct(principal, "member.add", group(visibility))),
      ].join(" "),
    );
    expect(found).toEqual(expected);
  });
});

describe("what belongs to nobody's project", () => {
  test("administration", () => {
    expect(outcome(() => demandAdministrator(PRINCIPALS.administrator))).toBe("yes");
    expect(outcome(() => demandAdministrator(OPERATOR))).toBe("yes");
    expect(outcome(() => demandAdministrator(PRINCIPALS.owner))).toBe("403");
    expect(outcome(() => demandAdministrator(PRINCIPALS["its deploy token"]))).toBe("403");
    expect(outcome(() => demandAdministrator(ANONYMOUS))).toBe("401");
  });

  test("being somebody", () => {
    expect(outcome(() => demandUser(PRINCIPALS.stranger))).toBe("yes");
    expect(outcome(() => demandUser(PRINCIPALS["its deploy token"]))).toBe("403");
    expect(outcome(() => demandUser(OPERATOR))).toBe("403");
    expect(outcome(() => demandUser(ANONYMOUS))).toBe("401");
  });
});

describe("scopes open doors", () => {
  const DOORS: Record<TokenScope, ScopedDoor[]> = {
    api: ["go endpoint", "checksum log", "git fetch", "git push", "api read", "api write"],
    read_api: ["go endpoint", "checksum log", "git fetch", "api read"],
    read_user: [],
    read_repository: ["git fetch"],
    write_repository: ["git fetch", "git push"],
    read_package_registry: ["go endpoint", "checksum log"],
    write_package_registry: [],
    read_checksum_log: ["checksum log"],
  };
  const ALL: readonly ScopedDoor[] = DOORS.api;

  test.each(Object.entries(DOORS))("%s opens %j", (scope, doors) => {
    for (const door of ALL) {
      const principal = { ...user(), scopes: [scope as TokenScope] };
      expect(
        outcome(() => requireScope(principal, door)),
        door,
      ).toBe(doors.includes(door) ? "yes" : "403");
    }
  });

  test("the scopes that would do are told", () => {
    const principal = { ...user(), scopes: ["read_user" as const] };
    expect(() => requireScope(principal, "git push")).toThrow(
      expect.objectContaining({ kind: "insufficient-scope", scopes: ["write_repository", "api"] }),
    );
  });

  test("being an administrator is no scope", () => {
    const principal = { ...PRINCIPALS.administrator, scopes: ["read_user" as const] };
    expect(outcome(() => requireScope(principal, "go endpoint"))).toBe("403");
  });

  test("who sends no token has no scopes to lack", () => {
    for (const door of ALL) {
      expect(outcome(() => requireScope(ANONYMOUS, door))).toBe("yes");
      expect(outcome(() => requireScope(OPERATOR, door))).toBe("yes");
    }
  });
});
