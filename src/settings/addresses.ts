// Settings that say where something is: the listener, the URL that clients use, the host of module paths, networks, and the
// pages about modules that are not stored here.

import { isIP } from "node:net";
import { isAddressOrNetwork } from "../network/ip-address.ts";
import { SENDFILE_HEADERS, type SendfileHeader } from "../storage/sendfile.ts";

/** Where the server listens unless told otherwise: on this machine alone. */
export const DEFAULT_LISTEN = "127.0.0.1:8080";
const FALLBACK_MODULE_HOST = "gokura.localhost";
/** Where the import path itself leads (cmd/go, "Remote import paths"). */
export const DEFAULT_MODULE_PAGES = "https://{path}";
/** What the go command takes as the first element of a module path (golang.org/x/mod/module, checkPath). */
const MODULE_HOST = /^(?!-)[a-z0-9-]+(\.[a-z0-9-]+)+$/;
/** What may stand behind the host of GOKURA_URL: it is compared with what clients send, and has one spelling. */
const URL_PATH = /^(?:\/[A-Za-z0-9._~-]+)*$/;

/** What a server is among those of its database. */
export type Role = "all" | "read";

/** `all` or `read`. Throws the choice. */
export function parseRole(text: string): Role {
  if (text !== "all" && text !== "read") throw new Error(`"${text}" is neither all nor read`);
  return text;
}

/** A header by which reverse proxies send files. Throws the choice. */
export function parseSendfileHeader(text: string): SendfileHeader {
  const header = SENDFILE_HEADERS.find((one) => one.toLowerCase() === text.toLowerCase());
  if (header === undefined)
    throw new Error(`"${text}" is none of ${SENDFILE_HEADERS.join(" (nginx, Caddy), ")} (Apache, lighttpd)`);
  return header;
}

/** What the server listens on: a name or address without brackets; port 0 for one that is free. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** An address and a port, [::1]:8080 for IPv6; no address at all means every one of IPv4. Throws what is expected instead. */
export function parseListen(text: string): Listen {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new Error(`"${text}" is not address:port, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:443`);
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

/** An http(s) URL without credentials, query and fragment; no slash at the end. Throws what is expected instead. */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw new Error(`"${text}" is not an http(s) URL such as https://go.example.com`);
  const path = url.pathname.replace(/\/$/, "");
  if (!URL_PATH.test(path)) throw new Error(`"${text}" has a path with more than letters, digits and . _ ~ - in it`);
  return url.origin + path;
}

/** The first element of hosted module paths unless set: the host of the URL, or of the listener, if Go takes it for one. */
export function defaultModuleHost(url: string | undefined, listenHost: string): string {
  const host = (url === undefined ? listenHost : new URL(url).hostname).toLowerCase();
  return MODULE_HOST.test(host) && isIP(host) === 0 ? host : FALLBACK_MODULE_HOST;
}

/** A first element that the go command takes for a host. Throws the rule if it would not. */
export function parseModuleHost(text: string): string {
  if (!MODULE_HOST.test(text))
    throw new Error(`"${text}" cannot begin a module path: it must be a lower-case name with a dot and without a port`);
  return text;
}

/** Addresses and CIDRs with commas between them, as they were written. Throws the first that is neither. */
export function parseAddresses(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "")
    .map((word) => {
      if (!isAddressOrNetwork(word)) throw new Error(`"${word}" is neither an address nor a CIDR such as 10.0.0.0/8`);
      return word;
    });
}

/** A URL with {path} and perhaps {version} in it, as it was written. Throws an example if it is none. */
export function parseModulePages(text: string): string {
  const example = text.replaceAll("{path}", "example.com/a").replaceAll("{version}", "v1.0.0");
  const isUrl = URL.canParse(example) && /^https?:$/.test(new URL(example).protocol) && !/[{}\s]/.test(example);
  if (!isUrl || !text.includes("{path}"))
    throw new Error(`"${text}" is no URL with {path} in it, such as https://pkg.example.com/{path}@{version}`);
  return text;
}
