// What the pages can do, and the keys of those where scripts run.
import { html } from "../html/template.ts";
import { page, type Show } from "../html/visit.ts";

const KEYS = [
  ["/", "search"],
  ["f", "jump to a heading, a symbol or a file of this page"],
  ["y", "put the address into the bar that always shows the same: with its version"],
  ["?", "this page"],
] as const;

export const showHelp: Show = ({ at }) =>
  page(
    "Help",
    html`<h1>Help</h1>
<h2 id="keys">Keys</h2>
<p>They do nothing while you type. Without scripts all of it works by links and forms.</p>
<table><caption>Keys</caption><thead><tr><th scope="col">Key</th><th scope="col">What it does</th></tr></thead>
<tbody>${KEYS.map(([key, what]) => html`<tr><td><kbd>${key}</kbd></td><td>${what}</td></tr>`)}</tbody></table>
<h2 id="addresses">Addresses</h2>
<ul>
<li><code>/-/go/MODULE@VERSION</code>: a version, with <code>?tab=versions</code>, <code>gomod</code>, <code>importedby</code> and others</li>
<li><code>/-/src/MODULE@VERSION/FILE#L10-L20</code>: lines of a file; click on a number, then on another with Shift</li>
<li><code>/-/diff/MODULE@A...B</code>: what changed between two versions</li>
<li><code>/GROUP/PROJECT</code>, and what GitLab has below it: <code>/-/packages</code>, <code>/-/tags</code>, <code>/-/branches</code></li>
</ul>
<h2 id="programs">Programs</h2>
<p>They ask the <a href="${at.at("/api/graphql")}">GraphQL API</a> or the <a href="${at.at("/api/v4/openapi.json")}">REST API</a>; the go command asks its Go endpoint: <a href="${at.setUp()}">Set me up</a>.</p>`,
  );
