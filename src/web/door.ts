// The door for people with a browser. It takes what asks for HTML (Accept), and the few files that browsers and feed readers
// fetch; go, git, curl and clients of the API get what they always got. In order: which page, who asks (a session's cookie, or
// a token that the request carries), for a form whether a page of ours sent it, then the page itself. What may not be seen
// does not exist; the anonymous are asked to sign in, whether or not there is anything.
import { createHash } from "node:crypto";
import type { Context } from "koa";
import { type Failure, notFound } from "../errors.ts";
import { requireScope } from "../registry/access/access.ts";
import { authenticate, type Credentials } from "../registry/access/authentication.ts";
import { findSession } from "../registry/access/web-sessions.ts";
import { ANONYMOUS } from "../registry/principal.ts";
import { addressesBelow } from "./html/addresses.ts";
import { errorPage } from "./html/error-page.ts";
import { FORM_TOKEN } from "./html/forms.ts";
import { PAGE_HEADERS } from "./html/headers.ts";
import { documentOf } from "./html/layout.ts";
import type { Answer, Page, Session, Visit, WebParts } from "./html/visit.ts";
import { type FoundRoute, findRoute } from "./routes.ts";
import { sessionSecretIn } from "./session/cookie.ts";
import { demandSameOrigin, formTokenOf } from "./session/same-origin.ts";
import { wantsPage } from "./wants-page.ts";

/** Forms are short. */
const MAX_FORM_BYTES = 64 * 1024;

/** What the listener knows of a request and of failures. */
export interface FromListener {
  /** Our own address, as the client wrote it. */
  readonly url: string;
  /** The client's address. */
  readonly from: string;
  /** What the headers carry; throws unauthenticated for what cannot be read. */
  readonly credentials: () => Credentials | undefined;
  /** What to tell of whatever was thrown, and with which status. */
  readonly explain: (error: unknown) => { readonly failure: Failure; readonly status: number };
}

export interface WebDoor {
  /** Answers a request if it is for a page; false otherwise, and nothing has happened. */
  serve(ctx: Context, asked: FromListener): Promise<boolean>;
}

/** Opens the door. */
export function openWebDoor(parts: WebParts): WebDoor {
  return {
    async serve(ctx, asked) {
      const isPage = wantsPage(ctx);
      const route = findRoute(ctx.path, ctx.method);
      if (!isPage && !route?.anyClient) return false;
      const asking: Asking = { visit: visitOf(parts, ctx, asked, route) };
      const { threads } = parts.registry.documentation;
      if (isPage && route?.documents) threads.prepare(); // while the module is looked up
      try {
        const answer = await answerOf(ctx, asking, asked, route);
        await send(ctx, asking.visit, answer);
        // Who reads pages soon reads documentation.
        if (isPage && answer.kind === "page") threads.prepare();
      } catch (error) {
        if (!isPage) throw error; // programs are told in their own way
        const { failure, status } = asked.explain(error);
        ctx.state.reason = failure.reason;
        const { visit } = asking;
        if (failure.reason === "token_required" && ctx.method !== "POST")
          await send(ctx, visit, { kind: "redirect", status: 303, to: visit.at.signIn(visit.path + ctx.search) });
        else await send(ctx, visit, errorPage(visit, failure, status));
        if (status === 503) ctx.set("Retry-After", "1");
        if (failure.retryAfterSeconds !== undefined) ctx.set("Retry-After", String(failure.retryAfterSeconds));
      }
      return true;
    },
  };
}

/** A request on its way: what is known of it grows, and the page of a failure shows as much as was known. */
interface Asking {
  visit: Visit;
}

function visitOf(parts: WebParts, ctx: Context, { url, from }: FromListener, route: FoundRoute | undefined): Visit {
  return {
    ...{ parts, registry: parts.registry, url, from, principal: ANONYMOUS, session: undefined },
    at: addressesBelow(new URL(url).pathname.replace(/\/$/, "")),
    path: ctx.path,
    query: new URLSearchParams(ctx.querystring),
    form: new URLSearchParams(),
    browser: ctx.get("User-Agent"),
    cookies: ctx.get("Cookie"),
    named: route?.named ?? {},
  };
}

async function answerOf(
  ctx: Context,
  asking: Asking,
  asked: FromListener,
  route: FoundRoute | undefined,
): Promise<Answer> {
  const { registry, url } = asking.visit;
  const secret = sessionSecretIn(ctx.headers.cookie, url);
  const found = secret === undefined ? undefined : await findSession(registry, secret);
  // Since people sign in by the provider alone, sessions that were made with a token are over.
  const signedIn = found?.by === "token" && asking.visit.parts.provider?.only ? undefined : found;
  const session: Session | undefined =
    signedIn && secret !== undefined ? { id: signedIn.id, by: signedIn.by, formToken: formTokenOf(secret) } : undefined;
  const principal = signedIn?.principal ?? (await authenticate(registry, asked.credentials()));
  ctx.state.principal = principal;
  asking.visit = { ...asking.visit, principal, session };
  requireScope(principal, "api read");
  if (!route?.load) throw noSuchPage();
  if (ctx.method === "POST") {
    const form = await formIn(ctx);
    asking.visit = { ...asking.visit, form };
    demandSameOrigin(ctx.headers, url, session?.formToken, form.get(FORM_TOKEN));
    if (!route.anyScope) requireScope(principal, "api write");
  }
  const show = await route.load();
  return show(asking.visit);
}

function noSuchPage(): Failure {
  return notFound("there is no page here", "no_such_address");
}

async function formIn(ctx: Context): Promise<URLSearchParams> {
  if (!ctx.is("application/x-www-form-urlencoded")) throw noSuchPage();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FORM_BYTES) throw Object.assign(new Error("the form is too large"), { status: 413, expose: true });
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}

async function send(ctx: Context, visit: Visit, answer: Answer): Promise<void> {
  ctx.set(PAGE_HEADERS);
  if (answer.kind !== "file") for (const cookie of cookiesOf(answer.cookie)) ctx.append("Set-Cookie", cookie);
  if (answer.kind === "redirect") {
    ctx.status = answer.status ?? 302;
    ctx.set("Location", answer.to);
    ctx.type = "text/plain; charset=utf-8";
    ctx.body = "";
    return;
  }
  if (answer.kind === "file") {
    ctx.status = 200;
    ctx.set({ ...answer.headers });
    sendTagged(ctx, answer.type, answer.body);
    return;
  }
  ctx.status = answer.status ?? 200;
  // What the anonymous see, everybody may; pages of files and failures are nothing to be found by.
  if (visit.parts.isIndexed && visit.principal.kind === "anonymous" && ctx.status === 200) ctx.remove("X-Robots-Tag");
  const text = await documentOf(answer.visit ?? visit, answer satisfies Page);
  if (ctx.status === 200) sendTagged(ctx, "text/html; charset=utf-8", text);
  else {
    ctx.type = "text/html; charset=utf-8";
    ctx.set("Cache-Control", "no-store");
    ctx.body = text;
  }
}

function cookiesOf(cookie: string | readonly string[] | undefined): readonly string[] {
  return typeof cookie === "string" ? [cookie] : (cookie ?? []);
}

/** With an entity tag, so that whoever has the very same already gets no more than word of it. */
function sendTagged(ctx: Context, type: string, body: string | Buffer): void {
  ctx.type = type;
  ctx.etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  if (ctx.fresh) ctx.status = 304;
  else ctx.body = body;
}
