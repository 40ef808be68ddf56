// A tree head is the size of a log and the root of its tree: it commits to every record. It is published as a signed note,
// in two forms over the same tree. Go's has a first line that is the same for all databases; that of C2SP, the checkpoint,
// has the log's own name there, so that witnesses can tell logs apart:
//
//   go.sum database tree            sum.example.com/team
//   1234                            1234
//   <root, base64>                  <root, base64>
//
// Lines behind these are passed over. Sources: golang.org/x/mod/sumdb/tlog (note.go); https://c2sp.org/tlog-checkpoint.
import { malformed } from "./log-fault.ts";
import { openNote, type Signer, signNote, type Verifier } from "./note.ts";
import { HASH_BYTES } from "./tree-hash.ts";

/** The first line of the head of every Go checksum database. */
export const GO_ORIGIN = "go.sum database tree";

export interface TreeHead {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Buffer;
}

/** A head with the note that says so. */
export interface SignedHead extends TreeHead {
  /** The note, byte for byte as it came. */
  readonly note: Buffer;
}

/** The signed note of a head. `origin`: its first line. */
export function signHead(head: TreeHead, origin: string, signers: readonly Signer[]): Promise<Buffer> {
  return signNote(headText(head, origin), signers);
}

/** The text that is signed. */
export function headText({ size, root }: TreeHead, origin: string): string {
  return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

/** Reads the text of a head, as tlog.ParseTree does. Throws malformed. */
export function parseHead(text: string, origin: string): TreeHead {
  const [first, sizeText = "", rootText = "", ...rest] = text.split("\n");
  const size = Number(sizeText);
  const root = Buffer.from(rootText, "base64");
  const good =
    first === origin &&
    rest.length > 0 &&
    /^(?:0|[1-9]\d*)$/.test(sizeText) &&
    Number.isSafeInteger(size) &&
    /^[A-Za-z0-9+/]{43}=$/.test(rootText) &&
    root.length === HASH_BYTES;
  if (!good) throw malformed(`this is no tree head that begins with "${origin}"`);
  return { size, root };
}

/** Opens the note of a Go checksum database. Throws malformed, or signature if none of the keys signed it. */
export function openGoHead(note: Buffer, verifiers: readonly Verifier[]): SignedHead {
  return { ...parseHead(openNote(note, verifiers).text, GO_ORIGIN), note };
}
