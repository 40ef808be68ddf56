// A Gokura somewhere else, as commands talk to it over HTTP: its address, the token for it, and what it answers. The token is
// GOKURA_TOKEN, or the password for that host in ~/.netrc, where the go command looks for it too; it goes over https only, but
// for servers on this very machine.
import { openAsBlob } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { Failure, type FailureKind, invalid, REASONS, type Reason } from "../errors.ts";

/** An upload and its judgement may take as long as a large zip needs on a slow line. */
const TIMEOUT_MS = 60 * 60_000;
const MAX_ANSWER = 64 * 1024;

export interface RemoteRegistry {
  /** Without a slash at the end. */
  readonly url: string;
  /** The header that says who asks; undefined: nobody. */
  readonly authorization: string | undefined;
}

/** The registry at a URL, with the token for it. Throws invalid when that token could be overheard. */
export async function remoteRegistry(url: string, { token }: Pick<Config, "token">): Promise<RemoteRegistry> {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw invalid(`${url} is no URL: give one such as https://go.example.com`);
  }
  const { protocol, host, hostname } = parsed;
  if (protocol !== "https:" && protocol !== "http:") throw invalid(`${url} is no URL of http or https`);
  const authorization = token === undefined ? await netrcAuthorization(host, hostname) : `Bearer ${token}`;
  const isHere = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  if (authorization !== undefined && protocol === "http:" && !isHere)
    throw invalid(`a token is sent over https only, and ${url} is http`);
  return { url: url.replace(/\/+$/, ""), authorization };
}

/** What a registry answered. */
export interface RemoteAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends a file by PUT. Throws what the server refused with, as a Failure of its reason. */
export async function putFile(
  { url, authorization }: RemoteRegistry,
  path: string,
  file: string,
  headers: Readonly<Record<string, string>>,
): Promise<RemoteAnswer> {
  let answer: Response;
  try {
    answer = await fetch(`${url}${path}`, {
      method: "PUT",
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      body: await openAsBlob(file),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const { cause, message } = error as Error;
    throw new Failure("unavailable", `${url} does not answer: ${cause instanceof Error ? cause.message : message}`);
  }
  const text = (await answer.text()).slice(0, MAX_ANSWER);
  if (answer.ok) return { status: answer.status, text };
  throw refusalOf(answer, text);
}

function refusalOf({ status, headers }: Response, text: string): Failure {
  const reason = headers.get("gokura-reason") as Reason | null;
  const message = text.trim() || `the server answered ${status}`;
  if (reason !== null && Object.hasOwn(REASONS, reason)) {
    const kind: FailureKind = REASONS[reason];
    return new Failure(kind, message, { reason: reason as never });
  }
  return new Failure("unavailable", `${status}: ${message}`);
}

/** Basic credentials of a host in ~/.netrc, as go (host:port) and git (host) name it; undefined: none. */
async function netrcAuthorization(host: string, hostname: string): Promise<string | undefined> {
  const text = await readFile(join(homedir(), ".netrc"), "utf8").catch(() => "");
  const words = text
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("#"))
    .join(" ")
    .split(/\s+/);
  const entries = new Map<string, { login: string; password: string }>();
  let entry: { login: string; password: string } | undefined;
  for (let at = 0; at < words.length; at++) {
    const next = (): string => words[++at] ?? "";
    if (words[at] === "machine") {
      const machine = next();
      entry = { login: "", password: "" };
      if (!entries.has(machine)) entries.set(machine, entry);
    } else if (words[at] === "default") entry = undefined;
    else if (words[at] === "login" && entry) entry.login = next();
    else if (words[at] === "password" && entry) entry.password = next();
  }
  const found = entries.get(host) ?? entries.get(hostname);
  if (!found?.password) return undefined;
  return `Basic ${Buffer.from(`${found.login}:${found.password}`).toString("base64")}`;
}
