// Deploy keys: a pair of keys for one mirror. The private half is sealed and never shown; the public half is told, to be put
// beside the repository there. Ed25519, which every forge and every sshd of the last ten years takes. Node makes the pair; OpenSSH
// reads private keys of that kind in a form of its own alone.
// Sources: RFC 8709, 4 (ssh-ed25519); RFC 4251, 5 (string); OpenSSH's PROTOCOL.key (openssh-key-v1).
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";

const KIND = "ssh-ed25519";
/** Bytes of a raw key: what stands at the end of its DER. */
const RAW_BYTES = 32;
/** What an unencrypted private part is padded to. */
const BLOCK_BYTES = 8;

export interface DeployKey {
  /** As authorized_keys has it, with a comment. */
  readonly publicKey: string;
  /** As `ssh -i` reads it. */
  readonly privateKey: string;
}

/** Makes a pair. The comment tells whose it is at the forge. */
export function makeDeployKey(comment: string): DeployKey {
  const pair = generateKeyPairSync("ed25519");
  const raw = pair.publicKey.export({ type: "spki", format: "der" }).subarray(-RAW_BYTES);
  const seed = pair.privateKey.export({ type: "pkcs8", format: "der" }).subarray(-RAW_BYTES);
  const publicBlob = Buffer.concat([string(KIND), string(raw)]);
  const check = randomBytes(4);
  const secret = [check, check, publicBlob, string(Buffer.concat([seed, raw])), string(comment)];
  const length = secret.reduce((sum, part) => sum + part.length, 0);
  const padding = Buffer.from(Array.from({ length: -length & (BLOCK_BYTES - 1) }, (_, n) => n + 1));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...[string("none"), string("none"), string(""), number(1)],
    ...[string(publicBlob), string(Buffer.concat([...secret, padding]))],
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g)!;
  return {
    publicKey: `${KIND} ${publicBlob.toString("base64")} ${comment}`,
    privateKey: ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n"),
  };
}

/** How people compare keys, `SHA256:…`: of a public key as authorized_keys and known_hosts have it. */
export function fingerprintOf(publicKey: string): string {
  const blob = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function string(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([number(bytes.length), bytes]);
}
