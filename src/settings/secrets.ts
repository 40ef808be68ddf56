// Settings that are secrets. Nothing that these functions throw holds what they were given.

import { checkDatabaseName } from "../sumdb/database-name.ts";
import { parseSignerKey } from "../sumdb/note.ts";

/** Signing keys, white space between them; the first is the one of the name. Nothing that this throws holds a key. */
export function parseSigningKeys(text: string, name: string | undefined): string[] {
  const keys = text.trim().split(/\s+/);
  const names = keys.map((key) => checkDatabaseName(parseSignerKey(key).name));
  if (name !== undefined && names[0] !== name)
    throw new Error(`its first key is of the name ${names[0]}, and GOKURA_SUMDB_NAME is ${name}`);
  return keys;
}

/** The key that secrets of others are sealed with: 32 random bytes or more, in whatever spelling. */
export function parseSecretKey(text: string): string {
  if (!/^[\x21-\x7e]{43,}$/.test(text))
    throw new Error("must be at least 43 printable characters without spaces, such as openssl rand -base64 32 prints");
  return text;
}

/** A URL of PostgreSQL, as it was written. Throws an example if it is none. */
export function parseDatabaseUrl(text: string): string {
  if (!URL.canParse(text) || !/^postgres(ql)?:$/.test(new URL(text).protocol))
    throw new Error("not a PostgreSQL URL such as postgresql://user:password@host:5432/gokura");
  return text;
}

/** A token of at least 20 printable characters, as it was written. Throws the rule if it is too weak. */
export function parseAdminToken(text: string): string {
  if (!/^[\x21-\x7e]{20,}$/.test(text)) throw new Error("must be at least 20 printable characters without spaces");
  return text;
}
