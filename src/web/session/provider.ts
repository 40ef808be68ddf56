// Signing in by the provider of OpenID Connect. A link leads to the provider, which sends the browser back with a code; what
// the question was, the browser kept in a cookie of its own, sealed, for ten minutes, and for one answer. So an answer that
// somebody else asked for, or that came before, signs nobody in. It is a link and no form, because the policy of our pages lets
// no form lead to another site.
import { type Failure, invalid, isFailure } from "../../errors.ts";
import { checkSignIn, signInFailed } from "../../registry/access/attempts.ts";
import { startProviderSession } from "../../registry/access/web-sessions.ts";
import { connectIdentity, signInByProvider } from "../../registry/forge/provider-sign-in.ts";
import { type PendingSignIn, unfinishedSignIn } from "../../upstream/sign-in-provider.ts";
import { type Answer, type Page, seeOther, type Visit, type WebProvider } from "../html/visit.ts";
import { noPendingSignInCookie, pendingSignInCookie, pendingSignInIn, sessionCookie } from "./cookie.ts";
import { localPath, returnAddress } from "./return-to.ts";
import { noSignInPage, signInPage } from "./sign-in-page.ts";

const PATIENCE_MS = 10 * 60_000;
const PURPOSE = "sign-in under way";

/** What the browser keeps. */
interface Begun extends PendingSignIn {
  readonly until: number;
  readonly returnTo: string | undefined;
  /** The user who connects an identity; undefined: somebody signs in. */
  readonly connect: number | undefined;
}

/** Leads to the provider: to sign in, or, with the token of the session's forms as `connect`, to connect oneself there. */
export async function beginAtProvider(visit: Visit): Promise<Answer> {
  const { registry, query, url, principal, session } = visit;
  const provider = providerHere(visit);
  const returnTo = localPath(query.get("return_to"));
  const asked = query.get("connect");
  if (asked !== null && (asked !== session?.formToken || principal.kind !== "user"))
    throw invalid(
      "this link is of another session: open the page of your tokens again",
      undefined,
      "cross_site_request",
    );
  try {
    const { url: there, pending } = await provider.ask.begin(callbackOf(visit));
    const begun: Begun = {
      ...pending,
      until: Date.now() + PATIENCE_MS,
      returnTo,
      connect: asked !== null && principal.kind === "user" ? principal.userId : undefined,
    };
    const sealed = (await registry.secrets()).seal(JSON.stringify(begun), PURPOSE);
    return seeOther(there, pendingSignInCookie(url, sealed, new Date(begun.until)));
  } catch (error) {
    if (!isFailure(error, "unavailable")) throw error;
    return refusedPage(visit, error, returnTo);
  }
}

/** Takes the answer of the provider. */
export async function returnFromProvider(visit: Visit): Promise<Answer> {
  const { registry, from, browser, url, at, principal } = visit;
  const provider = providerHere(visit);
  await checkSignIn(registry, from);
  let begun: Begun | undefined;
  try {
    begun = await begunIn(visit);
    const answered = new URL(`${callbackOf(visit)}?${visit.query}`);
    const vouched = await provider.ask.finish(answered, begun);
    if (begun.connect !== undefined) {
      if (principal.kind !== "user" || principal.userId !== begun.connect) throw unfinishedSignIn();
      await connectIdentity(registry, principal, vouched);
      return seeOther(at.tokens(), noPendingSignInCookie(url));
    }
    const identity = await signInByProvider(registry, vouched, provider.rules);
    const { secret, expiresAt } = await startProviderSession(registry, identity, vouched.idToken, browser);
    const cookies = [sessionCookie(url, secret, expiresAt), noPendingSignInCookie(url)];
    return seeOther(returnAddress(at, begun.returnTo), cookies);
  } catch (error) {
    if (!isFailure(error, "invalid", "unauthenticated", "forbidden", "conflict", "unavailable")) throw error;
    if (isFailure(error, "invalid", "unauthenticated")) await signInFailed(registry, from);
    return refusedPage(visit, error, begun?.returnTo);
  }
}

/** The provider; throws not-found where there is none. */
function providerHere(visit: Visit): WebProvider {
  const { provider } = visit.parts;
  if (!provider) throw noSignInPage();
  return provider;
}

/** Where the provider sends browsers: it must know this address beforehand. */
function callbackOf({ url }: Visit): string {
  return `${url}/-/sign-in/provider/callback`;
}

async function begunIn({ registry, cookies, url }: Visit): Promise<Begun> {
  const sealed = pendingSignInIn(cookies, url);
  if (sealed === undefined) throw unfinishedSignIn();
  try {
    const begun = JSON.parse((await registry.secrets()).open(sealed, PURPOSE)) as Begun;
    if (begun.until > Date.now()) return begun;
  } catch (error) {
    if (!isFailure(error, "unavailable")) throw error;
  }
  throw unfinishedSignIn();
}

/** The page from which one signs in, with what went wrong. */
function refusedPage(visit: Visit, failure: Failure, returnTo: string | undefined): Page {
  const status = failure.kind === "unavailable" ? 503 : failure.kind === "forbidden" ? 403 : 422;
  return { ...signInPage(visit, returnTo, failure), status, cookie: noPendingSignInCookie(visit.url) };
}
