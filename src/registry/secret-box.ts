// Secrets of others that we must be able to send again: passwords for the remotes of mirrors, the keys of hooks. A digest would
// not do, so they are sealed: AES-256-GCM with a key that is not in the database, so that a copy of the database alone opens
// nothing. Each is sealed for a purpose that it is bound to as additional data, such as "credential for https://git.example.com":
// moved to another row, or pointed at another host, it does not open.
// Sources: NIST SP 800-38D (GCM; 96-bit random nonces, of which one key may have 2^32); RFC 5869 (HKDF).
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../errors.ts";
import { writeDurably } from "../storage/durable-files.ts";

/** Where the key is kept in the data directory unless GOKURA_SECRET_KEY has it. */
const SECRET_KEY_FILE = "secret-key";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = "v1";

/** Seals and opens secrets with one key. */
export interface SecretBox {
  /** A text that says nothing of the secret, for the database. */
  seal(secret: string, purpose: string): string;
  /** The secret; throws Failure("unavailable") when it was sealed with another key or for another purpose. */
  open(sealed: string, purpose: string): string;
}

/** A new key as GOKURA_SECRET_KEY takes it. */
function generateSecretKey(): string {
  return randomBytes(KEY_BYTES).toString("base64url");
}

/** Opens the box with the key that was set, else with that of the data directory, which the first use makes. */
export async function openSecretBox(dataDirectory: string, set: string | undefined): Promise<SecretBox> {
  return secretBox(set ?? (await keyOf(dataDirectory)));
}

/** A box with this key. */
function secretBox(secretKey: string): SecretBox {
  const key = Buffer.from(hkdfSync("sha256", secretKey, "", "gokura secret box", KEY_BYTES));
  const keyId = createHash("sha256").update(key).digest("hex").slice(0, 8);
  return {
    seal(secret, purpose) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(purpose));
      const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
      return [VERSION, keyId, Buffer.concat([nonce, text, cipher.getAuthTag()]).toString("base64url")].join(".");
    },
    open(sealed, purpose) {
      const [version, sealedWith, body = ""] = sealed.split(".");
      if (version !== VERSION || sealedWith !== keyId)
        throw cannotOpen(`it was sealed with another key (${sealedWith}, ours is ${keyId})`);
      const bytes = Buffer.from(body, "base64url");
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-TAG_BYTES));
        return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
      } catch (cause) {
        throw cannotOpen("it is damaged, or was sealed for something else", cause);
      }
    },
  };
}

function cannotOpen(why: string, cause?: unknown): Failure {
  return new Failure(
    "unavailable",
    `a stored secret cannot be opened: ${why}; put the ${SECRET_KEY_FILE} file of the backup back, or give the secret again`,
    { cause },
  );
}

/** Two processes that make the first key at once both get the one that was there first. */
async function keyOf(dataDirectory: string): Promise<string> {
  const file = join(dataDirectory, SECRET_KEY_FILE);
  for (;;) {
    try {
      const key = (await readFile(file, "utf8")).trim();
      if (key.length < generateSecretKey().length) throw new Error("it holds no key");
      return key;
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code !== "ENOENT")
        throw new Failure("unavailable", `${file} cannot be read (${message}): put a copy in its place`, { cause });
    }
    await writeDurably(file, `${generateSecretKey()}\n`, { mode: 0o600, ifNew: true });
  }
}
