// Which files in the root of a module are its readme and its licences, by their names alone. Go's own site decides so
// (golang.org/x/pkgsite, internal/fetch/readme.go and internal/licenses/licenses.go); of licences it has a list of names,
// here are rules that take in all of them, and COPYING.LESSER and the like.

/** Files of programs and data are no licences, whatever they are called: license.go, license.json. */
const NOT_TEXT = /\.(?:go|s|c|h|cc|js|ts|py|rb|sh|json|ya?ml|toml|tmpl|tpl|gotmpl|html?|svg|png|jpg|sum|mod|sig|asc)$/i;
const LICENSE = /^(?:(?:mit|apache|bsd|gpl|lgpl)[-_])?(?:un)?licen[cs]es?(?:[-_.].*)?$|^copying(?:[-_.].*)?$/i;
const README = /^readme(\.[^.]*)?$/i;
const MARKDOWN = /\.(?:md|markdown)$/;

/** Whether a file of a module's root says under what licence it is. `name` is without directories. */
export function isLicenseFile(name: string): boolean {
  return LICENSE.test(name) && !NOT_TEXT.test(name);
}

/** The readme among the names of a root's files, ascending: the first in Markdown, else the last; undefined if none is. */
export function readmeAmong(names: readonly string[]): string | undefined {
  let readme: string | undefined;
  for (const name of names) {
    const extension = README.exec(name)?.[1];
    if (!README.test(name) || extension === ".go" || extension === ".vendor") continue;
    if (readme === undefined || !MARKDOWN.test(readme)) readme = name;
  }
  return readme;
}
