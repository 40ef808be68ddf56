// The style sheet, the script and the icon: files beside this one, read once, served at addresses that hold their hash, so
// that a browser keeps them for ever and never has an old one. Nothing is built: what is in the files is what runs. The style
// sheet is written in several files, one an idea, and served as one.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { notFound } from "../../errors.ts";
import type { Addresses } from "./addresses.ts";
import type { FileAnswer, Visit } from "./visit.ts";

const TYPES = {
  "style.css": "text/css; charset=utf-8",
  "script.js": "text/javascript; charset=utf-8",
  "logo.svg": "image/svg+xml",
} as const;

export type AssetName = keyof typeof TYPES;

/** What the style sheet is made of, in the order in which it counts: later rules win. */
const SHEETS = ["colours", "text", "frame", "forms", "content", "source", "prose", "screens"];

const HASH_LENGTH = 12;

interface Asset {
  readonly hash: string;
  readonly body: Buffer;
}

const assets = new Map(
  (Object.keys(TYPES) as AssetName[]).map((name): [AssetName, Asset] => {
    const body = name === "style.css" ? Buffer.concat(SHEETS.map((one) => fileAt(`style/${one}.css`))) : fileAt(name);
    return [name, { body, hash: createHash("sha256").update(body).digest("hex").slice(0, HASH_LENGTH) }];
  }),
);

function fileAt(path: string): Buffer {
  return readFileSync(new URL(`../assets/${path}`, import.meta.url));
}

/** Where an asset is. */
export function assetAddress(at: Addresses, name: AssetName): string {
  return at.asset(assets.get(name)!.hash, name);
}

/** An asset, by its hash and name; any other hash is of one that is no more. */
export function showAsset({ named }: Visit): FileAnswer {
  const asset = assets.get(named.name as AssetName);
  if (!asset || asset.hash !== named.hash) throw notFound("there is no such file", "no_such_address");
  return {
    kind: "file",
    type: TYPES[named.name as AssetName],
    body: asset.body,
    headers: { "Cache-Control": "public, max-age=31536000, immutable" },
  };
}
