// A tile is a piece of a transparency log that never changes once it is full: 2^8 hashes of one level of its tree, or the
// 2^8 records below them. Its path is `tile/8/<level>/<number>`, the number in groups of three digits, all but the last with
// an `x` before them: 1234067 is `x001/x234/067`. The last tile of a level may be partial, `….p/<width>`; a partial tile of
// one width never changes either, and is the beginning of every wider one.
// Sources: golang.org/x/mod/sumdb/tlog (tile.go, ParseTilePath); https://research.swtch.com/tlog#tiling_a_log
//
// C2SP names the same tiles `tile/<level>/<number>`, and the records `tile/entries/<number>`. Both kinds of names live below
// one URL: where Go has a level of one or two digits behind the 8, C2SP has a group of three digits.
// Source: https://c2sp.org/tlog-tiles.
import { TILE_WIDTH as FULL_WIDTH, HASH_BYTES } from "./tree-hash.ts";

const MAX_LEVEL = 63;
/** Groups of three digits: 10^15 tiles are more than there can be. */
const NUMBER = String.raw`(?:x\d{3}\/){0,4}\d{3}`;
const WIDTH = String.raw`(?:\.p\/([1-9]\d{0,2}))?`;
const GO_PATH = new RegExp(`^tile/8/(data|0|[1-9]\\d?)/(${NUMBER})${WIDTH}$`);
const C2SP_PATH = new RegExp(`^tile/(entries|0|[1-9]\\d?)/(${NUMBER})${WIDTH}$`);

export { FULL_WIDTH };

export interface TilePath {
  readonly level: number | "data";
  readonly number: number;
  readonly width: number;
  /** The path of the full tile of this place. */
  readonly fullPath: string;
  readonly path: string;
}

/** The tile at a place. `width`: 1 to 256, which is full. */
export function tileAt(level: TilePath["level"], number: number, width: number): TilePath {
  const fullPath = `tile/8/${level}/${numberPath(number)}`;
  return { level, number, width, fullPath, path: width === FULL_WIDTH ? fullPath : `${fullPath}.p/${width}` };
}

/** 1234067 as x001/x234/067. */
function numberPath(number: number): string {
  let path = String(number % 1000).padStart(3, "0");
  for (let rest = Math.floor(number / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  return path;
}

/** Reads `tile/8/0/x001/067.p/12`; undefined for what the go command would not write. */
export function parseTilePath(path: string): TilePath | undefined {
  const [, level, digits, width] = GO_PATH.exec(path) ?? [];
  return level === undefined ? undefined : tileIn(level === "data" ? "data" : Number(level), digits!, width);
}

/** Reads C2SP's `tile/0/x001/067.p/12`; `tile/entries/…` is the level "data". Undefined for what is no such path. */
export function parseC2spTilePath(path: string): TilePath | undefined {
  const [, level, digits, width] = C2SP_PATH.exec(path) ?? [];
  return level === undefined ? undefined : tileIn(level === "entries" ? "data" : Number(level), digits!, width);
}

function tileIn(level: TilePath["level"], digits: string, widthText: string | undefined): TilePath | undefined {
  const width = widthText === undefined ? FULL_WIDTH : Number(widthText);
  // One number has one path: no leading groups of zeros.
  if (digits.startsWith("x000/") || (level !== "data" && level > MAX_LEVEL)) return undefined;
  if (widthText !== undefined && width >= FULL_WIDTH) return undefined;
  return tileAt(level, Number(digits.replace(/[x/]/g, "")), width);
}

/** The first `width` entries of a tile; undefined if it does not have as many, or is no tile at all. */
export function tilePrefix(level: TilePath["level"], bytes: Buffer, width: number): Buffer | undefined {
  if (level !== "data")
    return bytes.length % HASH_BYTES === 0 && bytes.length >= width * HASH_BYTES
      ? bytes.subarray(0, width * HASH_BYTES)
      : undefined;
  // Each record is its lines and an empty line, without its number (golang.org/x/mod/sumdb, server.go); no record holds
  // an empty line.
  let end = 0;
  for (let n = 0; n < width; n++) {
    const gap = bytes.indexOf("\n\n", end);
    if (gap < 0) return undefined;
    end = gap + 2;
  }
  return bytes.subarray(0, end);
}
