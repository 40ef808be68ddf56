// Everybody's way through the pages: from the first one on, by every link that there is.
import type { Browser } from "./browser.ts";

const MAX_PAGES = 600;

export interface Walked {
  /** The pages by their addresses. */
  readonly pages: ReadonlyMap<string, string>;
  /** `STATUS PATH (from PATH)` of what is no page, file or redirect. */
  readonly dead: readonly string[];
}

/** Follows all links, but for those that change something and those to more of the same, from the page at `first` on. */
export async function walk(visitor: Browser, first = "/"): Promise<Walked> {
  const pages = new Map<string, string>();
  const dead: string[] = [];
  const seen = new Map<string, string>([[first, "the beginning"]]);
  for (const [path, from] of seen) {
    if (seen.size > MAX_PAGES) throw new Error(`more than ${MAX_PAGES} pages: ${path}`);
    const { status, headers, text } = await visitor.get(path);
    if (status >= 300 && status < 400) {
      seen.set(headers.location!, path);
      continue;
    }
    if (status !== 200) dead.push(`${status} ${path} (from ${from})`);
    if (!headers["content-type"]?.startsWith("text/html")) continue;
    if (!path.endsWith("/api/graphql")) pages.set(path, text);
    for (const [, link] of text.matchAll(/(?:href|src|action)="(\/[^"#]*)/g)) {
      const plain = link!.replaceAll("&amp;", "&");
      if (!seen.has(plain) && !/\/-\/(?:sign-out|sign-in\?|zip)|[?&](?:after|before)=/.test(plain))
        seen.set(plain, path);
    }
  }
  return { pages, dead };
}
