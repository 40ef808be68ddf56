// Go compares strings byte by byte; JavaScript compares UTF-16 code units, and so puts a character beyond U+FFFF (whose
// surrogates are D800-DFFF) before U+E000-U+FFFF, where UTF-8 puts it after. Whatever is sorted for a checksum must be
// in Go's order. Source: sumdb/dirhash Hash1 (slices.Sort of the names).

const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Orders two strings as their UTF-8 bytes are ordered: strings.Compare. */
export function compareBytewise(a: string, b: string): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) < rank(y) ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}
