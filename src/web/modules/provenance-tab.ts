// Where a version comes from, and by what anybody can be sure of it: the commit and the tag, the sums that go.sum holds, and
// their record in our checksum database.
import { findRecord } from "../../registry/checksums/log-records.ts";
import { modulePathOf } from "../../registry/forge/projects.ts";
import { publisherOfTag } from "../../registry/forge/pushed-tags.ts";
import { tagEventsOfVersions } from "../../registry/forge/tag-events.ts";
import { banner, facts, lines, nothingYet, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import type { ShownVersion } from "./shown-version.ts";

const TAGS = "refs/tags/";
const EVENTS = 20;

export async function provenanceTab(visit: Visit, { module, version, project }: ShownVersion): Promise<Html> {
  const { registry, principal, at } = visit;
  const [record, publisher, events] = await Promise.all([
    findRecord(registry, module.path, version.version),
    project ? publisherOfTag(registry, principal, project, version) : undefined,
    tagEventsOfVersions(registry, principal, [{ id: version.id, ref: version.ref, project }], EVENTS),
  ]);
  const moved = events.get(version.id) ?? [];
  const name = `${module.path} ${version.version}`;
  return html`<h2 id="origin">Origin</h2>
${
  project === undefined
    ? facts(["From", "upstream, fetched when somebody first asked"], ["Fetched", time(version.createdAt)])
    : facts(
        ["Project", html`<a href="${at.project(project.fullPath)}">${project.fullPath}</a>`],
        [
          "Tag",
          version.ref?.startsWith(TAGS)
            ? html`<code>${version.ref.slice(TAGS.length)}</code>`
            : "none: made of a commit",
        ],
        [
          "Commit",
          version.commit === null
            ? undefined
            : html`<a class="mono" href="${at.projectPart(project.fullPath, `commit/${version.commit}`)}">${version.commit}</a>`,
        ],
        ["Directory", version.directory === "" ? "the repository's root" : html`<code>${version.directory}</code>`],
        ["Committed", time(version.time)],
        ["Published", time(version.createdAt)],
        ["Pushed by", publisher?.actor],
        ["Module path", html`<code>${modulePathOf(registry, project)}</code>`],
      )
}
${
  moved.length === 0
    ? NOTHING
    : banner(
        "warn",
        html`<p>The tag did not stay as it was; the version did.</p><ul>${moved.map((event) => html`<li>${event.kind === "MOVED" ? "moved" : "deleted"} ${time(event.at)} by ${event.actor ?? "somebody"}: from <code>${event.oldCommit.slice(0, 12)}</code>${event.newCommit === null ? NOTHING : html` to <code>${event.newCommit.slice(0, 12)}</code>`}</li>`)}</ul>`,
      )
}
<h2 id="sums">Sums</h2>
${
  version.goModH1 === null && version.h1 === null
    ? nothingYet(
        html`<p>They are known once the version was fetched: <code>go mod download ${module.path}@${version.version}</code></p>`,
      )
    : html`<p>As <code>go.sum</code> holds them:</p>${lines(
        ...(version.h1 === null ? [] : [`${name} ${version.h1}`]),
        ...(version.goModH1 === null ? [] : [`${name}/go.mod ${version.goModH1}`]),
      )}${version.h1 === null ? html`<p class="quiet">The sum of the zip is known once it is made or fetched.</p>` : NOTHING}`
}
<h2 id="log">Checksum database</h2>
${
  record === undefined
    ? html`<p>This version has no record in the checksum database of this server yet: it gets one with its zip.</p>`
    : html`<p>Record ${record.id} of the checksum database of this server, which cannot be changed without anybody noticing: <code>go</code> compares with it where <code>GOSUMDB</code> names it.</p>
${facts(["Known as", BASES[record.basis]])}`
}`;
}

const BASES = {
  HOSTED: "published here, with the sums that were pinned",
  PUBLIC: "proved by a public checksum database",
  OBSERVED: "as it was when it was first fetched",
} as const;
