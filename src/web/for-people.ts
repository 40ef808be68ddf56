// Which requests are for the pages at all, told without loading them: those that ask for HTML, and the few files that
// browsers and feed readers fetch. Everything else gets what programs always got.
import type { Context } from "koa";
import { onDemand } from "../concurrency/on-demand.ts";
import type { WebDoor } from "./door.ts";
import type { WebParts } from "./html/visit.ts";
import { wantsPage } from "./wants-page.ts";

/** Files for any client: assets, feeds, badges, files of modules, robots.txt. */
const FILES = /^\/(?:robots\.txt$|-\/(?:assets|raw|zip)\/|.+\.atom$|.+\/-\/badges\/[^/]+\.svg$)/;

/** Whether the pages have to look at a request. */
function mayBeForPeople(ctx: Context): boolean {
  return wantsPage(ctx) || FILES.test(ctx.path);
}

/** The pages, which are loaded when a browser first comes: many servers are asked by programs alone. */
export function webOnDemand(parts: WebParts): WebDoor {
  const door = onDemand(async () => (await import("./door.ts")).openWebDoor(parts));
  return {
    async serve(ctx, asked) {
      if (!mayBeForPeople(ctx)) return false;
      return (await door.get()).serve(ctx, asked);
    },
  };
}
