// Signing in by a provider of OpenID Connect, a real one on this machine: who becomes whom, what its groups make of somebody,
// and what becomes of answers that are not the provider's to this browser.
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { parseGroupGrants } from "../../src/registry/forge/provider-rules.ts";
import { connectUser, signInByProvider } from "../../src/registry/forge/provider-sign-in.ts";
import { createUser, setUserBlocked } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { ask } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { startProvider, type TestProvider } from "../support/sign-in-provider.ts";
import { type Browser, browser } from "./browser.ts";

const CLIENT = "gokura";
const SECRET = "secret of the client";
const START = "/-/sign-in/provider";

let provider: TestProvider;
let server: TestServer;

const settingsOf = ({ issuer, caFile }: TestProvider) => ({
  GOKURA_OIDC_ISSUER: issuer,
  GOKURA_OIDC_CLIENT_ID: CLIENT,
  GOKURA_OIDC_CLIENT_SECRET: SECRET,
  GOKURA_OIDC_NAME: "Example ID",
  GOKURA_OIDC_SCOPES: "openid profile email groups",
  GOKURA_OIDC_GROUPS: "devs=acme:developer, leads=acme:maintainer, /ops=acme/infra:owner, none=nowhere:owner",
  GOKURA_OIDC_ADMIN_GROUPS: "admins",
  GOKURA_UPSTREAM_CA_FILE: caFile,
});

beforeAll(async () => {
  provider = await startProvider();
  server = await testServer({ environment: settingsOf(provider) });
  await provider.knows(server.url, CLIENT, SECRET);
  for (const fullPath of ["acme", "acme/infra"]) await createGroup(server.registry, OPERATOR, { fullPath });
});

beforeEach(() => provider.away(false));

/** Goes where the provider is asked, through all it says, and returns where it sends the browser back to. */
async function throughProvider(there: string, ca: string): Promise<string> {
  const jar = new Map<string, string>();
  for (let next = new URL(there), hops = 0; hops < 10; hops++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const { status, headers, text } = await ask(next.origin, next.pathname + next.search, { ca, headers: { cookie } });
    for (const set of headers["set-cookie"] ?? []) {
      const [name, value] = set.split(";")[0]!.split("=") as [string, string];
      jar.set(name, value);
    }
    if (headers.location === undefined) throw new Error(`${next.href}: ${status} ${text}`);
    next = new URL(headers.location, next);
    if (next.pathname.startsWith("/-/")) return next.pathname + next.search;
  }
  throw new Error("the provider leads nowhere");
}

/** A browser that was at the provider, and the address to which it was sent back. */
async function backFrom(
  subject: string | undefined,
  { tamper = (url) => url, from = START, visitor }: { tamper?(url: URL): URL; from?: string; visitor?: Browser } = {},
): Promise<{ visitor: Browser; callback: string }> {
  provider.who(subject);
  const one = visitor ?? (await browser(server.url));
  const { status, headers } = await one.get(from);
  expect(status).toBe(303);
  const callback = await throughProvider(tamper(new URL(headers.location!)).href, provider.ca);
  return { visitor: one, callback };
}

async function signedIn(subject: string): Promise<Browser> {
  const { visitor, callback } = await backFrom(subject);
  const { status, text } = await visitor.get(callback);
  if (status !== 303) throw new Error(`${subject}: ${status} ${text}`);
  return visitor;
}

const levelsOf = async (username: string): Promise<Record<string, number>> => {
  const rows = await server.registry.prisma.member.findMany({
    where: { user: { username }, group: { userId: null } },
    include: { group: true },
  });
  return Object.fromEntries(rows.map(({ group, accessLevel }) => [group!.fullPath, accessLevel]));
};

describe("somebody whom the provider vouches for", () => {
  test("is a user from the first sign-in on, and goes to the page that was asked for", async () => {
    provider.people.set("s-1", {
      preferred_username: "Ånna.Berg@example.com",
      name: "Anna Berg",
      email: "anna@example.com",
    });
    const { visitor, callback } = await backFrom("s-1", { from: `${START}?return_to=%2F-%2Fgroups` });
    const { status, headers } = await visitor.get(callback);
    expect([status, headers.location]).toEqual([303, "/-/groups"]);
    expect(headers["set-cookie"]).toEqual([
      expect.stringMatching(/^gokura=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Expires=/),
      expect.stringMatching(/^gokura-sign-in=;/),
    ]);
    expect((await visitor.get("/")).text).toContain(">Anna.Berg</a>");
    const user = await server.registry.prisma.user.findUniqueOrThrow({ where: { email: "anna@example.com" } });
    expect(user).toMatchObject({ username: "Anna.Berg", name: "Anna Berg", admin: false });
    // The next time it is the same one, whatever name the provider has by then.
    provider.people.set("s-1", { preferred_username: "another", email: "other@example.com" });
    expect((await (await signedIn("s-1")).get("/")).text).toContain(">Anna.Berg</a>");
    expect(await server.registry.prisma.user.count({ where: { username: "another" } })).toBe(0);
  });

  test("may change what the user may, and makes tokens for go and git", async () => {
    provider.people.set("s-2", { preferred_username: "bea" });
    const bea = await signedIn("s-2");
    const { status, text } = await bea.submit(
      "/-/user_settings/personal_access_tokens",
      "/-/user_settings/personal_access_tokens",
      {
        ...{ do: "create", name: "laptop", scopes: "read_api", expires: "" },
      },
    );
    expect([status, text]).toEqual([200, expect.stringContaining("The token laptop is made.")]);
    expect(text).toContain("Example ID"); // among the browsers that are signed in
  });

  test("is in the groups that the provider says, each time anew, and others stay as they are", async () => {
    await createGroup(server.registry, OPERATOR, { fullPath: "beside" });
    provider.people.set("s-3", { preferred_username: "cleo", groups: ["devs", "leads", "/ops", "admins", "none"] });
    const cleo = await signedIn("s-3");
    expect(await levelsOf("cleo")).toEqual({ acme: 40, "acme/infra": 50 });
    expect((await cleo.get("/admin")).status).toBe(200);
    await addMember(server.registry, OPERATOR, { groupPath: "beside" }, { username: "cleo", accessLevel: 30 });
    // The last Owner of a group stays, because nobody else could look after it.
    provider.people.set("s-3", { preferred_username: "cleo", groups: ["devs"] });
    await signedIn("s-3");
    expect(await levelsOf("cleo")).toEqual({ acme: 30, "acme/infra": 50, beside: 30 });
    expect(server.logged.join("\n")).toContain("a membership stays as it was");
    expect((await cleo.get("/admin")).status).toBe(403);
    await addMember(server.registry, OPERATOR, { groupPath: "acme/infra" }, { username: "Anna.Berg", accessLevel: 50 });
    provider.people.set("s-3", { preferred_username: "cleo" });
    await signedIn("s-3");
    expect(await levelsOf("cleo")).toEqual({ beside: 30 });
  });

  test("never becomes somebody who is there already, but may be connected by who is", async () => {
    const token = await server.token("dora");
    provider.people.set("s-4", { preferred_username: "dora" });
    const { visitor, callback } = await backFrom("s-4");
    const { status, text } = await visitor.get(callback);
    expect([status, text]).toEqual([403, expect.stringContaining("the name dora is taken here")]);
    expect(text).toContain("sign_in_user_absent");

    const dora = await browser(server.url, token);
    const page = "/-/user_settings/personal_access_tokens";
    const link = /href="([^"]*\/sign-in\/provider\?connect=[^"]+)"/.exec((await dora.get(page)).text)![1]!;
    // The link is of this session alone.
    const other = await browser(server.url, await server.token("eve"));
    expect((await other.get(link)).status).toBe(400);
    const back = await backFrom("s-4", { from: link, visitor: dora });
    const connected = await dora.get(back.callback);
    expect([connected.status, connected.headers.location]).toEqual([303, page]);
    const again = await signedIn("s-4");
    expect((await again.get("/")).text).toContain(">dora</a>");
    // Whoever is connected with somebody is nobody else's.
    const stolen = /href="([^"]*\/sign-in\/provider\?connect=[^"]+)"/.exec((await other.get(page)).text)![1]!;
    const taken = await backFrom("s-4", { from: stolen, visitor: other });
    expect((await other.get(taken.callback)).text).toContain("belongs to another user already");
    // Disconnected, the sessions that it made are over.
    const { text: own } = await dora.get(page);
    const [, id] = /name="do" value="disconnect"><input type="hidden" name="id" value="(\d+)"/.exec(own)!;
    await dora.submit(page, page, { do: "disconnect", id: id! });
    expect((await again.get("/")).text).toContain(">Sign in</a>");
  });

  test("is connected by the one who looks after the machine, where the name fits nobody", async () => {
    await createUser(server.registry, OPERATOR, { username: "root-two" });
    provider.people.set("s-5", { preferred_username: "admin" });
    const { visitor, callback } = await backFrom("s-5");
    expect((await visitor.get(callback)).text).toContain("gives no user name that can be part of a Go module path");
    const { issuer } = provider;
    await connectUser(server.registry, OPERATOR, "root-two", { issuer, subject: "s-5" });
    expect((await (await signedIn("s-5")).get("/")).text).toContain(">root-two</a>");
  });

  test("is nobody while the user is blocked, and the session is over", async () => {
    provider.people.set("s-6", { preferred_username: "fred" });
    const fred = await signedIn("s-6");
    await setUserBlocked(server.registry, OPERATOR, "fred", true);
    expect((await fred.get("/")).text).toContain(">Sign in</a>");
    const { visitor, callback } = await backFrom("s-6");
    const { status, text } = await visitor.get(callback);
    expect([status, text]).toEqual([422, expect.stringContaining("user_blocked")]);
  });

  test("stays a member where the provider has too many groups to send (Entra)", async () => {
    const { issuer } = provider;
    const signIn = (claims: object) =>
      signInByProvider(
        server.registry,
        { issuer, subject: "s-9", claims: { preferred_username: "ida", ...claims } },
        {
          ...{
            usernameClaim: "preferred_username",
            groupsClaim: "groups",
            administrators: undefined,
            createUsers: true,
          },
          grants: parseGroupGrants("devs=acme:developer"),
        },
      );
    await signIn({ groups: ["devs"] });
    await signIn({ _claim_names: { groups: "src1" } });
    expect(await levelsOf("ida")).toEqual({ acme: 30 });
    await signIn({});
    expect(await levelsOf("ida")).toEqual({});
  });

  test("signs out here, and then there", async () => {
    provider.people.set("s-7", { preferred_username: "gina" });
    const gina = await signedIn("s-7");
    const { status, text } = await gina.submit("/", "/-/sign-out");
    expect([status, gina.cookie()]).toEqual([200, undefined]);
    expect(text).toContain(">Sign in</a>");
    const there = new URL(/href="([^"]+)">Sign out of Example ID too/.exec(text)![1]!.replaceAll("&amp;", "&"));
    expect([there.origin, there.searchParams.get("post_logout_redirect_uri")]).toEqual([
      provider.issuer,
      `${server.url}/`,
    ]);
    // The provider takes it: the ID token is one of its own, and the address one that it knows.
    const answer = await ask(there.origin, there.pathname + there.search, { ca: provider.ca });
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("logout")]);
  });
});

describe("an answer that is not the provider's to this browser signs nobody in:", () => {
  const refused = async (visitor: Browser, callback: string) => {
    const { status, text, headers } = await visitor.get(callback);
    const [, fault] = /<p id="fault">([^<]*)<\/p>/.exec(text) ?? [];
    expect(headers["set-cookie"]).toEqual([expect.stringMatching(/^gokura-sign-in=;/)]);
    return [status, /The reason is <code>(\w+)/.exec(text)?.[1], fault];
  };
  beforeAll(() => provider.people.set("s-8", { preferred_username: "hugo" }));

  test("one with another state", async () => {
    const { visitor, callback } = await backFrom("s-8");
    expect(await refused(visitor, callback.replace(/state=[^&]+/, "state=other"))).toEqual([
      ...[422, "sign_in_unfinished"],
      "this sign-in was begun in another browser or too long ago, or was finished already: begin it again",
    ]);
  });

  test("one that another browser asked for", async () => {
    const { callback } = await backFrom("s-8");
    expect(await refused(await browser(server.url), callback)).toEqual([422, "sign_in_unfinished", expect.any(String)]);
  });

  test("one whose code was used", async () => {
    const { visitor, callback } = await backFrom("s-8");
    const pending = visitor.cookie()!;
    expect(pending).toMatch(/^gokura-sign-in=v1\./);
    expect((await visitor.get(callback)).status).toBe(303);
    // Even with the cookie that was taken away.
    const thief = await browser(server.url);
    const { status, text } = await thief.get(callback, { cookie: pending });
    expect([status, text]).toEqual([422, expect.stringContaining("sign_in_unfinished")]);
  });

  test("one to another question (nonce)", async () => {
    const { visitor, callback } = await backFrom("s-8", {
      tamper(url) {
        url.searchParams.set("nonce", "of-another-question");
        return url;
      },
    });
    const [status, reason, fault] = await refused(visitor, callback);
    expect([status, reason]).toEqual([422, "provider_answer_wrong"]);
    expect(fault).toContain("does not prove who you are");
    expect(fault).toContain("nonce");
  });

  test("one of another issuer", async () => {
    const { visitor, callback } = await backFrom("s-8");
    const mixed = callback.replace(/iss=[^&]+/, `iss=${encodeURIComponent("https://evil.example")}`);
    expect(mixed).not.toBe(callback);
    const [status, reason, fault] = await refused(visitor, mixed);
    expect([status, reason]).toEqual([422, "provider_answer_wrong"]);
    expect(fault).toContain("(issuer)");
  });

  test("a refusal, which is told in the provider's words", async () => {
    const { visitor, callback } = await backFrom(undefined);
    expect(await refused(visitor, callback)).toEqual([
      ...[403, "sign_in_refused"],
      "Example ID did not sign you in: not on a Sunday",
    ]);
  });

  test("none, while the provider is away, and tokens sign in meanwhile", async () => {
    const { visitor, callback } = await backFrom("s-8");
    provider.away(true);
    const [status, reason, fault] = await refused(visitor, callback);
    expect([status, reason]).toEqual([503, "provider_unavailable"]);
    expect(fault).toMatch(/^Example ID cannot be asked who you are: .*localhost.*; try again in a minute$/);
    await browser(server.url, ADMIN_TOKEN);
  });

  test("it leads to no other site", async () => {
    const { visitor, callback } = await backFrom("s-8", { from: `${START}?return_to=%2F%2Fevil.example` });
    expect((await visitor.get(callback)).headers.location).toBe("/");
  });
});

test("where the provider alone signs people in, tokens do not, and a provider that is away is said to be", async () => {
  const away = await startProvider();
  const only = await testServer({
    environment: { ...settingsOf(away), GOKURA_OIDC_ONLY: "on", GOKURA_OIDC_CREATE_USERS: "off" },
  });
  const visitor = await browser(only.url);
  const { text } = await visitor.get("/-/sign-in");
  expect(text).not.toContain('name="token"');
  const refused = await visitor.post("/-/sign-in", { token: ADMIN_TOKEN });
  expect([refused.status, refused.text]).toEqual([422, expect.stringContaining("sign_in_by_provider_only")]);
  // For programs they are what they were.
  const feed = await ask(only.url, "/-/versions.atom", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  expect(feed.status).toBe(200);
  away.away(true);
  const answer = await visitor.get(START);
  expect([answer.status, answer.text]).toEqual([503, expect.stringContaining("provider_unavailable")]);
  away.away(false);
  await away.knows(only.url, CLIENT, SECRET);
  away.people.set("x", { preferred_username: "xenia" });
  away.who("x");
  const begun = await visitor.get(START);
  const back = await visitor.get(await throughProvider(begun.headers.location!, away.ca));
  expect([back.status, back.text]).toEqual([403, expect.stringContaining("signing in makes none")]);
});
