// What our tokens look like: a prefix that names the kind, 30 random letters and digits (178 bits), and a checksum of all
// before it in the last six. Secret scanners find them by the prefix and are sure by the checksum, without asking us;
// the same layout as GitHub's tokens ("Behind GitHub's new authentication token formats").
import { hash, randomInt } from "node:crypto";
import { crc32 } from "node:zlib";
import type { TokenKind } from "../../database/generated/client.ts";

export const TOKEN_PREFIX: Record<TokenKind, string> = { PERSONAL: "gkpt_", DEPLOY: "gkdt_" };

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH = 30;
const CHECKSUM_LENGTH = 6;

/** A new secret, such as gkpt_ and 36 letters and digits. */
export function newSecret(kind: TokenKind): string {
  let secret = TOKEN_PREFIX[kind];
  for (let i = 0; i < RANDOM_LENGTH; i++) secret += ALPHABET[randomInt(ALPHABET.length)];
  return secret + checksum(secret);
}

/** How a token is kept and found: SHA-256 in hex. Enough for a random secret, which no one can guess forwards. */
export function digestOf(secret: string): string {
  return hash("sha256", secret, "hex");
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = ALPHABET[rest % ALPHABET.length] + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
}
