// Where people read about modules that are not stored here: the site that GOKURA_MODULE_PAGES names. Nothing below our own host,
// of a prefix that a project declared, or of a private name is ever looked for there, so that no other site hears of it.
import { isFailure } from "../../errors.ts";
import { ownedNames } from "../../registry/forge/module-owner.ts";
import { breakable, nothingYet } from "../html/pieces.ts";
import { externalUrl, html } from "../html/template.ts";
import { type Answer, page, type Visit } from "../html/visit.ts";
import { readAddress } from "./find-module.ts";

/** The address of the page about an import path, or about a version of a module; undefined if there is none. */
export type Elsewhere = (path: string, version?: string) => string | undefined;

/** Whether the site is whatever the path itself says (`https://{path}`), and no site that somebody chose. */
const hasNoSiteOfItsOwn = (modulePages: string): boolean => /^https?:\/\/[^/]*\{path\}/.test(modulePages);

/** Reads what is ours, once for all links of a page. */
export async function elsewhereFor({ registry, parts: { modulePages } }: Visit): Promise<Elsewhere> {
  const isOurs = await ownedNames(registry);
  return (path, version) => {
    if (isOurs(path) || registry.privateModules.covers(path)) return undefined;
    // Packages of Go itself have no address of their own.
    if (hasNoSiteOfItsOwn(modulePages) && !path.split("/", 1)[0]!.includes(".")) return undefined;
    const template = version === undefined ? modulePages.replaceAll("@{version}", "") : modulePages;
    const filled = template.replaceAll(/\{path\}|\{version\}/g, (what) =>
      (what === "{path}" ? path : (version ?? "latest")).split("/").map(encodeURIComponent).join("/"),
    );
    return externalUrl(filled);
  };
}

/**
 * What to answer for an address below /-/go/ of which nothing is here: on to the site if one was chosen, else a page with the
 * link, because nobody is to be sent to any site there is by an address of ours. Undefined: there is nothing to tell but `error`.
 */
export async function answerElsewhere(visit: Visit, address: string, error: unknown): Promise<Answer | undefined> {
  if (!isFailure(error, "not-found", "unauthenticated")) return undefined;
  const { path, version, directory } = readAddress(address);
  const to = (await elsewhereFor(visit))(directory === "" ? path : `${path}/${directory}`, version);
  if (to === undefined) return undefined;
  if (!hasNoSiteOfItsOwn(visit.parts.modulePages)) return { kind: "redirect", status: 302, to };
  return page(
    path,
    html`<h1><span class="mono">${breakable(path)}</span></h1>
${nothingYet(html`<p>Nothing of it is stored here that you may read. <a href="${to}" rel="nofollow noopener">${to}</a> is where its import path leads.</p>`)}`,
    { section: "modules", status: 404 },
  );
}
