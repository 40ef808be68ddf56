// A provider of OpenID Connect, a real one (panva/node-oidc-provider, certified by the OpenID Foundation), over https on this
// machine. Whoever comes to sign in is, without being asked, who the test says; or is refused.
import { writeFileSync } from "node:fs";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";
import { selfSigned } from "../../src/http/self-signed-certificate.ts";
import { atEnd } from "./at-end.ts";
import { temporary } from "./temporary.ts";

export interface Person {
  readonly preferred_username?: string;
  readonly name?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly groups?: readonly string[];
}

export interface TestProvider {
  readonly issuer: string;
  /** The certificate to trust. */
  readonly caFile: string;
  readonly ca: string;
  /** Who is there, by subject. */
  readonly people: Map<string, Person>;
  /** Who signs in next; undefined: the provider refuses. */
  who(subject: string | undefined): void;
  /** Whether it answers at all. */
  away(isAway: boolean): void;
  /** Knows a server as its client, which comes back to it. */
  knows(url: string, clientId: string, clientSecret: string): Promise<void>;
}

/** Starts one, which ends with the test file. */
export async function startProvider(): Promise<TestProvider> {
  const { cert, key } = selfSigned(["localhost", "127.0.0.1"], 90);
  const caFile = join(temporary("provider"), "ca.pem");
  writeFileSync(caFile, cert);
  const people = new Map<string, Person>();
  let subject: string | undefined;
  let isAway = false;
  let provider: Provider | undefined;
  const server = https.createServer({ cert, key }, async (request, response) => {
    if (isAway) return request.socket.destroy();
    if (!request.url!.startsWith("/interaction/")) return provider!.callback()(request, response);
    const result =
      subject === undefined
        ? { error: "access_denied", error_description: "not on a Sunday" }
        : { login: { accountId: subject } };
    return provider!.interactionFinished(request, response, result);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const signing = { ...(await exportJWK(privateKey)), kid: "key-1", use: "sig", alg: "RS256" };
  return {
    ...{ issuer, caFile, ca: cert, people },
    who(next) {
      subject = next;
    },
    away(next) {
      isAway = next;
    },
    async knows(url, clientId, clientSecret) {
      provider = new Provider(issuer, {
        clients: [
          {
            ...{ client_id: clientId, client_secret: clientSecret, grant_types: ["authorization_code"] },
            redirect_uris: [`${url}/-/sign-in/provider/callback`],
            post_logout_redirect_uris: [`${url}/`],
          },
        ],
        claims: {
          openid: ["sub"],
          profile: ["name", "preferred_username"],
          email: ["email", "email_verified"],
          groups: ["groups"],
        },
        features: { devInteractions: { enabled: false } },
        pkce: { required: () => true },
        cookies: { keys: ["of the tests"] },
        jwks: { keys: [signing] },
        interactions: { url: (_, { uid }) => `/interaction/${uid}` },
        async findAccount(_, id) {
          const person = people.get(id);
          return person && { accountId: id, claims: async () => ({ ...person, sub: id }) };
        },
        async loadExistingGrant(ctx) {
          const { client, session, params } = ctx.oidc;
          const grant = new ctx.oidc.provider.Grant({ clientId: client!.clientId, accountId: session!.accountId! });
          grant.addOIDCScope(String(params!.scope));
          await grant.save();
          return grant;
        },
      });
    },
  };
}
