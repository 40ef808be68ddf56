// Trusted issuers of ID tokens in GraphQL: made, seen, ended, and by whom.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { testRegistry } from "../support/registry.ts";
import { type Asker, type GraphqlServer, PUBLIC_URL, serveGraphql, signUp } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

const ISSUER = "https://token.actions.githubusercontent.com";
const LEVELS = { developer: 30, maintainer: 40, owner: 50 } as const;
let server: GraphqlServer;
const members = {} as Record<keyof typeof LEVELS | "stranger", Asker>;

beforeAll(async () => {
  const registry = await testRegistry();
  server = await serveGraphql(registry);
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  members.stranger = server.as(await signUp(registry, { username: "stranger" }));
  for (const [username, accessLevel] of Object.entries(LEVELS)) {
    members[username as keyof typeof LEVELS] = server.as(await signUp(registry, { username }));
    await addMember(registry, OPERATOR, { groupPath: "acme" }, { username, accessLevel });
  }
});

const FIELDS =
  "id project { fullPath } group { fullPath } issuer audience claims { name pattern } scopes expiresAt createdAt";
const create = (where: string, more = "") => `mutation { trustCreate(input: { ${where}, issuer: "${ISSUER}",
  claims: [{ name: "repository", pattern: "acme/*" }, { name: "ref", pattern: "refs/tags/v*" }],
  scopes: [READ_PACKAGE_REGISTRY, WRITE_REPOSITORY]${more} }) { errors reasons trust { ${FIELDS} } } }`;

test("of a project: a Maintainer makes and ends them; the audience is this server's URL if none is named", async () => {
  const { trustCreate } = await members.maintainer.data(create('projectPath: "acme/lib"'));
  const made = {
    id: expect.stringMatching(/^gid:\/\/gokura\/Trust\/\d+$/),
    project: { fullPath: "acme/lib" },
    group: null,
    issuer: ISSUER,
    audience: PUBLIC_URL,
    claims: [
      { name: "ref", pattern: "refs/tags/v*" },
      { name: "repository", pattern: "acme/*" },
    ],
    scopes: ["WRITE_REPOSITORY", "READ_PACKAGE_REGISTRY"],
    expiresAt: null,
    createdAt: expect.any(String),
  };
  expect(trustCreate.errors).toEqual([]);
  expect(trustCreate.trust).toEqual(made);
  const listed = `{ project(fullPath: "acme/lib") { trusts { id } } }`;
  expect((await members.maintainer.data(listed)).project.trusts).toEqual([{ id: trustCreate.trust.id }]);
  for (const other of [members.developer, members.stranger])
    expect((await other.data(listed)).project.trusts).toBeNull();
  const end = `mutation { trustDelete(input: { id: "${trustCreate.trust.id}" }) { errors reasons trust { id } } }`;
  for (const other of [members.developer, members.stranger])
    expect((await other.data(end)).trustDelete).toMatchObject({ trust: null, reasons: ["not_found"] });
  expect((await members.maintainer.data(end)).trustDelete).toEqual({
    errors: [],
    reasons: [],
    trust: { id: trustCreate.trust.id },
  });
  expect((await members.maintainer.data(listed)).project.trusts).toEqual([]);
});

test("of a group: an Owner; its Maintainers see it and may not end it", async () => {
  const query = create('groupPath: "acme"', ', audience: "here", expiresAt: "2099-01-01T00:00:00.000Z"');
  expect((await members.maintainer.data(query)).trustCreate.reasons).toEqual(["access_level_too_low"]);
  const { trust } = (await members.owner.data(query)).trustCreate;
  expect(trust).toMatchObject({ group: { fullPath: "acme" }, audience: "here", expiresAt: "2099-01-01T00:00:00.000Z" });
  const listed = `{ group(fullPath: "acme") { trusts { id } } }`;
  expect((await members.maintainer.data(listed)).group.trusts).toEqual([{ id: trust.id }]);
  const end = `mutation { trustDelete(input: { id: "${trust.id}" }) { errors reasons } }`;
  expect((await members.maintainer.data(end)).trustDelete.reasons).toEqual(["access_level_too_low"]);
  expect((await members.owner.data(end)).trustDelete.errors).toEqual([]);
});

test.each([
  ["neither place", create('audience: "x"'), /either a project or a group/],
  ["both places", create('projectPath: "acme/lib", groupPath: "acme"'), /either a project or a group/],
  [
    "another scope",
    create('projectPath: "acme/lib"').replace("WRITE_REPOSITORY", "API"),
    /api cannot be a scope of a trust/,
  ],
  ["no owner", create('projectPath: "acme/lib"').replace("acme/*", "*"), /names the owner/],
  ["http", create('projectPath: "acme/lib"').replace(ISSUER, "http://ci.example.com"), /an https URL/],
  ["a claim twice", create('projectPath: "acme/lib"').replace('"ref"', '"repository"'), /named twice/],
])("refused: %s", async (_, query, message) => {
  const { trustCreate } = await members.owner.data(query);
  expect(trustCreate).toMatchObject({ trust: null, errors: [expect.stringMatching(message)] });
});

test("nothing of this part was left out", () => expect(leftOut("trusts", server.sent)).toEqual([]));
