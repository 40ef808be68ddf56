// Two files whose names differ only in case cannot both be unpacked on Windows or macOS, so a module must not hold both.
// "Only in case" is Unicode's simple case folding: K and the Kelvin sign (U+212A) are one, so are s and the long s
// (U+017F), ς and σ; but ß and ss are two, and the Turkish dotless ı stays alone. Lower-casing alone gets these wrong.
// Source: golang.org/x/mod/zip strToFold; unicode.SimpleFold; strings.EqualFold.

/** Changes the case of one character, or leaves it if it would become several (ß to SS). */
function change(character: string, changeCase: (character: string) => string): string {
  const changed = changeCase(character);
  return changed.length === character.length || [...changed].length === 1 ? changed : character;
}

/** A form of the text that two texts share exactly if they differ only in case: strings.EqualFold. */
export function foldCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  let folded = "";
  for (const character of text) {
    folded +=
      character === "\u0131"
        ? character
        : change(
            change(character, (one) => one.toUpperCase()),
            (one) => one.toLowerCase(),
          );
  }
  return folded;
}
