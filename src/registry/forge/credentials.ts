// What we send to servers of others to be let in. A credential is sealed for one origin (secret-box.ts): a mirror that is
// pointed at another host cannot take it along. One that nothing uses any more is deleted.
import type { Transaction } from "../../database/client.ts";
import { Failure } from "../../errors.ts";
import type { Registry } from "../registry.ts";
import type { RemoteCredential } from "./remote-url.ts";

/** A credential as it is stored. */
interface StoredCredential {
  readonly origin: string;
  readonly username: string;
  readonly secret: string;
}

const purposeOf = (origin: string): string => `credential for ${origin}`;

/** Stores a credential for an origin; returns its number. */
export async function storeCredential(
  registry: Registry,
  tx: Transaction,
  origin: string,
  { username, password }: RemoteCredential,
): Promise<number> {
  const secret = (await registry.secrets()).seal(password, purposeOf(origin));
  return (await tx.credential.create({ data: { origin, username, secret } })).id;
}

/** Deletes a credential unless something uses it. */
export async function dropUnusedCredential(tx: Transaction, id: number | null): Promise<void> {
  if (id !== null) await tx.credential.deleteMany({ where: { id, mirrors: { none: {} }, imports: { none: {} } } });
}

/** The Authorization header that it is; throws unavailable when it is for another origin, or cannot be opened. */
export async function authorizationFor(
  registry: Registry,
  url: string,
  stored: StoredCredential | null,
): Promise<string | undefined> {
  if (stored === null) return undefined;
  const password = await passwordFor(registry, url, stored);
  return `Basic ${Buffer.from(`${stored.username}:${password}`).toString("base64")}`;
}

/** The password or token that it is; throws unavailable when it is for another origin, or cannot be opened. */
export async function passwordFor(registry: Registry, url: string, stored: StoredCredential): Promise<string> {
  const { origin } = new URL(url);
  if (stored.origin !== origin) throw new Failure("unavailable", `the stored credentials are not for ${origin}`);
  return (await registry.secrets()).open(stored.secret, purposeOf(origin));
}
