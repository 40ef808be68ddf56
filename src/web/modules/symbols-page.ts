// Searching for declarations by their names: in one module, or in all that the visitor may read, private ones too.
import { notFound } from "../../errors.ts";
import type { PackageDocumentation } from "../../godoc/documentation.ts";
import { type SymbolDoc, symbolsOf } from "../../godoc/package/symbols.ts";
import { stillReading } from "../../registry/documentation/api-changes.ts";
import {
  everythingDocumented,
  keptDocumentation,
  packagesOf,
} from "../../registry/documentation/documented-versions.ts";
import { packagesDeclaring, readSymbolQuery } from "../../registry/documentation/found-packages.ts";
import { crumbs, howMany, nothingYet, pageAsked, pager } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, page, type Show, type Visit } from "../html/visit.ts";
import { demandShown, type ShownVersion, zipOfShown } from "./shown-version.ts";

/** How long a page waits for documentation that is not made yet. */
const PATIENCE_MS = 5_000;
const PACKAGES = 20;
/** Declarations that are shown of one package, and of one module. */
const OF_PACKAGE = 20;
const OF_MODULE = 300;
const MAX_QUERY = 200;

/** A package with what was found in it. */
interface Found {
  readonly path: string;
  readonly address: string;
  readonly note: string;
  readonly symbols: readonly SymbolDoc[];
}

export const showSymbols: Show = (visit) => {
  const words = (visit.query.get("q") ?? "").trim().slice(0, MAX_QUERY);
  const module = visit.query.get("module") ?? "";
  return module === "" ? everywhere(visit, words) : withinModule(visit, words, module);
};

/** A form that searches for declarations, in a version of a module if one is given (`MODULE@VERSION`). */
export function symbolForm({ at }: Visit, words: string, module?: string): Html {
  const id = module === undefined ? "symbols" : "symbols-within";
  return html`<form class="row" action="${at.symbols()}">
<label for="${id}">${module === undefined ? "Declarations" : "Declarations in this module"}</label>
<input id="${id}" name="q" type="search" value="${words}" placeholder="${module === undefined ? "Limiter.Allow" : "part of a name"}" autocomplete="off" required>
${module === undefined ? NOTHING : html`<input type="hidden" name="module" value="${module}">`}<button type="submit">Find</button>
</form>`;
}

async function everywhere(visit: Visit, words: string): Promise<Page> {
  const { registry, principal, at } = visit;
  if (words === "") return result("Declarations", symbolForm(visit, ""), NOTHING);
  const names = readSymbolQuery(words);
  const list = await packagesDeclaring(registry, principal, names, pageAsked(visit, PACKAGES));
  const found = await Promise.all(
    list.rows.map(async ({ path, modulePath, version, versionId, directory }): Promise<Found> => {
      const documentation = await keptDocumentation(registry, versionId, directory);
      const symbols = documentation ? symbolsIn(documentation, (symbol) => isNamed(symbol, names)) : [];
      return { path, note: version, symbols, address: at.package(modulePath, version, directory) };
    }),
  );
  return result(
    `Declarations: ${words}`,
    symbolForm(visit, words),
    found.length === 0
      ? nothingYet(
          html`<p>No package that you may read declares it. A whole name is looked for, such as Limiter, Limiter.Allow or rate.NewLimiter.</p>`,
        )
      : html`<p class="quiet">Packages that declare “${words}”, by path.</p>${found.map(packageFound)}${pager(visit, list, "packages")}`,
  );
}

async function withinModule(visit: Visit, words: string, address: string): Promise<Page> {
  const shown = await demandShown(visit, address);
  if (shown.directory !== "") throw notFound("the address names a package, not a module");
  const { module, version } = shown;
  const name = `${module.path}@${version.version}`;
  const found = words === "" ? [] : await foundWithin(visit, shown, words.toLowerCase());
  const total = found.reduce((sum, { symbols }) => sum + symbols.length, 0);
  return result(
    `${words} · ${module.path}`,
    symbolForm(visit, words, name),
    words === ""
      ? NOTHING
      : total === 0
        ? nothingYet(html`<p>Nothing in ${name} is called so, nor has it in its name.</p>`)
        : html`<p class="quiet">${howMany(total, "declaration")} in ${name}${total >= OF_MODULE ? ", and perhaps more" : ""}.</p>${found.map(packageFound)}`,
    crumbs(
      ["Modules", visit.at.search()],
      [module.path, visit.at.module(module.path, version.version)],
      ["Declarations"],
    ),
  );
}

async function foundWithin(visit: Visit, shown: ShownVersion, part: string): Promise<Found[]> {
  const { registry, at } = visit;
  const { module, version } = shown;
  const readable = { id: version.id, from: await zipOfShown(visit, shown) };
  if (!(await packagesOf(registry, readable, PATIENCE_MS)).whole) throw stillReading(readable);
  const found: Found[] = [];
  let left = OF_MODULE;
  for (const [directory, documentation] of await everythingDocumented(registry, version.id)) {
    const symbols = symbolsIn(documentation, ({ name }) => name.toLowerCase().includes(part)).slice(0, left);
    left -= symbols.length;
    const path = directory === "" ? module.path : `${module.path}/${directory}`;
    const address = at.package(module.path, version.version, directory);
    if (symbols.length > 0) found.push({ path, address, note: documentation.synopsis, symbols });
  }
  return found;
}

/** The symbols that fit, each once, whatever system they are for. */
function symbolsIn({ builds }: PackageDocumentation, fits: (symbol: SymbolDoc) => boolean): SymbolDoc[] {
  const found = builds.flatMap(({ doc }) => symbolsOf(doc)).filter(fits);
  return [...new Map(found.map((symbol) => [symbol.name, symbol])).values()];
}

/** Whether a symbol is what one of some names means: `allow`, `limiter.allow`, `rate.limiter.allow`. */
function isNamed({ name }: SymbolDoc, names: readonly string[]): boolean {
  const own = name.toLowerCase();
  return names.some((asked) => asked === own || asked.endsWith(`.${own}`) || own.endsWith(`.${asked}`));
}

function packageFound({ path, address, note, symbols }: Found): Html {
  const shown = symbols.slice(0, OF_PACKAGE);
  return html`<section aria-label="${path}"><h2 class="mono"><a data-jump href="${address}">${path}</a></h2>
<p class="quiet">${note}</p>
<ul>${shown.map(
    ({ name, synopsis }) => html`<li><a class="mono" href="${address}#${name}">${name}</a> <code>${synopsis}</code></li>
`,
  )}</ul>${symbols.length > shown.length ? html`<p class="quiet">And ${symbols.length - shown.length} more.</p>` : NOTHING}</section>`;
}

function result(title: string, head: Html, content: Html | "", above: Html | "" = NOTHING): Page {
  return page(
    title,
    html`${above}<h1>Declarations</h1>
${head}
${content}`,
    { section: "modules" },
  );
}
