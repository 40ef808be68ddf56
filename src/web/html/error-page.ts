// The page that says what went wrong and what to do next: the same sentence that a program would get, and its reason.
import type { Failure } from "../../errors.ts";
import { html, NOTHING } from "./template.ts";
import { type Page, page, type Visit } from "./visit.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "That cannot be",
  401: "Sign in",
  403: "You may not do this",
  404: "Not found",
  409: "That is taken",
  410: "Taken back",
  413: "Too large",
  429: "Too often",
  503: "Not now",
};

/** The page of a failure. */
export function errorPage({ at, principal }: Visit, failure: Failure, status: number): Page {
  const title = TITLES[status] ?? "That did not work";
  return page(
    title,
    html`<h1>${title}</h1>
<p>${failure.message}</p>
<p class="quiet">The reason is <code>${failure.reason}</code>.</p>
<p>${principal.kind === "anonymous" ? html`<a href="${at.signIn()}">Sign in</a> · ` : NOTHING}<a href="${at.search()}">Search modules</a> · <a href="${at.home()}">Home</a></p>`,
    { status },
  );
}
