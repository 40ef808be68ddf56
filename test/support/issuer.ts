// An issuer of ID tokens as GitHub Actions and GitLab are ones: over https on this machine, with a discovery document and keys,
// which it can change, withhold or lie about. Its tokens are signed by jose.
import { writeFileSync } from "node:fs";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { selfSigned } from "../../src/http/self-signed-certificate.ts";
import { atEnd } from "./at-end.ts";
import { temporary } from "./temporary.ts";

export interface Issuer {
  /** What its tokens say as `iss`. */
  readonly url: string;
  /** The certificate to trust. */
  readonly caFile: string;
  /** How often it was asked for its keys. */
  readonly asked: () => number;
  /** A signed token: claims, and what to do otherwise than right. */
  token(claims: JWTPayload, otherwise?: Otherwise): Promise<string>;
  /** A token that is not signed. */
  unsigned(claims: JWTPayload): string;
  /** Makes a new key; the old one is published no more. */
  rotate(): Promise<void>;
  /** What it answers from now on instead of the truth; undefined: the truth. */
  answer(with_: ((path: string) => { readonly status: number; readonly body: string } | undefined) | undefined): void;
}

interface Otherwise {
  readonly kid?: string;
  /** Seconds from now until it expires; undefined: never. */
  readonly expiresIn?: number | undefined;
  readonly issuer?: string;
}

/** Starts one, which ends with the test file. */
export async function startIssuer(): Promise<Issuer> {
  const { cert, key } = selfSigned(["localhost", "127.0.0.1"], 90);
  const caFile = join(temporary("issuer"), "ca.pem");
  writeFileSync(caFile, cert);
  const makeKey = async (kid: string) => ({ kid, ...(await generateKeyPair("ES256", { extractable: true })) });
  let current = await makeKey("key-1");
  let keysMade = 1;
  let asked = 0;
  let instead: Parameters<Issuer["answer"]>[0];
  const server = https.createServer({ cert, key }, async (request, response) => {
    const path = request.url ?? "";
    if (path === "/keys") asked++;
    const other = instead?.(path);
    const body = other?.body ?? JSON.stringify(await truth(path));
    response.writeHead(other?.status ?? 200, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const truth = async (path: string): Promise<object> =>
    path === "/keys"
      ? { keys: [{ ...(await exportJWK(current.publicKey)), kid: current.kid, alg: "ES256", use: "sig" }] }
      : { issuer: url, jwks_uri: `${url}/keys` };
  return {
    url,
    caFile,
    asked: () => asked,
    token(claims, { kid = current.kid, issuer = url, ...otherwise } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const expiresIn = "expiresIn" in otherwise ? otherwise.expiresIn : 300;
      const end = expiresIn === undefined ? {} : { exp: now + expiresIn };
      const whole = { iss: issuer, iat: now, nbf: now - 1, ...end, ...claims };
      return new SignJWT(whole).setProtectedHeader({ alg: "ES256", kid }).sign(current.privateKey);
    },
    unsigned: (claims) => new UnsecuredJWT({ iss: url, ...claims }).setExpirationTime("5m").encode(),
    async rotate() {
      keysMade++;
      current = await makeKey(`key-${keysMade}`);
    },
    answer(with_) {
      instead = with_;
    },
  };
}
