// Whom we ask for modules that are not ours: a list as the go command's GOPROXY, from left to right. What stands behind an
// entry says when the next one is asked: after a comma only if the thing does not exist (404 or 410), after a bar after any
// error. `direct` asks the version-control server that the module path names, `off` asks nobody; both end the list.
// Sources: Go Modules Reference, "GOPROXY protocol" and "Communicating with proxies"; cmd/go/internal/modfetch/proxy.go
// (proxyList).
import { invalid } from "../errors.ts";

/** A Go proxy that is asked over http or https. */
export interface ProxyUpstream {
  readonly kind: "proxy";
  /** Without credentials and without a slash at the end. */
  readonly url: string;
  /** Host and path, for logs and errors; never holds credentials. */
  readonly name: string;
  /** The value of the Authorization header, made of the credentials in the URL. */
  readonly authorization?: string | undefined;
  /** When the next entry is asked: `,` after absence only, `|` after any error. */
  readonly fallback: "on-absence" | "on-any-error";
}

export type Upstream = ProxyUpstream | { readonly kind: "direct" } | { readonly kind: "off" };

/** Never empty. */
export type UpstreamList = readonly Upstream[];

export const OFF: UpstreamList = [{ kind: "off" }];

/**
 * The list that a text such as `https://user:token@go.corp|https://proxy.example,direct` stands for. Throws invalid; with
 * `leaveOut`, what cannot be asked is told there instead and left out, and a list of nothing else is OFF.
 */
export function parseUpstreams(text: string, leaveOut?: (why: string) => void): UpstreamList {
  const list: Upstream[] = [];
  for (const [, entry = "", separator = ""] of text.matchAll(/([^,|]*)([,|]|$)/g)) {
    const word = entry.trim();
    if (word === "") continue;
    if (word === "off" || word === "direct") {
      list.push({ kind: word });
      break;
    }
    try {
      list.push(parseProxy(word, separator === "|" ? "on-any-error" : "on-absence"));
    } catch (error) {
      if (leaveOut === undefined) throw error;
      leaveOut((error as Error).message);
    }
  }
  if (list.length === 0 && leaveOut !== undefined) return OFF;
  if (list.length === 0) throw invalid("the list is not empty but has no entries: give a URL, direct or off");
  return list;
}

function parseProxy(word: string, fallback: ProxyUpstream["fallback"]): ProxyUpstream {
  // A single word is kept for what the go command may come to mean by it; other things without a scheme are https.
  const full = /[.:/]/.test(word) && !word.includes(":/") && !word.startsWith("/") ? `https://${word}` : word;
  const scheme = /^([a-z][a-z0-9+.-]*):\//i.exec(full)?.[1]?.toLowerCase();
  // What is said must not hold the credentials, even if the text around them cannot be read; a query may hold some, too.
  const shown = `"${full.replace(/^([^/]*\/\/)?[^/]*@/, "$1…@").replace(/([?#]).*$/, "$1…")}"`;
  if (scheme === "file") throw invalid(`${shown}: file: is not an upstream here; give an http or https URL`);
  if (scheme === undefined) throw invalid(`${shown} is neither a URL nor direct nor off`);
  if (scheme !== "http" && scheme !== "https") throw invalid(`${shown}: the scheme must be https or http`);
  if (!/^https?:\/\/[^/]/i.test(full) || !URL.canParse(full)) throw invalid(`${shown} is not a URL`);
  const url = new URL(full);
  if (url.search !== "" || url.hash !== "") throw invalid(`${shown}: a proxy's URL has no "?" and no "#"`);
  const authorization = authorizationOf(url, shown);
  if (authorization !== undefined && scheme === "http")
    throw invalid(`${shown}: credentials are sent over https only, as the go command does`);
  const path = url.pathname.replace(/\/+$/, "");
  const name = `${url.host}${path}`;
  return { kind: "proxy", url: `${url.protocol}//${name}`, name, authorization, fallback };
}

function authorizationOf(url: URL, shown: string): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  try {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(pair).toString("base64")}`;
  } catch {
    throw invalid(`${shown}: the credentials have a broken percent-encoding`);
  }
}

/** Whether nobody is ever asked. */
export const isOff = (list: UpstreamList): boolean => list[0]?.kind === "off";

/** Whether some of the list is asked with credentials of the administrator's. */
export const holdsCredentials = (list: UpstreamList): boolean =>
  list.some((upstream) => upstream.kind === "proxy" && upstream.authorization !== undefined);

/** The hosts (with the port, unless it is the scheme's own) that an administrator named; these may be private ones. */
export function hostsNamedIn(list: UpstreamList, ...urls: readonly (string | undefined)[]): ReadonlySet<string> {
  const named = list.flatMap((upstream) => (upstream.kind === "proxy" ? [upstream.url] : []));
  return new Set([...named, ...urls.filter((url) => url !== undefined)].map((url) => new URL(url).host));
}

/** GOKURA_UPSTREAM_VERIFY: what becomes of modules that cannot be compared with a checksum database. */
export type VerifyMode = "require" | "allow" | "off";

/** Whether our checksum database answers for modules of others: there must be somebody to ask about them. */
export const knowsWorld = (config: {
  readonly upstream: UpstreamList;
  readonly sumDatabases: readonly unknown[];
}): boolean => !isOff(config.upstream) && config.sumDatabases.length > 0;
