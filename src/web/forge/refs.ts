// Branches and tags of a project, the tags that are no versions with the reason and what to do, and those that moved or went
// away, for its Maintainers.

import { type RefRow, searchRefs } from "../../registry/forge/ref-search.ts";
import { tagEventsOfProjects } from "../../registry/forge/tag-events.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { rejectedTagsOfProjects } from "../../registry/versions/rejected-tags.ts";
import { explainTags, type TagExplanation } from "../../registry/versions/tag-explanation.ts";
import { breakable, lines, mark, nothingYet, numberedPageAsked, numberedPager, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Show, Visit } from "../html/visit.ts";
import { codeAsked, framed } from "./project.ts";

const ENTRIES = 50;
const REJECTED = 100;
const EVENTS = 50;

export const showBranches: Show = async (visit) => {
  const project = await codeAsked(visit);
  const { rows, pages } = await refsOf(visit, project, "branches");
  const list =
    rows.length === 0
      ? nothingYet(html`<p>There is no branch yet: push one.</p>`)
      : table(
          "Branches",
          ["Branch", "Commit", "Moved"],
          rows.map((ref) => [
            html`<span class="mono">${ref.name}</span>${ref.name === project.defaultBranch ? html` ${mark("default")}` : NOTHING}`,
            commit(visit, project, ref.peeled),
            time(ref.updatedAt),
          ]),
        );
  return framed(visit, project, "branches", html`${list}${pages}`);
};

export const showTags: Show = async (visit) => {
  const { registry, principal, at } = visit;
  const project = await codeAsked(visit);
  const { rows, pages } = await refsOf(visit, project, "tags");
  const names = rows.map(({ name }) => name);
  const all = names.length === 0 ? [] : await explainTags(registry, principal, project.fullPath, names);
  const explained = Map.groupBy(
    all.filter(({ verdict }) => verdict !== "event"), // these stand below, for those who may see them
    ({ tag }) => tag,
  );
  const events = (await tagEventsOfProjects(registry, principal, [project], EVENTS)).get(project.id) ?? [];
  const list =
    rows.length === 0
      ? nothingYet(
          html`<p>There is no tag yet. One such as <code>v0.1.0</code> becomes a version:</p>${lines("git tag v0.1.0", "git push origin v0.1.0")}`,
        )
      : table(
          "Tags",
          ["Tag", "What it is", "Commit", "Moved"],
          rows.map((ref) => [
            html`<span class="mono">${ref.name}</span>`,
            (explained.get(ref.name) ?? []).map((one) => html`<div>${said(visit, one)}</div>`),
            commit(visit, project, ref.peeled),
            time(ref.updatedAt),
          ]),
        );
  return framed(
    visit,
    project,
    "tags",
    html`${list}${pages}
${
  events.length === 0
    ? NOTHING
    : html`<h2 id="moved">Moved and deleted tags</h2>
<p>What was published from them stays as it was.</p>
${table(
  "Moved and deleted tags",
  ["Tag", "What happened", "From", "To", "Who", "When"],
  events.map((event) => [
    html`<span class="mono">${event.tag}</span>`,
    event.kind === "MOVED" ? mark("moved", "warn") : mark("deleted", "bad"),
    html`<code>${event.oldCommit.slice(0, 12)}</code>`,
    event.newCommit === null ? "gone" : html`<code>${event.newCommit.slice(0, 12)}</code>`,
    event.actor ?? "not noted",
    time(event.at),
  ]),
)}`
}
<p><a href="${at.projectPart(project.fullPath, "rejected_tags")}">Tags that are no versions, and why</a></p>`,
  );
};

export const showRejectedTags: Show = async (visit) => {
  const { registry, principal } = visit;
  const project = await codeAsked(visit);
  const rows = (await rejectedTagsOfProjects(registry, principal, [project], REJECTED)).get(project.id) ?? [];
  const list =
    rows.length === 0
      ? nothingYet(html`<p>Every tag of this project is a version, or none was meant to be one.</p>`)
      : html`${table(
          "Rejected tags",
          ["Tag", "Module and version that it would be", "Why it is none", "Since"],
          rows.map((row) => [
            html`<span class="mono">${row.tag}</span>`,
            row.modulePath === null
              ? NOTHING
              : html`<span class="mono">${breakable(`${row.modulePath}${row.version === null ? "" : `@${row.version}`}`)}</span>`,
            row.reason,
            time(row.at),
          ]),
        )}${rows.length === REJECTED ? html`<p class="quiet">The first ${REJECTED} by name.</p>` : NOTHING}`;
  return framed(
    visit,
    project,
    "rejected_tags",
    html`${list}
<h2 id="what-to-do">What to do</h2>
<p>Mend what the reason names in a new commit and tag that with the next version: a tag that was pushed stays in the caches of
others, so moving it helps only those who never saw it. A tag that was deleted and pushed again is looked at anew.</p>
${lines("git tag v1.2.4", "git push origin v1.2.4")}`,
  );
};

async function refsOf(
  visit: Visit,
  project: ProjectRow,
  kind: "branches" | "tags",
): Promise<{ readonly rows: readonly RefRow[]; readonly pages: Html | "" }> {
  const asked = numberedPageAsked(visit, ENTRIES);
  const order = kind === "tags" ? ({ by: "updated", sort: "desc" } as const) : ({ by: "name", sort: "asc" } as const);
  const found = await searchRefs(visit.registry, visit.principal, project, { kind }, order, asked);
  return { rows: found.rows, pages: numberedPager(visit, asked, found.more, kind) };
}

function commit({ at }: Visit, project: ProjectRow, oid: string): Html {
  return html`<a class="mono" href="${at.projectPart(project.fullPath, `commit/${oid}`)}">${oid.slice(0, 12)}</a>`;
}

const MARKS = { version: "good", warning: "warn", refused: "bad", waiting: "", event: "" } as const;

function said({ at }: Visit, { verdict, module, version, reason }: TagExplanation): Html {
  if (verdict === "version" && module !== undefined && version !== undefined)
    return html`<a class="mono" href="${at.module(module, version)}">${breakable(`${module}@${version}`)}</a>`;
  return html`${mark(verdict, MARKS[verdict])} ${reason}`;
}
