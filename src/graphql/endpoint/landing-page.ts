// The page that a browser gets at the address of GraphQL: what there is, and a form to try a query. It is whole in itself, so
// that it works without the internet, and runs only what its own sums name (Content Security Policy, level 3, "hash-source").
import { createHash } from "node:crypto";

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c28; }
label { display: block; margin: 1rem 0 .25rem; }
textarea, input, pre { width: 100%; box-sizing: border-box; font: 14px/1.4 ui-monospace, monospace; padding: .5rem; }
pre { background: #f3f3f7; overflow: auto; min-height: 4rem; white-space: pre-wrap; }
button { margin-top: 1rem; font: inherit; padding: .4rem 1.2rem; }
`;

const SCRIPT = `
const of = (id) => document.getElementById(id);
of("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = of("answer");
  answer.textContent = "…";
  try {
    const token = of("token").value.trim();
    const variables = of("variables").value.trim();
    const response = await fetch(location.pathname, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", ...(token ? { Authorization: "Bearer " + token } : {}) },
      body: JSON.stringify({ query: of("query").value, variables: variables ? JSON.parse(variables) : {} }),
    });
    answer.textContent = response.status + "\\n" + JSON.stringify(await response.json(), undefined, 2);
  } catch (error) {
    answer.textContent = String(error);
  }
});
`;

/** The page, as HTML. */
export const LANDING_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Gokura: GraphQL</title><style>${STYLE}</style></head>
<body>
<h1>GraphQL</h1>
<p>This address takes queries by POST, as JSON: <code>{"query": "…", "variables": {…}}</code>. Reading needs a token with
<code>read_api</code> or <code>api</code>, or none for what is public; changing needs <code>api</code>.</p>
<form id="form">
<label for="query">Query</label>
<textarea id="query" rows="10" spellcheck="false">{ goModules(first: 10) { nodes { path latestVersion { version time } } } }</textarea>
<label for="variables">Variables</label>
<textarea id="variables" rows="3" spellcheck="false"></textarea>
<label for="token">Token</label>
<input id="token" type="password" autocomplete="off">
<button>Ask</button>
</form>
<h2>Answer</h2>
<pre id="answer" aria-live="polite"></pre>
<script>${SCRIPT}</script>
</body>
</html>
`;

const sumOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** What the page may do: run its own script, in its own clothes, and ask this server. */
export const LANDING_PAGE_POLICY = [
  "default-src 'none'",
  `script-src ${sumOf(SCRIPT)}`,
  `style-src ${sumOf(STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
