// A proof that a log holds a record, in one text that is checked without the log: the record, its place, the hashes up to the
// root, and the signed head. Whoever has the key of the log needs nothing else, no network either.
//
//   c2sp.org/tlog-proof@v1
//   extra <the record's text, base64>
//   index 42
//   <hash, base64>            as many as it takes, those nearest to the record first
//
//   <the checkpoint, signed>
//
// Source: https://c2sp.org/tlog-proof.
import { LogFault, malformed } from "./log-fault.ts";
import { openNote, type Verifier } from "./note.ts";
import { HASH_BYTES, leafHash } from "./tree-hash.ts";
import { parseHead, type TreeHead } from "./tree-head.ts";
import { checkRecord, type Proof } from "./tree-proof.ts";

const FORMAT = "c2sp.org/tlog-proof@v1";
const FORM =
  /^c2sp\.org\/tlog-proof@v1\nextra ([A-Za-z0-9+/]+={0,2})\nindex (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n)*)\n(.*)$/s;

/** What was proved. */
export interface ProvedPlace {
  readonly text: string;
  readonly id: number;
  readonly head: TreeHead;
}

/** The proof of a record; `checkpoint` is the signed head of the tree in which `proof` was made. */
export function formatProof(text: string, id: number, proof: Proof, checkpoint: Buffer): string {
  const hashes = proof.map((hash) => `${hash.toString("base64")}\n`).join("");
  return `${FORMAT}\nextra ${Buffer.from(text).toString("base64")}\nindex ${id}\n${hashes}\n${checkpoint}`;
}

/** Checks a proof by the key of the log alone. Throws malformed, signature or unproved. */
export function checkProof(bytes: string, verifier: Verifier): ProvedPlace {
  const [, extra, index, hashes = "", checkpoint = ""] = FORM.exec(bytes) ?? [];
  if (extra === undefined || index === undefined) throw malformed("this is no proof of a record");
  const head = parseHead(openNote(Buffer.from(checkpoint), [verifier]).text, verifier.name);
  const text = Buffer.from(extra, "base64").toString("utf8");
  const proof = hashes
    .split("\n")
    .slice(0, -1)
    .map((hash) => Buffer.from(hash, "base64"));
  if (proof.some((hash) => hash.length !== HASH_BYTES)) throw malformed("this is no proof of a record");
  const id = Number(index);
  if (!Number.isSafeInteger(id)) throw new LogFault("unproved", "there is no such place in any log");
  checkRecord(proof, head.size, head.root, id, leafHash(text));
  return { text, id, head };
}
