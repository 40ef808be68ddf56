// A witness keeps the largest head that it has seen of a log, signs another only if it continues that one, and signs the time
// with it. Who trusts the witness need not wonder whether others are shown another history. What it signs:
//
//   cosignature/v1
//   time 1700000000
//   <the text of the checkpoint>
//
// In the note its line holds, behind the key's hash, the time in eight bytes and the signature.
// Sources: https://c2sp.org/tlog-cosignature, https://c2sp.org/tlog-witness.
import { verify } from "node:crypto";
import { invalid } from "../errors.ts";
import { LogFault, malformed } from "./log-fault.ts";
import { publicKeyIn, type Verifier } from "./note.ts";
import type { Proof } from "./tree-proof.ts";

const ALGORITHM_COSIGNATURE = 4;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** The key of a witness, `name+hash+key` with the algorithm 4. Throws malformed. */
export function parseCosignerKey(text: string): Verifier {
  const key = publicKeyIn(text, ALGORITHM_COSIGNATURE);
  if (!key) throw malformed(`"${text}" is no key of a witness such as witness.example.com+0123abcd+key`);
  return {
    name: key.name,
    keyHash: key.keyHash,
    verify(text, signature) {
      if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return false;
      const time = signature.readBigUInt64BE();
      const message = Buffer.concat([Buffer.from(`cosignature/v1\ntime ${time}\n`), text]);
      return verify(null, message, key.publicKey, signature.subarray(TIME_BYTES));
    },
  };
}

/** What a witness is sent: the size that it knows, the proof that the new head continues it, and the head. */
export function witnessRequest(oldSize: number, proof: Proof, checkpoint: Buffer): Buffer {
  const hashes = proof.map((hash) => `${hash.toString("base64")}\n`).join("");
  return Buffer.concat([Buffer.from(`old ${oldSize}\n${hashes}\n`), checkpoint]);
}

export interface Witness {
  readonly verifier: Verifier;
  /** Without a slash at the end; `add-checkpoint` is below it. */
  readonly url: string;
}

/** `name+hash+key URL`, with commas between them. Throws invalid. */
export function parseWitnesses(text: string): Witness[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map((entry) => {
      const [key = "", url = "", ...rest] = entry.split(/\s+/);
      if (rest.length > 0 || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
        throw invalid(`"${entry}" is not the key of a witness and its URL`);
      try {
        return { verifier: parseCosignerKey(key), url: url.replace(/\/+$/, "") };
      } catch (error) {
        throw error instanceof LogFault ? invalid(error.message) : error;
      }
    });
}
