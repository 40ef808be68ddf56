// Hooks in GraphQL: made, changed, deleted, and by whom; their deliveries, which can be had once more.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { announce } from "../../src/registry/forge/hook-events.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { testRegistry } from "../support/registry.ts";
import { type Asker, type GraphqlServer, serveGraphql, signUp } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

const LEVELS = { developer: 30, maintainer: 40, owner: 50 } as const;
let registry: Registry;
let server: GraphqlServer;
let projectId: number;
const members = {} as Record<keyof typeof LEVELS, Asker>;

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  projectId = (await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" })).id;
  for (const [username, accessLevel] of Object.entries(LEVELS)) {
    members[username as keyof typeof LEVELS] = server.as(await signUp(registry, { username }));
    await addMember(registry, OPERATOR, { groupPath: "acme" }, { username, accessLevel });
  }
});

const FIELDS = `id project { fullPath } group { fullPath } url name description events hasToken failingSince disabledAt
  createdAt deliveries(first: 5) { id messageId event body attempts nextAttemptAt attemptedAt durationMs status response
    error createdAt }`;

test("of a project: a Maintainer makes, changes, looks, delivers again and deletes", async () => {
  const { hookCreate } = await members.maintainer.data(`mutation { hookCreate(input: { projectPath: "acme/lib",
    url: "https://hooks.example.com/in", name: "chat", description: "words", events: ["tag.moved", "version.published"],
    token: "sesame", signingToken: "whsec_${"A".repeat(43)}=" }) { errors reasons signingToken hook { ${FIELDS} } } }`);
  expect(hookCreate).toEqual({
    errors: [],
    reasons: [],
    signingToken: `whsec_${"A".repeat(43)}=`,
    hook: {
      id: expect.stringMatching(/^gid:\/\/gokura\/Hook\/\d+$/),
      ...{ project: { fullPath: "acme/lib" }, group: null, url: "https://hooks.example.com/in", name: "chat" },
      ...{ description: "words", events: ["tag.moved", "version.published"], hasToken: true },
      ...{ failingSince: null, disabledAt: null, createdAt: expect.any(String), deliveries: [] },
    },
  });
  const { id } = hookCreate.hook;
  await registry.prisma.$transaction((tx) => announce(tx, { projectId }, "tag.moved", [{ tag: "v1.0.0" }], "somebody"));
  const listed = `{ project(fullPath: "acme/lib") { hooks { ${FIELDS} } } }`;
  const [hook] = (await members.maintainer.data(listed)).project.hooks;
  expect((await members.developer.data(listed)).project.hooks).toBeNull();
  const [delivery] = hook.deliveries;
  expect(delivery).toMatchObject({ event: "tag.moved", attempts: 0, status: null, nextAttemptAt: expect.any(String) });
  expect(JSON.parse(delivery.body).data).toMatchObject({ actor: "somebody", tags: [{ tag: "v1.0.0" }] });
  const resend = `mutation { hookDeliveryResend(input: { id: "${delivery.id}" }) { errors reasons delivery { messageId } } }`;
  expect((await members.developer.data(resend)).hookDeliveryResend).toMatchObject({ reasons: ["not_found"] });
  expect((await members.maintainer.data(resend)).hookDeliveryResend).toEqual({
    ...{ errors: [], reasons: [], delivery: { messageId: delivery.messageId } },
  });
  const update = `mutation { hookUpdate(input: { id: "${id}", url: "https://other.example.com", name: "mail", description: "",
    events: ["tag.deleted"], token: "", signingToken: null }) { errors reasons hook { url name events hasToken } } }`;
  expect((await members.developer.data(update)).hookUpdate).toMatchObject({ hook: null, reasons: ["not_found"] });
  expect((await members.maintainer.data(update)).hookUpdate.hook).toEqual({
    ...{ url: "https://other.example.com", name: "mail", events: ["tag.deleted"], hasToken: false },
  });
  const end = `mutation { hookDelete(input: { id: "${id}" }) { errors reasons hook { id } } }`;
  expect((await members.developer.data(end)).hookDelete).toMatchObject({ hook: null, reasons: ["not_found"] });
  expect((await members.maintainer.data(end)).hookDelete).toEqual({ errors: [], reasons: [], hook: { id } });
  expect((await members.maintainer.data(listed)).project.hooks).toEqual([]);
});

test("of a group: Owners, and no Maintainer; unknown events are named", async () => {
  const create = (events: string) =>
    `mutation { hookCreate(input: { groupPath: "acme", url: "https://hooks.example.com"${events} }) {
      errors reasons signingToken hook { events group { fullPath } } } }`;
  expect((await members.maintainer.data(create(""))).hookCreate.reasons).toEqual(["access_level_too_low"]);
  const { hookCreate } = await members.owner.data(create(""));
  expect(hookCreate.hook.group).toEqual({ fullPath: "acme" });
  expect(hookCreate.hook.events).toContain("module.refused");
  const key = Buffer.from(hookCreate.signingToken.slice("whsec_".length), "base64");
  expect(key.length).toBe(32);
  expect((await members.owner.data(create(', events: ["push"]'))).hookCreate.errors[0]).toMatch(
    /no event push: choose/,
  );
  const listed = `{ group(fullPath: "acme") { hooks { id } } }`;
  expect((await members.maintainer.data(listed)).group.hooks).toBeNull();
  expect((await members.owner.data(listed)).group.hooks).toHaveLength(1);
});

test("nothing of this part was left out", () => expect(leftOut("hooks", server.sent)).toEqual([]));
