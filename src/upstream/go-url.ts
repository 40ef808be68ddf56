// How the go command writes the path of a request: every element percent-encoded, except for the characters that a URL's
// path may hold; `!`, the sign of an upper-case letter, becomes %21 (cmd/go/internal/modfetch/proxy.go, pathEscape;
// net/url.PathEscape).

/** The URL of a path (escaped as module paths are, not percent-encoded) below a base without a slash at its end. */
export function goUrl(base: string, path: string): string {
  const elements = path.replace(/^\//, "").split("/").map(escapeElement);
  return `${base}/${elements.join("/")}`;
}

function escapeElement(element: string): string {
  return encodeURIComponent(element)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%(?:24|26|2B|3A|3D|40)/g, decodeURIComponent);
}
