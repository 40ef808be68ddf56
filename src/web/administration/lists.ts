// Lists that administrators look through: declared prefixes, upstreams and how they are doing, background jobs, rejected tags
// of all projects, the audit trail.
import { demandAdministrator } from "../../registry/access/access.ts";
import { listAuditEvents } from "../../registry/administration/audit-trail.ts";
import { type JobState, listJobs, retryJob } from "../../registry/administration/background-jobs.ts";
import { listModulePrefixes } from "../../registry/administration/module-prefixes.ts";
import { listCaughtDatabases, listQuarantine } from "../../registry/checksums/checksum-trouble.ts";
import type { QuarantinedVersion } from "../../registry/checksums/proved-sums.ts";
import type { Misbehaviour } from "../../registry/checksums/trusted-heads.ts";
import { findProjects } from "../../registry/forge/projects.ts";
import { listAllRejectedTags } from "../../registry/versions/rejected-tags.ts";
import { buttonForm, choiceField, faultOf, type ShowForm, sent, taking } from "../html/forms.ts";
import { breakable, mark, nothingYet, number, pageAsked, pager, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Show, seeOther } from "../html/visit.ts";
import { adminPage, searchFor } from "./frame.ts";

const ENTRIES = 50;

export const showPrefixes: Show = async (visit) => {
  const { registry, principal, query, at } = visit;
  const list = await listModulePrefixes(registry, principal, query.get("search"), pageAsked(visit, ENTRIES));
  const rows = list.rows.map((project) => [
    html`<code>${project.modulePrefix}</code>`,
    html`<a href="${at.project(project.fullPath)}">${project.fullPath}</a>`,
  ]);
  return adminPage(
    visit,
    "module_prefixes",
    html`${searchFor(visit, "module_prefixes", "Part of the prefix")}
${rows.length === 0 ? nothingYet(html`<p>No project has declared a prefix for its modules, or none fits.</p>`) : table("Prefixes that projects declared", ["Prefix", "Project"], rows)}${pager(visit, list, "prefixes")}`,
  );
};

export const showUpstreams: Show = async (visit) => {
  const { registry, principal } = visit;
  demandAdministrator(principal);
  const [caught, quarantine] = await Promise.all([
    listCaughtDatabases(registry, principal),
    listQuarantine(registry, principal),
  ]);
  const marks = { UP: "good", FAILING: "warn", DOWN: "bad" } as const;
  const upstreams = visit.parts.upstreams();
  return adminPage(
    visit,
    "upstreams",
    html`${table(
      "Upstreams, in the order in which they are asked, since the start of this process",
      [
        "Upstream",
        "State",
        { title: "Answered", number: true },
        { title: "Failed", number: true },
        "Last answered",
        "Last failed",
        "Tried again",
      ],
      upstreams.map(({ name, kind, health }) => [
        html`<span class="mono">${name}</span>`,
        health === undefined ? kind.toLowerCase() : mark(health.state.toLowerCase(), marks[health.state]),
        health === undefined ? NOTHING : number(health.answered),
        health === undefined ? NOTHING : number(health.failed),
        health === undefined ? NOTHING : time(health.lastAnsweredAt),
        health === undefined ? NOTHING : time(health.lastFailedAt),
        health?.triedAgainAt === undefined ? NOTHING : time(health.triedAgainAt),
      ]),
    )}${caught.length === 0 ? NOTHING : caughtDatabases(caught)}${quarantine.length === 0 ? NOTHING : quarantined(quarantine)}`,
  );
};

const caughtDatabases = (caught: readonly Misbehaviour[]): Html =>
  table(
    "Checksum databases that were caught lying; gokura sumdb trust shows the proof, and decides",
    ["Database", "State", "Caught", "Why"],
    caught.map(({ database, decidedAt, at, reason }) => [
      html`<span class="mono">${database}</span>`,
      decidedAt === undefined ? mark("not believed", "bad") : mark("believed again", "good"),
      time(at),
      reason,
    ]),
  );

const quarantined = (versions: readonly QuarantinedVersion[]): Html =>
  table(
    "Versions in quarantine, which nobody is served; gokura sumdb quarantine --remove has one fetched again",
    ["Version", "Stored", "Recorded", "By"],
    versions.map(({ modulePath, version, stored, h1, goModH1, database, id }) => [
      html`<span class="mono">${breakable(`${modulePath}@${version}`)}</span>`,
      html`<code>${stored.h1 ?? "no zip"}</code> <code>${stored.goModH1 ?? ""}</code>`,
      html`<code>${h1}</code> <code>${goModH1}</code>`,
      html`record ${id} of <span class="mono">${database}</span>`,
    ]),
  );

const STATES: readonly (readonly [JobState, string, "" | "good" | "warn" | "bad"])[] = [
  ["created", "waiting", ""],
  ["retry", "to be tried again", "warn"],
  ["active", "running", ""],
  ["completed", "done", "good"],
  ["cancelled", "cancelled", ""],
  ["failed", "failed", "bad"],
];

export const showJobs: ShowForm = async (visit, fault) => {
  const { registry, principal, query, at } = visit;
  const state = STATES.find(([name]) => name === query.get("state"))?.[0] ?? null;
  const list = await listJobs(
    registry,
    principal,
    { name: query.get("name") || null, state },
    pageAsked(visit, ENTRIES),
  );
  const action = at.admin("jobs");
  return adminPage(
    visit,
    "jobs",
    html`${faultOf(fault)}<form class="filters" action="${action}">
<div><label for="name">Name</label><input id="name" name="name" type="search" value="${query.get("name") ?? ""}"></div>
${choiceField("state", "State", [["", "any"], ...STATES.map(([name, words]) => [name, words] as const)], state)}
<div><button type="submit">Show</button></div>
</form>
${
  list.rows.length === 0
    ? nothingYet(html`<p>No job fits. Those that are done are kept for a week.</p>`)
    : table(
        "Background jobs, the last first",
        ["Job", "State", "Made", "Ended", "What", "Trouble", "Change"],
        list.rows.map((job) => {
          const [, words, kind] = STATES.find(([name]) => name === job.state)!;
          return [
            job.name,
            html`${mark(words, kind)}${job.done === null ? NOTHING : html` <span class="quiet">${job.done} of ${job.total}</span>`}${job.retries > 0 ? html` <span class="quiet">tried ${job.retries + 1} times</span>` : NOTHING}`,
            time(job.createdAt),
            job.endedAt === null ? NOTHING : time(job.endedAt),
            html`<code>${JSON.stringify(job.data).slice(0, 200)}</code>`,
            job.error ?? NOTHING,
            job.state === "failed"
              ? buttonForm(visit, action, "Try again", { id: job.id }, "", `Try again: ${job.name}`)
              : NOTHING,
          ];
        }),
      )
}${pager(visit, list, "jobs")}`,
  );
};

export const changeJobs = taking(showJobs, async (visit) => {
  await retryJob(visit.registry, visit.principal, sent(visit, "id") ?? "");
  return seeOther(visit.at.admin("jobs"));
});

export const showAllRejectedTags: Show = async (visit) => {
  const { registry, principal, query, at } = visit;
  const list = await listAllRejectedTags(registry, principal, query.get("search"), pageAsked(visit, ENTRIES));
  const projects = await findProjects(
    registry,
    list.rows.map(({ projectId }) => projectId),
  );
  const paths = new Map(projects.map(({ id, fullPath }) => [id, fullPath]));
  const rows = list.rows.map((row) => {
    const path = paths.get(row.projectId);
    return [
      path === undefined ? "deleted" : html`<a href="${at.projectPart(path, "rejected_tags")}">${path}</a>`,
      html`<span class="mono">${row.tag}</span>`,
      row.reason,
      time(row.at),
    ];
  });
  return adminPage(
    visit,
    "rejected_tags",
    html`${searchFor(visit, "rejected_tags", "Part of the tag, the module path or the reason")}
${rows.length === 0 ? nothingYet(html`<p>No tag was rejected, or none fits.</p>`) : table("Tags that are no versions, the last first", ["Project", "Tag", "Why", "Since"], rows)}${pager(visit, list, "rejected tags")}`,
  );
};

export const showAudit: Show = async (visit) => {
  const { registry, principal, query, at } = visit;
  const of = (name: string): string | null => query.get(name)?.trim() || null;
  const filter = { actor: of("actor"), action: of("action"), subject: of("subject") };
  const list = await listAuditEvents(registry, principal, filter, pageAsked(visit, ENTRIES));
  const rows = list.rows.map((event) => [
    time(event.at),
    event.actor,
    html`<code>${event.action}</code>`,
    html`<span class="mono">${event.subject}</span>`,
    html`<code class="details">${JSON.stringify(event.detail).slice(0, 300)}</code>`,
  ]);
  return adminPage(
    visit,
    "audit",
    html`<form class="filters" action="${at.admin("audit")}">
${["actor", "action", "subject"].map((name) => html`<div><label for="${name}">${name[0]!.toUpperCase()}${name.slice(1)}</label><input id="${name}" name="${name}" type="search" value="${query.get(name) ?? ""}"></div>`)}
<div><button type="submit">Show</button></div>
</form>
<p class="quiet">An action such as <code>token.create</code>, or all of a kind with a dot behind it: <code>token.</code></p>
${rows.length === 0 ? nothingYet(html`<p>Nothing of the kind was done.</p>`) : table("Who did what, newest first", ["When", "Who", "Action", "To what", "Details"], rows)}${pager(visit, list, "the audit trail")}`,
  );
};
