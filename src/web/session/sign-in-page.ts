// The page from which people sign in: by the provider of OpenID Connect, if one is set, and with a token, unless the provider
// alone signs people in. There are no passwords: the page says how one gets a token.
import { type Failure, notFound } from "../../errors.ts";
import { textField } from "../html/forms.ts";
import { banner, lines } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, page, type Visit } from "../html/visit.ts";

/** The page; `fault`: why the last attempt did not work. */
export function signInPage(visit: Visit, returnTo: string | undefined, fault?: Failure): Page {
  const { at, url, parts } = visit;
  const { provider } = parts;
  const isOpen = url.startsWith("http:") && !/^http:\/\/(localhost|127\.|\[::1\])/.test(url);
  return page(
    "Sign in",
    html`<h1>Sign in</h1>
${returnTo === undefined ? NOTHING : html`<p>The page may be there for those who are signed in.</p>`}
${isOpen ? banner("warn", html`<p>This connection is not encrypted: whoever is on the way can read what you send.</p>`) : NOTHING}
${fault === undefined ? NOTHING : html`<div class="banner bad" role="alert"><p id="fault">${fault.message}</p><p class="quiet">The reason is <code>${fault.reason}</code>.</p></div>`}
${
  provider === undefined
    ? NOTHING
    : html`<p><a class="button primary" href="${at.signInByProvider(returnTo)}">Sign in with ${provider.ask.name}</a></p>
${provider.only ? html`<p class="quiet">Tokens do not sign in here; they are for go, git and programs.</p>` : html`<h2>With a token</h2>`}`
}
${provider?.only ? NOTHING : tokenForm(visit, returnTo)}`,
  );
}

function tokenForm({ at }: Visit, returnTo: string | undefined): Html {
  return html`<form class="form" method="post" action="${at.signIn()}">
${returnTo === undefined ? NOTHING : html`<input type="hidden" name="return_to" value="${returnTo}">`}
${textField("token", "Personal access token", {
  type: "password",
  required: true,
  autocomplete: "current-password",
  help: "With the scope read_api to look at things, or api to change them too.",
})}
<p><button type="submit" class="primary">Sign in</button></p>
</form>
<h2>Where do I get a token?</h2>
<p>Ask an administrator for your first one. Whoever looks after this server makes it with</p>
${lines("gokura user create NAME", "gokura token create --user NAME --name browser --scope api,read_repository,write_repository")}
<p>The token of <code>root</code> was printed when the server started for the first time. Once you are signed in, you make and
rotate your own.</p>`;
}

/** That there is no provider by which one could sign in. */
export function noSignInPage(): Failure {
  return notFound("there is no page here", "no_such_address");
}
