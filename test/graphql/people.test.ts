// Users and groups as lists, and the life of a user, through GraphQL.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createPersonalToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { testRegistry } from "../support/registry.ts";
import { type Asker, type GraphqlServer, serveGraphql, signUp } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

let registry: Registry;
let server: GraphqlServer;
let root: Asker;
let alice: Asker;

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  root = server.as(await signUp(registry, { username: "root", admin: true, email: "root@example.com" }));
  alice = server.as(await signUp(registry, { username: "alice", name: "Alice L." }));
  await signUp(registry, { username: "bob", email: "bob@example.org" });
  await createGroup(registry, OPERATOR, { fullPath: "acme", name: "Acme Inc.", visibility: "PUBLIC" });
  await createGroup(registry, OPERATOR, { fullPath: "acme/tools", visibility: "INTERNAL" });
  await createGroup(registry, OPERATOR, { fullPath: "cave" });
});

const LIST = `query ($search: String, $admins: Boolean, $blocked: Boolean, $first: Int, $after: String, $last: Int, $before: String) {
  users(search: $search, admins: $admins, blocked: $blocked, first: $first, after: $after, last: $last, before: $before) {
    nodes { username } edges { cursor node { username } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`;

const namesFor = async (asker: Asker, variables = {}): Promise<string[]> =>
  (await asker.data(LIST, variables)).users.nodes.map((user: { username: string }) => user.username);

describe("users", () => {
  test("are seen by those who are signed in", async () => {
    expect(await namesFor(alice)).toEqual(["root", "alice", "bob"]);
    const { data, errors } = await server.as()(LIST);
    expect([data, errors]).toMatchObject([{ users: null }, [{ extensions: { code: "UNAUTHENTICATED" } }]]);
    expect(await server.as().data(`{ user(username: "alice") { id } }`)).toEqual({ user: null });
    expect(
      await alice.data(`{ user(username: "ROOT") { username email admin } none: user(username: "x") { id } }`),
    ).toEqual({
      user: { username: "root", email: null, admin: null },
      none: null,
    });
  });

  test("are found by name; by address only by administrators", async () => {
    expect(await namesFor(alice, { search: "ALICE l" })).toEqual(["alice"]);
    expect(await namesFor(alice, { search: "example.org" })).toEqual([]);
    expect(await namesFor(root, { search: "example.org" })).toEqual(["bob"]);
    expect(await namesFor(root, { admins: true })).toEqual(["root"]);
    expect(await namesFor(alice, { search: "_" })).toEqual([]);
  });

  test("come in pages", async () => {
    const { users } = await alice.data(LIST, { first: 1 });
    expect(users.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    expect(await namesFor(alice, { first: 1, after: users.pageInfo.endCursor })).toEqual(["alice"]);
    expect(await namesFor(alice, { last: 1 })).toEqual(["bob"]);
    expect(await namesFor(alice, { last: 2, before: users.pageInfo.startCursor })).toEqual([]);
  });

  test("are made, changed, blocked and deleted by administrators, and by nobody else", async () => {
    const create = `mutation { userCreate(input: { username: "carol", name: "Carol", email: "c@example.com", admin: false }) {
      errors reasons user { username name email admin blocked } } }`;
    const refused = [expect.stringContaining("administrators")];
    const reasons = ["administrators_only"];
    expect((await alice.data(create)).userCreate).toEqual({ errors: refused, reasons, user: null });
    expect((await root.data(create)).userCreate).toEqual({
      errors: [],
      reasons: [],
      user: { username: "carol", name: "Carol", email: "c@example.com", admin: false, blocked: false },
    });
    expect((await root.data(create)).userCreate).toMatchObject({ errors: [/taken/], user: null });
    const { secret } = await createPersonalToken(registry, OPERATOR, "carol", { name: "t", scopes: ["read_api"] });
    const carol = server.as(secret);
    expect((await carol.data("{ currentUser { username } }")).currentUser.username).toBe("carol");

    const update = `mutation { userUpdate(input: { username: "CAROL", name: "C.", email: "d@example.com", admin: true, blocked: true }) {
      errors reasons user { username name email admin blocked } } }`;
    expect((await alice.data(update)).userUpdate).toEqual({ errors: refused, reasons, user: null });
    expect((await root.data(update)).userUpdate).toEqual({
      errors: [],
      reasons: [],
      user: { username: "carol", name: "C.", email: "d@example.com", admin: true, blocked: true },
    });
    expect((await carol("{ currentUser { username } }")).status).toBe(401);
    expect(await namesFor(root, { blocked: true })).toEqual(["carol"]);
    expect(await namesFor(root, { blocked: false })).not.toContain("carol");

    const connect = (username: string, more = `issuer: "https://id.example.com", subject: "s-1"`) =>
      `mutation { userConnect(input: { username: "${username}", ${more} }) { errors reasons user { username } } }`;
    expect((await alice.data(connect("alice"))).userConnect).toEqual({ errors: refused, reasons, user: null });
    for (let again = 0; again < 2; again++)
      expect((await root.data(connect("carol"))).userConnect).toEqual({
        ...{ errors: [], reasons: [], user: { username: "carol" } },
      });
    const [taken, unknown, nowhere] = [
      connect("alice"),
      connect("nobody"),
      connect("alice", `issuer: "", subject: ""`),
    ];
    expect((await root.data(taken)).userConnect.errors).toEqual([
      "this identity at the provider belongs to another user already",
    ]);
    expect((await root.data(unknown)).userConnect.errors).toEqual([expect.stringContaining("there is no user nobody")]);
    expect((await root.data(nowhere)).userConnect.errors).toEqual([expect.stringContaining("address of the provider")]);

    const remove = `mutation { userDelete(input: { username: "carol" }) { errors reasons } }`;
    expect((await alice.data(remove)).userDelete).toEqual({ errors: refused, reasons });
    expect((await root.data(remove)).userDelete).toEqual({ errors: [], reasons: [] });
    expect((await root.data(remove)).userDelete.errors).toEqual(["there is no user carol"]);
    expect(
      (await root.data(`mutation { userDelete(input: { username: "root" }) { errors } }`)).userDelete.errors,
    ).toEqual([expect.stringContaining("oneself")]);
  });
});

test("groups that one may see, without the namespaces of users", async () => {
  const list = `query ($search: String, $topLevelOnly: Boolean, $first: Int, $after: String, $last: Int, $before: String) {
    groups(search: $search, topLevelOnly: $topLevelOnly, first: $first, after: $after, last: $last, before: $before) {
      nodes { fullPath } pageInfo { startCursor endCursor hasNextPage } } }`;
  const paths = async (asker: Asker, variables = {}) =>
    (await asker.data(list, variables)).groups.nodes.map((group: { fullPath: string }) => group.fullPath);
  expect(await paths(server.as())).toEqual(["acme"]);
  expect(await paths(alice)).toEqual(["acme", "acme/tools"]);
  expect(await paths(root)).toEqual(["acme", "acme/tools", "cave"]);
  expect(await paths(root, { topLevelOnly: true })).toEqual(["acme", "cave"]);
  expect(await paths(root, { search: "INC" })).toEqual(["acme"]);
  const { endCursor } = (await root.data(list, { first: 1 })).groups.pageInfo;
  expect(await paths(root, { first: 1, after: endCursor })).toEqual(["acme/tools"]);
  expect(await paths(root, { last: 1, before: endCursor })).toEqual([]);
});

test("nothing of this part was left out", () => {
  expect(leftOut("people", server.sent)).toEqual([]);
});
