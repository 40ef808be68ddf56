// Signing in with a personal access token, and out. Whatever is wrong with a token is said above the form, and costs an address
// one of its attempts. Whoever signed in by a provider may end the session there too: else the next one at this browser is
// signed in again by a click.
import { Failure, isFailure } from "../../errors.ts";
import { checkSignIn, signInFailed } from "../../registry/access/attempts.ts";
import { endSession, idTokenOf, startSession } from "../../registry/access/web-sessions.ts";
import { html } from "../html/template.ts";
import { type Answer, page, type Show, seeOther, type Visit } from "../html/visit.ts";
import { noSessionCookie, sessionCookie } from "./cookie.ts";
import { localPath, returnAddress } from "./return-to.ts";
import { signInPage } from "./sign-in-page.ts";

/** The form. Whoever is signed in already goes on. */
export const showSignIn: Show = (visit) => {
  const returnTo = localPath(visit.query.get("return_to"));
  if (visit.session) return seeOther(returnAddress(visit.at, returnTo));
  return signInPage(visit, returnTo);
};

/** What the form sends. */
export async function signIn(visit: Visit): Promise<Answer> {
  const { registry, form, url, from, browser, at, parts } = visit;
  const returnTo = localPath(form.get("return_to"));
  const token = (form.get("token") ?? "").trim();
  await checkSignIn(registry, from);
  try {
    if (parts.provider?.only)
      throw new Failure("forbidden", `only ${parts.provider.ask.name} signs people in here: use the link`, {
        reason: "sign_in_by_provider_only",
      });
    const { secret, expiresAt } = await startSession(registry, token, browser);
    return seeOther(returnAddress(at, returnTo), sessionCookie(url, secret, expiresAt));
  } catch (error) {
    if (!isFailure(error, "unauthenticated", "forbidden", "insufficient-scope")) throw error;
    await signInFailed(registry, from);
    return { ...signInPage(visit, returnTo, error), status: 422 };
  }
}

/** Ends the session; one that the provider vouched for is ended there too by a link. */
export async function signOut(visit: Visit): Promise<Answer> {
  const { session, registry, principal, at, url } = visit;
  const there = session?.by === "provider" ? await endSessionThere(visit, session.id) : undefined;
  if (session) await endSession(registry, principal, session.id);
  if (there === undefined) return seeOther(at.home(), noSessionCookie(url));
  const { name } = visit.parts.provider!.ask;
  const left: Visit = { ...visit, principal: { kind: "anonymous" }, session: undefined };
  return page(
    "Signed out",
    html`<h1>You are signed out</h1>
<p>Your session at ${name} goes on: whoever uses this browser next can sign in as you by a click.</p>
<p><a class="button primary" href="${there}">Sign out of ${name} too</a></p>
<p><a href="${at.home()}">Home</a></p>`,
    { cookie: noSessionCookie(url), visit: left },
  );
}

/** Where the session at the provider is ended; undefined: nowhere, or the provider is away, which keeps nobody here. */
async function endSessionThere({ registry, parts, url }: Visit, sessionId: number): Promise<string | undefined> {
  const idToken = await idTokenOf(registry, sessionId);
  if (idToken === undefined) return undefined;
  try {
    return await parts.provider?.ask.endSessionUrl(idToken, `${url}/`);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return undefined;
  }
}
