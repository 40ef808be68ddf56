// Feeds of new versions (Atom, RFC 4287): of everything, of a group, of a project, of a module. Feed readers sign in with
// Basic authentication and a token; a browser with its session.
import { createHash } from "node:crypto";
import { hidden, maySeeGroup, maySeeProject } from "../../registry/access/access.ts";
import { findGroup } from "../../registry/forge/groups.ts";
import { findProject } from "../../registry/forge/projects.ts";
import { packagesOfGroups, packagesOfProjects } from "../../registry/packages/package-lists.ts";
import { versionsOfModules } from "../../registry/versions/module-versions.ts";
import { newestVersions } from "../../registry/versions/newest-versions.ts";
import { html } from "../html/template.ts";
import type { FileAnswer, Show, Visit } from "../html/visit.ts";
import { demandModule } from "../modules/find-module.ts";

const ENTRIES = 30;
const NEWEST_FIRST = { filter: {}, sort: { by: "created_at", order: "desc" } } as const;

interface Entry {
  readonly path: string;
  readonly version: string;
  readonly at: Date;
}

export const showAllVersions: Show = async (visit) =>
  feed(visit, "New versions", visit.at.home(), await newestVersions(visit.registry, visit.principal, ENTRIES));

export const showPathFeed: Show = async (visit) => {
  const { registry, principal, named, at } = visit;
  const path = named.path!;
  const page = { first: ENTRIES };
  const project = await findProject(registry, path);
  if (project && maySeeProject(principal, project)) {
    const found = await packagesOfProjects(registry, principal, [project], NEWEST_FIRST, page);
    return feed(
      visit,
      `New versions of ${project.fullPath}`,
      at.project(project.fullPath),
      packages(found.get(project.id)?.rows),
    );
  }
  const group = await findGroup(registry, path);
  if (!group || !maySeeGroup(principal, group)) throw hidden(principal, "Project");
  const found = await packagesOfGroups(registry, principal, [group], { includeSubgroups: true }, NEWEST_FIRST, page);
  return feed(
    visit,
    `New versions in ${group.fullPath}`,
    at.group(group.fullPath),
    packages(found.get(group.id)?.rows),
  );
};

export const showModuleFeed: Show = async (visit) => {
  const { registry, named, at } = visit;
  const { module } = await demandModule(visit, named.path!);
  const sort = { by: "time", order: "desc" } as const;
  const found = await versionsOfModules(registry, [module], {}, sort, { first: ENTRIES });
  const entries = (found.get(module.id)?.rows ?? []).map(({ version, time, createdAt }) => ({
    ...{ path: module.path, version, at: time ?? createdAt },
  }));
  return feed(visit, `New versions of ${module.path}`, at.module(module.path), entries);
};

function packages(
  rows: readonly { readonly packageName: string; readonly version: string; readonly createdAt: Date }[] = [],
): Entry[] {
  return rows.map(({ packageName, version, createdAt }) => ({ path: packageName, version, at: createdAt }));
}

async function feed(
  { url, path, at }: Visit,
  title: string,
  page: string,
  entries: readonly Entry[],
): Promise<FileAnswer> {
  const origin = new URL(url).origin;
  const id = (text: string): string => `urn:sha256:${createHash("sha256").update(`${url} ${text}`).digest("hex")}`;
  const updated = (entries[0]?.at ?? new Date(0)).toISOString();
  const body = html`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<title>${title}</title>
<id>${id(path)}</id>
<updated>${updated}</updated>
<author><name>Gokura</name></author>
<link rel="self" href="${url}${path}"/>
<link rel="alternate" type="text/html" href="${origin}${page}"/>
${entries.map(
  (entry) => html`<entry>
<title>${entry.path} ${entry.version}</title>
<id>${id(`${entry.path}@${entry.version}`)}</id>
<updated>${entry.at.toISOString()}</updated>
<link rel="alternate" type="text/html" href="${origin}${at.module(entry.path, entry.version)}"/>
<content type="text">go get ${entry.path}@${entry.version}</content>
</entry>
`,
)}</feed>
`;
  return {
    kind: "file",
    type: "application/atom+xml; charset=utf-8",
    body: String(await body),
    headers: { "Content-Security-Policy": "default-src 'none'" },
  };
}
