// A tile is a piece of a transparency log that never changes once it is full: 2^8 hashes of one level of its tree, or the
// 2^8 records below them. Its path is `tile/8/<level>/<number>`, the number in groups of three digits, all but the last with
// an `x` before them: 1234067 is `x001/x234/067`. The last tile of a level may be partial, `….p/<width>`; a partial tile of
// one width never changes either, and is the beginning of every wider one.
// Sources: golang.org/x/mod/sumdb/tlog (tile.go, ParseTilePath); https://research.swtch.com/tlog#tiling_a_log
const HEIGHT = 8;
export const FULL_WIDTH = 1 << HEIGHT;
const HASH_BYTES = 32;
const MAX_LEVEL = 63;

export interface TilePath {
  readonly level: number | "data";
  readonly number: number;
  readonly width: number;
  /** The path of the full tile of this place. */
  readonly fullPath: string;
  readonly path: string;
}

/** Reads `tile/8/0/x001/067.p/12`; undefined for what the go command would not write. */
export function parseTilePath(path: string): TilePath | undefined {
  const match = /^(tile\/8\/(data|0|[1-9]\d?)\/((?:x\d{3}\/){0,4}\d{3}))(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  if (!match) return undefined;
  const [, fullPath = "", levelText = "", digits = "", widthText] = match;
  const level = levelText === "data" ? "data" : Number(levelText);
  const number = Number(digits.replace(/[x/]/g, ""));
  const width = widthText === undefined ? FULL_WIDTH : Number(widthText);
  // One number has one path: no leading groups of zeros.
  if (digits.startsWith("x000/") || (level !== "data" && level > MAX_LEVEL)) return undefined;
  if (widthText !== undefined && width >= FULL_WIDTH) return undefined;
  return { level, number, width, fullPath, path };
}

/** The first `width` entries of a tile; undefined if it does not have as many, or is no tile at all. */
export function tilePrefix(level: TilePath["level"], bytes: Buffer, width: number): Buffer | undefined {
  if (level !== "data")
    return bytes.length % HASH_BYTES === 0 && bytes.length >= width * HASH_BYTES
      ? bytes.subarray(0, width * HASH_BYTES)
      : undefined;
  // Each record is `<id>\n<lines>` and an empty line (tlog.FormatRecord); a record holds no empty line.
  let end = 0;
  for (let n = 0; n < width; n++) {
    const gap = bytes.indexOf("\n\n", end);
    if (gap < 0) return undefined;
    end = gap + 2;
  }
  return bytes.subarray(0, end);
}

/** Whether bytes can be this tile: as many entries as its width says, no more. */
export function isTile({ level, width }: TilePath, bytes: Buffer): boolean {
  return tilePrefix(level, bytes, width)?.length === bytes.length;
}
