// What search engines are told: to stay away, because a registry of private modules has nothing to be found. Where
// GOKURA_SEARCH_ENGINES is on they may come, and are kept from what has no end: searches, differences, bytes.
import type { Show } from "../html/visit.ts";

const AWAY = "User-agent: *\nDisallow: /\n";
const WELCOME = `User-agent: *
${["search", "sign-in", "diff/", "raw/", "zip/", "set-up"].map((part) => `Disallow: /-/${part}`).join("\n")}
Disallow: /api/
`;

export const showRobots: Show = ({ parts }) => ({
  kind: "file",
  type: "text/plain; charset=utf-8",
  body: parts.isIndexed ? WELCOME : AWAY,
  headers: { "Cache-Control": "public, max-age=3600" },
});
