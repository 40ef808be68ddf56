// Mirrors in GraphQL: made, seen, told to look, ended, and by whom.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { testRegistry } from "../support/registry.ts";
import { type Asker, type GraphqlServer, PUBLIC_URL, serveGraphql, signUp } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

let server: GraphqlServer;
let maintainer: Asker;
let developer: Asker;

beforeAll(async () => {
  const registry = await testRegistry();
  server = await serveGraphql(registry);
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  maintainer = server.as(await signUp(registry, { username: "mia" }));
  developer = server.as(await signUp(registry, { username: "dave" }));
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "mia", accessLevel: 40 });
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "dave", accessLevel: 30 });
});

const FIELDS = `id project { fullPath } url username gitHubApp deployKey hostKeyFingerprint enabled intervalSeconds lookedAt succeededAt changedAt nextLookAt
  failures lastError hookUrl createdAt`;
const CREATE = `mutation { mirrorCreate(input: { projectPath: "acme/lib", url: "https://git.example.invalid/acme/lib/",
  username: "ci", password: "s3cret", modulePrefix: "", intervalSeconds: 300 })
  { errors reasons hookSecret withoutPrefix mirror { ${FIELDS} } } }`;
const SHOWN = `{ project(fullPath: "acme/lib") { mirror { ${FIELDS} } } }`;

test("a Maintainer makes one, sees how it does, has it look, and ends it; nobody else does", async () => {
  expect((await developer.data(CREATE)).mirrorCreate).toMatchObject({
    mirror: null,
    reasons: ["access_level_too_low"],
  });
  const { mirrorCreate } = await maintainer.data(CREATE);
  const mirror = {
    id: expect.stringMatching(/^gid:\/\/gokura\/Mirror\/\d+$/),
    project: { fullPath: "acme/lib" },
    url: "https://git.example.invalid/acme/lib",
    ...{
      username: "ci",
      gitHubApp: null,
      deployKey: null,
      hostKeyFingerprint: null,
      enabled: true,
      intervalSeconds: 300,
      failures: 0,
      lastError: null,
    },
    ...{ lookedAt: null, succeededAt: null, changedAt: null },
    ...{ nextLookAt: expect.any(String), createdAt: expect.any(String) },
    hookUrl: expect.stringMatching(new RegExp(`^${PUBLIC_URL}/-/hooks/\\d+$`)),
  };
  expect(mirrorCreate).toEqual({
    ...{ errors: [], reasons: [], withoutPrefix: null },
    hookSecret: expect.stringMatching(/^whsec_/),
    mirror,
  });
  expect((await maintainer.data(SHOWN)).project.mirror).toEqual(mirrorCreate.mirror);
  expect((await developer.data(SHOWN)).project.mirror).toBeNull();
  expect((await maintainer.data(CREATE)).mirrorCreate).toMatchObject({ mirror: null, reasons: ["conflict"] });
  const rest = (name: string, shown: string) =>
    `mutation { ${name}(input: { projectPath: "acme/lib" }) { errors reasons mirror { ${shown} } } }`;
  const update = (asker: Asker, input: string, shown = FIELDS) =>
    asker.data(
      `mutation { mirrorUpdate(input: { projectPath: "acme/lib", ${input} }) { errors reasons mirror { ${shown} } } }`,
    );
  expect(
    (await developer.data(`mutation { mirrorUpdate(input: { projectPath: "acme/lib", enabled: false }) { reasons } }`))
      .mirrorUpdate,
  ).toEqual({ reasons: ["access_level_too_low"] });
  const changed = async (input: string) => (await update(maintainer, input)).mirrorUpdate;
  expect(await changed("enabled: false, intervalSeconds: null")).toMatchObject({
    ...{ errors: [], reasons: [] },
    mirror: { enabled: false, intervalSeconds: null, username: "ci", url: mirror.url },
  });
  expect((await changed('username: "bot", password: "t"')).mirror).toMatchObject({ username: "bot" });
  expect((await changed('password: ""')).mirror).toMatchObject({ username: null });
  expect((await changed('enabled: true, url: "git@git.example.invalid:acme/lib.git"')).mirror).toMatchObject({
    url: "ssh://git@git.example.invalid/acme/lib.git",
    deployKey: expect.stringMatching(/^ssh-ed25519 /),
  });
  expect(await changed('password: "x"')).toMatchObject({ mirror: null, reasons: ["invalid_request"] });
  const key = "-----BEGIN PRIVATE KEY-----\\nAA==\\n-----END PRIVATE KEY-----";
  const app = `gitHubApp: { appId: "1", installationId: "2", privateKey: "${key}" }`;
  expect((await changed(`url: "${mirror.url}", forgetHostKey: true, ${app}`)).mirror).toMatchObject({ gitHubApp: "1" });
  expect(await changed(`password: "x", ${app}`)).toMatchObject({ mirror: null, reasons: ["invalid_request"] });
  const again = `mutation { mirrorCreate(input: { projectPath: "acme/lib", url: "${mirror.url}", ${app} }) { reasons } }`;
  expect((await maintainer.data(again)).mirrorCreate).toEqual({ reasons: ["conflict"] });
  for (const name of ["mirrorSync", "mirrorDelete"]) {
    expect((await developer.data(rest(name, "id")))[name]).toMatchObject({ reasons: ["access_level_too_low"] });
    expect((await maintainer.data(rest(name, "url")))[name]).toEqual({
      ...{ errors: [], reasons: [] },
      mirror: { url: mirror.url },
    });
  }
  expect((await maintainer.data(SHOWN)).project.mirror).toBeNull();
  expect((await maintainer.data(rest("mirrorSync", "id"))).mirrorSync).toMatchObject({ reasons: ["not_found"] });
});

test("nothing of this part was left out", () => expect(leftOut("mirrors", server.sent)).toEqual([]));
