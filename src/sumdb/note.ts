// A note is a text with signatures below it: the text, which ends in a newline, an empty line, and one line
// `— <name> <base64>` for each signature. What is signed is the text with its last newline. In front of the 64 bytes of an
// Ed25519 signature stand four bytes of the hash of name and key, so that a reader finds the signature of a key it knows
// among others, which it passes over; a bad signature of a key it knows is no accident, and the note is refused.
//
//   verifier key   name+hash8+base64(0x01 ‖ public key)
//   signer key     PRIVATE+KEY+name+hash8+base64(0x01 ‖ seed)
//
// hash8 are the first four bytes of SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key), in lower-case hex, in both.
// Sources: golang.org/x/mod/sumdb/note (note.go); https://c2sp.org/signed-note.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { LogFault, malformed } from "./log-fault.ts";

const ALGORITHM_ED25519 = 1;
const KEY_BYTES = 32;
const HASH_BYTES = 4;
/** More lines than that are no note (note.Open). */
const MAX_SIGNATURES = 100;
/** Beyond that nothing is read; a head is some hundred bytes. */
const MAX_NOTE_BYTES = 1_000_000;
const SIGNATURE_LINE = "— ";
const SIGNER_KEY = "PRIVATE+KEY+";
/** RFC 8410, section 7 and 4: what stands in front of a seed in PKCS #8, and of a public key in SPKI. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
/** unicode.IsSpace of Go. */
const SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u;
const CONTROL = /[^\P{Cc}\n\u007f-\u009f]/u;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A key that notes are checked with. */
export interface Verifier {
  readonly name: string;
  /** First four bytes of SHA-256 over name, algorithm and key. */
  readonly keyHash: Buffer;
  verify(text: Buffer, signature: Buffer): boolean;
}

/** A key that notes are signed with. */
export interface Signer {
  readonly name: string;
  readonly keyHash: Buffer;
  /** The verifier key that belongs to it, as GOSUMDB holds it. */
  readonly verifierKey: string;
  /** 64 bytes. Async, because the key may be in another machine. */
  sign(text: Buffer): Promise<Buffer>;
}

/** A note whose signatures were checked. */
export interface OpenedNote {
  /** With its last newline. */
  readonly text: string;
  /** The lines of signatures, of keys that are known and of others, as they came. */
  readonly signatures: string;
}

/** note.isValidName: not empty, no white space, no plus sign. */
function isKeyName(name: string): boolean {
  return name !== "" && !SPACE.test(name) && !name.includes("+") && name.isWellFormed();
}

/** Reads a verifier key as note.NewVerifier does. Throws malformed. */
export function parseVerifierKey(text: string): Verifier {
  const parts = keyParts(text);
  if (!parts) throw malformed(`"${text}" is no verifier key such as sum.example.com+0123abcd+key`);
  const { name, hash8, key } = parts;
  const keyHash = keyHashOf(name, key);
  if (keyHash.toString("hex") !== hash8) throw malformed(`"${text}": the hash does not belong to the name and the key`);
  const publicKey = publicKeyOf(key);
  return { name, keyHash, verify: (message, signature) => verify(null, message, publicKey, signature) };
}

/** Reads a signer key (`PRIVATE+KEY+…`) as note.NewSigner does. Throws malformed; what it throws does not hold the key. */
export function parseSignerKey(text: string): Signer {
  const parts = text.startsWith(SIGNER_KEY) ? keyParts(text.slice(SIGNER_KEY.length)) : undefined;
  if (!parts)
    throw malformed("this is no signer key: it begins with PRIVATE+KEY+ and has name, hash and key behind it");
  const { name, hash8, key } = parts;
  const privateKey = privateKeyOf(key);
  const publicBytes = publicBytesOf(createPublicKey(privateKey));
  const keyHash = keyHashOf(name, publicBytes);
  if (keyHash.toString("hex") !== hash8)
    throw malformed("the signer key is damaged: its hash does not belong to its name and key");
  return {
    name,
    keyHash,
    verifierKey: verifierKeyOf(name, publicBytes),
    sign: async (message) => sign(null, message, privateKey),
  };
}

/** A new signer key of a name, in the form that parseSignerKey reads. Throws malformed for what cannot be a name. */
export function generateSignerKey(name: string): string {
  if (!isKeyName(name)) throw malformed(`"${name}" cannot be the name of a key: no white space and no plus sign`);
  return signerKeyOf(name, generateKeyPairSync("ed25519").privateKey);
}

function signerKeyOf(name: string, privateKey: KeyObject): string {
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-KEY_BYTES);
  const hash8 = keyHashOf(name, publicBytesOf(createPublicKey(privateKey))).toString("hex");
  return `${SIGNER_KEY}${name}+${hash8}+${withAlgorithm(seed).toString("base64")}`;
}

interface KeyParts {
  readonly name: string;
  readonly hash8: string;
  /** 32 bytes, public or secret. */
  readonly key: Buffer;
}

/** A public key `name+hash+base64` whose hash is its own; undefined for what is none of the algorithm. */
export function publicKeyIn(
  text: string,
  algorithm: number,
): { name: string; keyHash: Buffer; publicKey: KeyObject } | undefined {
  const parts = keyParts(text, algorithm);
  if (!parts) return undefined;
  const keyHash = keyHashOf(parts.name, parts.key, algorithm);
  if (keyHash.toString("hex") !== parts.hash8) return undefined;
  return { name: parts.name, keyHash, publicKey: publicKeyOf(parts.key) };
}

/** The parts of `name+hash+base64` of an Ed25519 key; undefined where they have not their form. */
function keyParts(text: string, algorithm: number = ALGORITHM_ED25519): KeyParts | undefined {
  const [, name = "", hash8 = "", base64 = ""] = /^([^+]*)\+([0-9a-fA-F]{8})\+(.*)$/su.exec(text) ?? [];
  const bytes = Buffer.from(base64, "base64");
  if (!isKeyName(name) || !BASE64.test(base64)) return undefined;
  if (bytes.length !== KEY_BYTES + 1 || bytes[0] !== algorithm) return undefined;
  return { name, hash8: hash8.toLowerCase(), key: bytes.subarray(1) };
}

/** The four bytes that stand for a key in signatures: golang.org/x/mod/sumdb/note, keyHash. */
function keyHashOf(name: string, publicKey: Buffer, algorithm: number = ALGORITHM_ED25519): Buffer {
  const message = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(algorithm), publicKey]);
  return hash("sha256", message, "buffer").subarray(0, HASH_BYTES);
}

function verifierKeyOf(name: string, publicKey: Buffer): string {
  return `${name}+${keyHashOf(name, publicKey).toString("hex")}+${withAlgorithm(publicKey).toString("base64")}`;
}

const withAlgorithm = (key: Buffer): Buffer => Buffer.concat([Buffer.of(ALGORITHM_ED25519), key]);
const privateKeyOf = (seed: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
const publicBytesOf = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" }).subarray(-KEY_BYTES);

/** The key object of 32 bytes of an Ed25519 public key. */
function publicKeyOf(bytes: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: "der", type: "spki" });
}

/** The note of a text, which must end in a newline, with the signatures of the signers in their order. */
export async function signNote(text: string, signers: readonly Signer[]): Promise<Buffer> {
  const bytes = Buffer.from(text);
  const lines: string[] = [];
  for (const signer of signers) lines.push(signatureLine(signer.name, signer.keyHash, await signer.sign(bytes)));
  return Buffer.from(`${text}\n${lines.join("")}`);
}

/** One line of a signature, with its newline. */
function signatureLine(name: string, keyHash: Buffer, signature: Buffer): string {
  return `${SIGNATURE_LINE}${name} ${Buffer.concat([keyHash, signature]).toString("base64")}\n`;
}

/** A line of a signature, taken apart. */
export interface SignatureLine {
  readonly name: string;
  readonly keyHash: Buffer;
  /** What stands behind the hash. */
  readonly signature: Buffer;
}

/** Parts a note into its text and the lines of its signatures, unchecked. Throws malformed. */
function splitNote(bytes: Buffer): { text: string; signatures: string; lines: SignatureLine[] } {
  if (bytes.length > MAX_NOTE_BYTES) throw malformed("a note of more than a million bytes");
  const whole = utf8(bytes);
  if (whole === undefined || CONTROL.test(whole))
    throw malformed("a note that is not UTF-8, or holds control characters");
  const split = whole.lastIndexOf("\n\n");
  const [text, signatures] = [whole.slice(0, split + 1), whole.slice(split + 2)];
  if (split < 0 || !signatures.endsWith("\n")) throw malformed("a note without signatures");
  const lines = signatures.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw malformed(`a note with more than ${MAX_SIGNATURES} signatures`);
  return { text, signatures, lines: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): SignatureLine {
  const space = line.indexOf(" ", SIGNATURE_LINE.length);
  const name = line.slice(SIGNATURE_LINE.length, space);
  const base64 = line.slice(space + 1);
  const bytes = Buffer.from(base64, "base64");
  const good = line.startsWith(SIGNATURE_LINE) && space >= 0 && isKeyName(name) && BASE64.test(base64);
  if (!good || bytes.length <= HASH_BYTES) throw malformed("a note with a line that is no signature");
  return { name, keyHash: bytes.subarray(0, HASH_BYTES), signature: bytes.subarray(HASH_BYTES) };
}

/**
 * Opens a note as note.Open does: at least one known key must have signed it, and each signature of a known key must be
 * good. Signatures of other keys say nothing. Throws malformed or signature.
 */
export function openNote(bytes: Buffer, verifiers: readonly Verifier[]): OpenedNote {
  const { text, signatures, lines } = splitNote(bytes);
  const seen = new Set<Verifier>();
  for (const { name, keyHash, signature } of lines) {
    const verifier = verifiers.find((one) => one.name === name && one.keyHash.equals(keyHash));
    if (!verifier || seen.has(verifier)) continue;
    seen.add(verifier);
    if (!verifier.verify(Buffer.from(text), signature))
      throw new LogFault("signature", `the signature of ${name} under this note is not good`);
  }
  if (seen.size === 0)
    throw new LogFault("signature", `the note is not signed by ${verifiers.map(({ name }) => name).join(" or ")}`);
  return { text, signatures };
}

/** Bytes as text; undefined if they are not UTF-8. */
export function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
