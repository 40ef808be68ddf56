// Where pages are. Every link of a page is made here, below the path that GOKURA_URL may have, so that an address is
// spelled once. Groups and projects stand where GitLab has them; modules below /-/go/, in the forms that pkg.go.dev and gopls
// use: MODULE@VERSION/SUB.

/** What is shown of a module or version: one page each, chosen by ?tab= as at pkg.go.dev. */
export const TABS = [
  "overview",
  "versions",
  "gomod",
  "buildlist",
  "importedby",
  "licenses",
  "vulnerabilities",
  "downloads",
  "provenance",
] as const;
export type Tab = (typeof TABS)[number];

export type Addresses = ReturnType<typeof addressesBelow>;

/** What stands behind ? in an address; what is undefined or empty is left out. */
export type AddressQuery = Readonly<Record<string, string | number | undefined>>;

/** The addresses of pages. `prefix`: the path of our own URL, without a slash at the end. */
export function addressesBelow(prefix: string) {
  const at = (path: string, parameters: AddressQuery = {}): string => `${prefix}${path}${queryOf(parameters)}`;
  const named = (path: string, version: string | undefined): string =>
    segments(path) + (version === undefined ? "" : `@${segments(version)}`);
  return {
    at,
    home: () => at("/"),
    search: (parameters: AddressQuery = {}) => at("/-/search", parameters),
    signIn: (returnTo?: string) => at("/-/sign-in", { return_to: returnTo }),
    signInByProvider: (returnTo?: string, connect?: string) =>
      at("/-/sign-in/provider", { return_to: returnTo, connect }),
    signOut: () => at("/-/sign-out"),
    help: () => at("/-/help"),
    setUp: (parameters: AddressQuery = {}) => at("/-/set-up", parameters),
    tokens: () => at("/-/user_settings/personal_access_tokens"),
    asset: (hash: string, name: string) => at(`/-/assets/${hash}/${name}`),
    groups: (parameters: AddressQuery = {}) => at("/-/groups", parameters),
    projects: (parameters: AddressQuery = {}) => at("/-/projects", parameters),
    group: (fullPath: string, parameters: AddressQuery = {}) => at(`/groups/${segments(fullPath)}`, parameters),
    groupPart: (fullPath: string, part: string, parameters: AddressQuery = {}) =>
      at(`/groups/${segments(fullPath)}/-/${part}`, parameters),
    project: (fullPath: string, parameters: AddressQuery = {}) => at(`/${segments(fullPath)}`, parameters),
    projectPart: (fullPath: string, part: string, parameters: AddressQuery = {}) =>
      at(`/${segments(fullPath)}/-/${part}`, parameters),
    user: (username: string) => at(`/${segments(username)}`),
    feed: (fullPath: string) => at(`/${segments(fullPath)}.atom`),
    module: (path: string, version?: string, tab?: Tab, parameters: AddressQuery = {}) =>
      at(`/-/go/${named(path, version)}`, { tab: tab === "overview" ? undefined : tab, ...parameters }),
    symbols: (parameters: AddressQuery = {}) => at("/-/symbols", parameters),
    package: (modulePath: string, version: string, directory: string, parameters: AddressQuery = {}) =>
      at(`/-/go/${named(modulePath, version)}${directory === "" ? "" : `/${segments(directory)}`}`, parameters),
    files: (modulePath: string, version: string, path = "") =>
      at(`/-/src/${named(modulePath, version)}/${segments(path)}`),
    raw: (modulePath: string, version: string, path: string) =>
      at(`/-/raw/${named(modulePath, version)}/${segments(path)}`),
    zip: (modulePath: string, version: string) => at(`/-/zip/${named(modulePath, version)}`),
    diff: (modulePath: string, from: string, to: string, parameters: AddressQuery = {}) =>
      at(`/-/diff/${segments(modulePath)}@${segments(from)}...${segments(to)}`, parameters),
    admin: (part = "", parameters: AddressQuery = {}) => at(`/admin${part === "" ? "" : `/${part}`}`, parameters),
  };
}

/** What stands in a URL as it is: nearly all of Go's names. */
const PLAIN = /^[\w.~-]*$/;

/** A path as it stands in a URL: what has a meaning there is encoded, slashes and what Go's names are made of stay. */
export function segments(path: string): string {
  return path.split("/").map(segment).join("/");
}

function segment(text: string): string {
  if (PLAIN.test(text)) return text;
  return encodeURIComponent(text.toWellFormed()).replaceAll("%40", "@").replaceAll("%2B", "+");
}

function queryOf(parameters: AddressQuery): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  if (given.length === 0) return "";
  return `?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value).toWellFormed())}`).join("&")}`;
}
