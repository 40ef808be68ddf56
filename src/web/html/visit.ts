// What a page is given and gives back. A page is a function of a visit: who asks, for what, and what our own address is. It
// reads through the registry, as that principal, and gives back markup, another address, or bytes; the door makes an answer
// of HTTP of it.
import type { ModuleArchives } from "../../git/indexing/module-archives.ts";
import type { Remotes } from "../../mirrors/remotes.ts";
import type { ProviderRules } from "../../registry/forge/provider-rules.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { SignInProvider } from "../../upstream/sign-in-provider.ts";
import type { UpstreamStatus } from "../../upstream/upstream-status.ts";
import type { Addresses } from "./addresses.ts";
import type { Html } from "./template.ts";

/** What pages are made of, the same for all. */
export interface WebParts {
  readonly registry: Registry;
  /** Makes the zips of hosted versions that have none yet. */
  readonly archives: ModuleArchives;
  readonly upstreams: () => readonly UpstreamStatus[];
  /** Where people read about modules that are not stored: a URL with {path} and perhaps {version}. */
  readonly modulePages: string;
  /** Whether search engines may keep what everybody may see. */
  readonly isIndexed: boolean;
  /** Whether modules that are not ours can be had here too. */
  readonly hasWorld: boolean;
  /** The key of our checksum database, as GOSUMDB holds it; undefined where clients are not to use it for everything. */
  readonly gosumdb: () => string | undefined;
  /** Who signs people in beside their tokens; undefined: nobody. */
  readonly provider: WebProvider | undefined;
  /** The way to the remotes of mirrors. */
  readonly remotes: Remotes;
  /** Our checksum database, for administrators. */
  readonly checksumDatabase: () => Promise<ChecksumDatabaseState>;
}

/** A provider of OpenID Connect, and what follows from what it says. */
export interface WebProvider {
  readonly ask: SignInProvider;
  readonly rules: ProviderRules;
  /** Whether tokens sign nobody in. */
  readonly only: boolean;
}

/** How our checksum database stands. */
export interface ChecksumDatabaseState {
  readonly name: string;
  /** As GOSUMDB holds it. */
  readonly key: string;
  readonly records: number;
  /** Why nothing is signed any more; undefined: all is well. */
  readonly closed: string | undefined;
}

/** One request for a page. */
export interface Visit {
  readonly parts: WebParts;
  readonly registry: Registry;
  readonly principal: Principal;
  /** Of a browser that signed in. */
  readonly session: Session | undefined;
  /** Where clients reach us, without a slash at the end. */
  readonly url: string;
  readonly at: Addresses;
  /** What was asked for: path and query, below our own address. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The fields of a form; empty unless one was sent. */
  readonly form: URLSearchParams;
  /** The fields of a form that was refused and is shown again. */
  readonly refused?: URLSearchParams;
  /** The address of whoever asks, and what the browser calls itself. */
  readonly from: string;
  readonly browser: string;
  /** The header Cookie. */
  readonly cookies: string;
  /** What the address says, decoded, by the names of its pattern (routes.ts). */
  readonly named: Readonly<Record<string, string>>;
}

export interface Session {
  readonly id: number;
  readonly by: "token" | "provider";
  /** What forms of this session carry, so that no other site can send one. */
  readonly formToken: string;
}

/** A page in the frame of all pages. */
export interface Page {
  readonly kind: "page";
  readonly title: string;
  readonly body: Html;
  readonly status?: number;
  /** For search engines and chats, of what everybody may see; left out where the anonymous see nothing. */
  readonly description?: string | undefined;
  /** The address of an Atom feed of what is shown. */
  readonly feed?: string | undefined;
  /** The address that always shows the same, for the key `y`; that of the page unless there is another. */
  readonly permalink?: string;
  /** A cookie to set with it, or several. */
  readonly cookie?: string | readonly string[] | undefined;
  /** Who the bar on top is for, where that is not who asked: somebody who just signed out. */
  readonly visit?: Visit;
  /** Which entry of the bar on top this belongs to. */
  readonly section?: "modules" | "groups" | "projects" | "admin" | undefined;
}

/** Another address, for a browser to go to: after a form with 303. */
export interface Redirect {
  readonly kind: "redirect";
  readonly to: string;
  readonly status?: 301 | 302 | 303;
  readonly cookie?: string | readonly string[] | undefined;
}

/** Bytes that are no page. */
export interface FileAnswer {
  readonly kind: "file";
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Answer = Page | Redirect | FileAnswer;

/** A page: reads, and answers. Throws a Failure for what cannot be shown. */
export type Show = (visit: Visit) => Promise<Answer> | Answer;

/** A page of this title. */
export function page(title: string, body: Html, more: Omit<Page, "kind" | "title" | "body"> = {}): Page {
  return { kind: "page", title, body, ...more };
}

/** Sends a browser on: after a form was taken. */
export function seeOther(to: string, cookie?: string | readonly string[]): Redirect {
  return { kind: "redirect", to, status: 303, cookie };
}
