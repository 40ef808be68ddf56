// What search engines are told: to stay away. A registry of private modules has nothing to be found; whoever wants to be
// found serves a robots.txt of his own in front.
import type { Show } from "../html/visit.ts";

export const showRobots: Show = () => ({
  kind: "file",
  type: "text/plain; charset=utf-8",
  body: "User-agent: *\nDisallow: /\n",
  headers: { "Cache-Control": "public, max-age=3600" },
});
