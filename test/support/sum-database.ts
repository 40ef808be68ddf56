// A checksum database that is a real one: a log of records with its tiles and signed heads, as the go command is answered. And
// whatever a test wants it to be: it can be forked, rolled back, signed by another, or have any answer bent on its way.
import { generateSignerKey, parseSignerKey, type Signer } from "../../src/sumdb/note.ts";
import { dataTile, lookupAnswer, recordText, type VersionSums } from "../../src/sumdb/record.ts";
import { parseTilePath } from "../../src/sumdb/tile-path.ts";
import { EMPTY_TREE, type GrowingTree, growTree, rootOf } from "../../src/sumdb/tree-growth.ts";
import { HASH_BYTES, leafHash } from "../../src/sumdb/tree-hash.ts";
import { GO_ORIGIN, signHead } from "../../src/sumdb/tree-head.ts";
import type { Handler } from "./fake-upstream.ts";

export interface MadeDatabase {
  readonly name: string;
  /** As GOSUMDB spells it. */
  readonly verifierKey: string;
  readonly size: number;
  /** Appends the record of a version; returns its number. */
  add(modulePath: string, version: string, sums: VersionSums): number;
  /** Appends records of nobody's, so that the tree grows. */
  grow(records: number): void;
  /** The signed head. */
  head(): Promise<Buffer>;
  /** What it answers to a path such as `lookup/…`; undefined: 404. */
  answer(path: string): Promise<Buffer | undefined>;
  /** A copy that goes its own way from here, under the same key: a fork, once both have grown. */
  fork(): MadeDatabase;
  /** Bends an answer, or takes it away; undefined to stop. */
  bend(how: ((path: string, bytes: Buffer | undefined) => Buffer | undefined) | undefined): void;
  /** Answers what is asked below `…/sumdb/NAME/`, and what is asked of the database itself; false: it was neither. */
  handle(...args: Parameters<Handler>): boolean;
}

interface Content {
  readonly texts: string[];
  readonly tiles: Map<string, Buffer>;
  tree: GrowingTree;
}

/** A database without records, or with those of another one. */
export function makeDatabase(
  name: string,
  signer: Signer = parseSignerKey(generateSignerKey(name)),
  from?: Content,
): MadeDatabase {
  const content: Content = from
    ? { texts: [...from.texts], tiles: new Map(from.tiles), tree: from.tree }
    : { texts: [], tiles: new Map(), tree: EMPTY_TREE };
  let bent: ((path: string, bytes: Buffer | undefined) => Buffer | undefined) | undefined;

  const append = (text: string): number => {
    const { tree, fullTiles } = growTree(content.tree, [leafHash(text)]);
    for (const { level, number, bytes } of fullTiles) content.tiles.set(`${level}/${number}`, Buffer.from(bytes));
    content.tree = tree;
    return content.texts.push(text) - 1;
  };
  const head = (): Promise<Buffer> =>
    signHead({ size: content.tree.size, root: rootOf(content.tree) }, GO_ORIGIN, [signer]);

  const truth = async (path: string): Promise<Buffer | undefined> => {
    if (path === "supported") return Buffer.alloc(0);
    if (path === "latest") return head();
    if (path.startsWith("lookup/")) {
      const [module = "", version = ""] = path.slice("lookup/".length).split("@");
      const modulePath = module.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const id = content.texts.findIndex((text) => text.startsWith(`${modulePath} ${version} `));
      return id < 0 ? undefined : lookupAnswer(id, content.texts[id]!, await head());
    }
    const tile = parseTilePath(path);
    if (!tile) return undefined;
    const { level, number, width } = tile;
    if (level === "data") {
      const texts = content.texts.slice(number * 256, number * 256 + width);
      return texts.length === width ? dataTile(texts) : undefined;
    }
    const first = Math.floor(content.tree.size / 256 ** level / 256);
    const bytes = content.tiles.get(`${level}/${number}`) ?? (number === first ? content.tree.edge[level] : undefined);
    return bytes && bytes.length >= width * HASH_BYTES ? bytes.subarray(0, width * HASH_BYTES) : undefined;
  };
  const answer = async (path: string): Promise<Buffer | undefined> => {
    const bytes = await truth(path);
    return bent ? bent(path, bytes) : bytes;
  };

  return {
    name,
    verifierKey: signer.verifierKey,
    get size() {
      return content.tree.size;
    },
    add: (modulePath, version, sums) => append(recordText(modulePath, version, sums)),
    grow(records) {
      const sum = `h1:${"A".repeat(43)}=`;
      for (let n = 0; n < records; n++)
        append(recordText(`filler.test/m${content.texts.length}`, "v1.0.0", { h1: sum, goModH1: sum }));
    },
    head,
    answer,
    fork: () => makeDatabase(name, signer, content),
    bend(how) {
      bent = how;
    },
    handle(req, res) {
      const asked = decodeURIComponent(req.url ?? "").slice(1);
      const path = /(?:^|\/)(?=(?:supported|latest)$|lookup\/|tile\/)(.*)$/s.exec(
        asked.replace(`sumdb/${name}/`, "/"),
      )?.[1];
      if (path === undefined) return false;
      void answer(path).then((bytes) =>
        bytes ? res.end(bytes) : res.writeHead(404, { "content-type": "text/plain" }).end(`not found: ${path}\n`),
      );
      return true;
    },
  };
}
