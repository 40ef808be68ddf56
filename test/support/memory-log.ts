// A transparency log in memory, as honest or as lying as a test wants it: it grows by our rules, signs its heads, and gives
// out tiles by their paths. Its history can be branched, which no honest log does.

import {
  generateSignerKey,
  parseSignerKey,
  parseVerifierKey,
  type Signer,
  type Verifier,
} from "../../src/sumdb/note.ts";
import { lookupAnswer, recordText, type VersionSums } from "../../src/sumdb/record.ts";
import type { TilePath } from "../../src/sumdb/tile-path.ts";
import { EMPTY_TREE, type GrowingTree, growTree, rootOf } from "../../src/sumdb/tree-growth.ts";
import { edgeAt, HASH_BYTES, leafHash } from "../../src/sumdb/tree-hash.ts";
import { GO_ORIGIN, signHead } from "../../src/sumdb/tree-head.ts";

/** A sum that depends on a word. */
const sumOf = (word: string): string => `h1:${leafHash(word).toString("base64")}`;

export const sumsOf = (word: string): VersionSums => ({ h1: sumOf(word), goModH1: sumOf(`${word}/go.mod`) });

export class MemoryLog {
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly signerKey: string;
  readonly texts: string[] = [];
  readonly #full = new Map<string, Buffer>();
  #tree: GrowingTree = EMPTY_TREE;

  constructor(signerKey: string = generateSignerKey("sum.example.test")) {
    this.signerKey = signerKey;
    this.signer = parseSignerKey(signerKey);
    this.verifier = parseVerifierKey(this.signer.verifierKey);
  }

  get tree(): GrowingTree {
    return this.#tree;
  }

  /** Appends texts, or so many that say nothing. */
  append(more: readonly string[] | number): this {
    const from = this.texts.length;
    const texts = typeof more === "number" ? Array.from({ length: more }, (_, n) => `record ${from + n}\n`) : more;
    const { tree, fullTiles } = growTree(this.#tree, texts.map(leafHash));
    for (const { level, number, bytes } of fullTiles) this.#full.set(`${level}/${number}`, bytes);
    for (const text of texts) this.texts.push(text);
    this.#tree = tree;
    return this;
  }

  /** Appends the record of a version; returns its number. */
  record(modulePath: string, version: string, sums: VersionSums = sumsOf(`${modulePath}@${version}`)): number {
    this.append([recordText(modulePath, version, sums)]);
    return this.texts.length - 1;
  }

  /** Another log with the same key and the first records of this one. */
  branch(size: number): MemoryLog {
    return new MemoryLog(this.signerKey).append(this.texts.slice(0, size));
  }

  /** The signed head that it has, or had when it was smaller. */
  note(size: number = this.texts.length): Promise<Buffer> {
    const tree = size === this.texts.length ? this.#tree : this.branch(size).tree;
    return signHead({ size, root: rootOf(tree) }, GO_ORIGIN, [this.signer]);
  }

  /** As much of a tile as there is; undefined beyond the end. */
  tile(level: number, number: number): Buffer | undefined {
    const { fullTiles, width } = edgeAt(this.#tree.size, level);
    if (number === fullTiles) return width === 0 ? undefined : this.#tree.edge[level];
    return this.#full.get(`${level}/${number}`);
  }

  /** A tile of exactly its width; undefined if it has none. */
  async read({ level, number, width }: TilePath): Promise<Buffer | undefined> {
    const bytes = this.tile(level as number, number);
    return bytes && bytes.length >= width * HASH_BYTES ? bytes.subarray(0, width * HASH_BYTES) : undefined;
  }

  /** What it answers to a lookup of a record, with a head of its own size or another. */
  async answer(id: number, note?: Buffer): Promise<Buffer> {
    return lookupAnswer(id, this.texts[id]!, note ?? (await this.note()));
  }
}
