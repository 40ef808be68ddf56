// Signing in with a personal access token, and out. There are no passwords: the page says how one gets a token. Whatever is
// wrong with a token is said beside the field, and costs an address one of its attempts.
import { isFailure } from "../../errors.ts";
import { endSession, startSession } from "../../registry/access/web-sessions.ts";
import { textField } from "../html/forms.ts";
import { banner, lines } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Answer, type Page, page, type Show, seeOther, type Visit } from "../html/visit.ts";
import { attemptsAt } from "./attempts.ts";
import { noSessionCookie, sessionCookie } from "./cookie.ts";
import { localPath } from "./return-to.ts";

/** The form. Whoever is signed in already goes on. */
export const showSignIn: Show = (visit) => {
  const returnTo = localPath(visit.query.get("return_to"));
  if (visit.session) return seeOther(returnTo ?? visit.at.home());
  return signInPage(visit, returnTo);
};

/** What the form sends. */
export async function signIn(visit: Visit): Promise<Answer> {
  const { registry, form, url, from, browser, at } = visit;
  const returnTo = localPath(form.get("return_to"));
  const token = (form.get("token") ?? "").trim();
  const attempts = attemptsAt(registry);
  attempts.check(from);
  try {
    const { secret, expiresAt } = await startSession(registry, token, browser);
    return seeOther(returnTo ?? at.home(), sessionCookie(url, secret, expiresAt));
  } catch (error) {
    if (!isFailure(error, "unauthenticated", "forbidden", "insufficient-scope")) throw error;
    attempts.failed(from);
    return { ...signInPage(visit, returnTo, error.message), status: 422 };
  }
}

/** Ends the session. */
export async function signOut(visit: Visit): Promise<Answer> {
  if (visit.session) await endSession(visit.registry, visit.principal, visit.session.id);
  return seeOther(visit.at.home(), noSessionCookie(visit.url));
}

function signInPage({ at, url }: Visit, returnTo: string | undefined, fault?: string): Page {
  const isOpen = url.startsWith("http:") && !/^http:\/\/(localhost|127\.|\[::1\])/.test(url);
  return page(
    "Sign in",
    html`<h1>Sign in</h1>
${returnTo === undefined ? NOTHING : html`<p>The page may be there for those who are signed in.</p>`}
${isOpen ? banner("warn", html`<p>This connection is not encrypted: whoever is on the way can read the token.</p>`) : NOTHING}
${fault === undefined ? NOTHING : html`<div class="banner bad" role="alert"><p id="fault">${fault}</p></div>`}
<form class="form" method="post" action="${at.signIn()}">
${returnTo === undefined ? NOTHING : html`<input type="hidden" name="return_to" value="${returnTo}">`}
${textField("token", "Personal access token", {
  type: "password",
  required: true,
  autocomplete: "current-password",
  help: "With the scope read_api to look at things, or api to change them too.",
})}
<p><button type="submit" class="primary">Sign in</button></p>
</form>
${howToGetOne()}`,
  );
}

function howToGetOne(): Html {
  return html`<h2>Where do I get a token?</h2>
<p>Ask an administrator for your first one. Whoever looks after this server makes it with</p>
${lines("gokura user create NAME", "gokura token create --user NAME --name browser --scope api,read_repository,write_repository")}
<p>The token of <code>root</code> was printed when the server started for the first time. Once you are signed in, you make and
rotate your own.</p>`;
}
