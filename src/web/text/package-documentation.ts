// The documentation of a package in a page: made by godoc/, which escapes all that stands in a source (shown/package-html.ts).
import { raw } from "hono/html";
import type { PackageDoc } from "../../godoc/documentation.ts";
import { type PackageLinks, packageHtml } from "../../godoc/shown/package-html.ts";
import type { Html } from "../html/template.ts";

/** The sections of a package's documentation; headings begin at level 2. */
export function packageMarkup(doc: PackageDoc, links: PackageLinks): Html {
  return raw(packageHtml(doc, links));
}
