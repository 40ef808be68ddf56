// What browsers are told of every page. Nothing inline runs or dresses, nothing comes from elsewhere, no other site frames a
// page, and where somebody goes from here learns no more than the host, because paths hold private names. Pages depend on who
// asks, so nobody but the browser keeps one, and it asks each time whether it is still the same.

/** Headers of pages, beside those of every answer. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Robots-Tag": "noindex",
  "Cache-Control": "private, no-cache",
  Vary: "Accept, Cookie, Authorization",
};

/** Headers of files of others: whatever is in them, a browser runs nothing of it. */
export const FOREIGN_FILE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": "sandbox; default-src 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Robots-Tag": "noindex",
  "Cache-Control": "private, no-cache",
  Vary: "Cookie, Authorization",
};
