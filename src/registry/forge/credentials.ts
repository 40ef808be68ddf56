// What we send to servers of others to be let in. A credential is sealed for one origin (secret-box.ts): a mirror that is
// pointed at another host cannot take it along. One that nothing uses any more is deleted. By ssh it is a key of ours, and
// beside it stands the host's own key, which is pinned when the host is first asked.
import type { Transaction } from "../../database/client.ts";
import type { Prisma } from "../../database/generated/client.ts";
import { Failure, invalid } from "../../errors.ts";
import type { Registry } from "../registry.ts";
import type { CredentialRow } from "../rows.ts";
import { type DeployKey, makeDeployKey } from "./deploy-key.ts";
import { checkCredential, checkGitHubApp, type GitHubApp, isSsh, type RemoteCredential } from "./remote-url.ts";

/** What may be sent to be let in: a password, an app that makes one, or a key of ours. */
export type NewCredential = RemoteCredential | GitHubApp | DeployKey;

/** What git and GitHub know apps by, in the place of a user. */
const APP_USERNAME = "x-access-token";

const purposeOf = (origin: string): string => `credential for ${origin}`;

/** Checks what people gave for an address, and makes a key where the address wants one. Undefined: nothing is sent. */
export function credentialFor(
  address: { readonly url: string; readonly credential: RemoteCredential | undefined },
  given: RemoteCredential | GitHubApp | undefined,
  comment: string,
): NewCredential | undefined {
  if (isSsh(address.url)) {
    if (given === undefined) return makeDeployKey(comment);
    throw invalid("by ssh a deploy key is made: give no password and no app", "url");
  }
  const credential = given ?? address.credential;
  if (credential === undefined) return undefined;
  return "appId" in credential ? checkGitHubApp(credential) : checkCredential(credential);
}

/** Stores a credential for an origin; returns its number. */
export async function storeCredential(
  registry: Registry,
  tx: Transaction,
  origin: string,
  credential: NewCredential,
): Promise<number> {
  const box = await registry.secrets();
  const seal = (secret: string): string => box.seal(secret, purposeOf(origin));
  const data = (): Prisma.CredentialCreateInput => {
    if ("password" in credential) return { origin, username: credential.username, secret: seal(credential.password) };
    const { privateKey, ...rest } = credential;
    if ("appId" in rest)
      return { ...rest, kind: "GITHUB_APP", origin, username: APP_USERNAME, secret: seal(privateKey) };
    return { ...rest, kind: "DEPLOY_KEY", origin, username: "git", secret: seal(privateKey) };
  };
  return (await tx.credential.create({ data: data() })).id;
}

/** Deletes a credential unless something uses it. */
export async function dropUnusedCredential(tx: Transaction, id: number | null): Promise<void> {
  if (id !== null) await tx.credential.deleteMany({ where: { id, mirrors: { none: {} }, imports: { none: {} } } });
}

/** The secret of a credential; throws unavailable when it is for another origin, or cannot be opened. */
export async function secretOf(registry: Registry, origin: string, stored: CredentialRow): Promise<string> {
  if (stored.origin !== origin) throw new Failure("unavailable", `the stored credentials are not for ${origin}`);
  return (await registry.secrets()).open(stored.secret, purposeOf(origin));
}

/** Pins the key that a host showed when it was first asked; one that is pinned stays. Returns the one that is pinned. */
export async function pinHostKey(registry: Registry, credentialId: number, hostKey: string): Promise<string | null> {
  const { rows } = await registry.database.pool.query<{ host_key: string | null }>(
    "UPDATE credential SET host_key = COALESCE(host_key, $2) WHERE id = $1 RETURNING host_key",
    [credentialId, hostKey],
  );
  return rows[0]?.host_key ?? null;
}
