// A commit of a project, and what was published from it; and the addresses by which GitLab names files, trees and
// differences at a ref, which lead to the version that the ref made.
import { Failure, isFailure, notFound } from "../../errors.ts";
import { repositoryExists, repositoryOf } from "../../git/hosting/repositories-of-projects.ts";
import { resolveRevision } from "../../git/objects/revision.ts";
import { modulePathOf } from "../../registry/forge/projects.ts";
import { searchRefs } from "../../registry/forge/ref-search.ts";
import { isId } from "../../registry/lists/keyset-page.ts";
import { findPackage } from "../../registry/packages/packages.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { explainTags } from "../../registry/versions/tag-explanation.ts";
import { versionsOfCommit } from "../../registry/versions/version-rows.ts";
import { breakable, facts, lines, time } from "../html/pieces.ts";
import { html } from "../html/template.ts";
import type { Answer, Redirect, Show, Visit } from "../html/visit.ts";
import { moduleOfImportPath } from "../modules/find-module.ts";
import { codeAsked, framed, projectAsked } from "./project.ts";

export const showCommit: Show = async (visit) => {
  const { registry, parts, at, url, named } = visit;
  const project = await codeAsked(visit);
  const repository = (await repositoryExists(registry, project.id))
    ? await repositoryOf(registry, parts.archives.repositories, project.id)
    : undefined;
  const oid =
    repository &&
    (await resolveRevision(repository, named.sha!).then(
      (found) => found.oid,
      (error: unknown) => {
        if (isFailure(error, "not-found")) return undefined;
        throw error;
      },
    ));
  const commit = oid === undefined ? undefined : await repository?.readCommit(oid);
  if (!commit) throw notFound("Commit Not Found");
  const versions = await versionsOfCommit(registry, project.id, commit.oid);
  const [title = "", ...rest] = commit.message.split("\n");
  return framed(
    visit,
    project,
    "branches",
    html`<h2>${title}</h2>
${rest.join("\n").trim() === "" ? "" : html`<pre class="wraps" tabindex="0">${rest.join("\n").trim()}</pre>`}
${facts(
  ["Commit", html`<code>${commit.oid}</code>`],
  ["Author", html`${commit.author.name}, ${time(commit.author.time)}`],
  ["Committer", html`${commit.committer.name}, ${time(commit.committer.time)}`],
  [
    "Parents",
    commit.parents.length === 0
      ? "none"
      : commit.parents.map(
          (parent) =>
            html`<a class="mono" href="${at.projectPart(project.fullPath, `commit/${parent}`)}">${parent.slice(0, 12)}</a> `,
        ),
  ],
  [
    "Versions",
    versions.length === 0
      ? "none"
      : versions.map(
          ({ path, version }) =>
            html`<div><a class="mono" href="${at.module(path, version)}">${breakable(`${path}@${version}`)}</a></div>`,
        ),
  ],
)}
${lines(`git fetch ${url}/${project.fullPath}.git ${commit.oid}`)}`,
  );
};

/** A package by GitLab's number is the page of the version. */
export const showPackage: Show = async (visit) => {
  const { registry, principal, at, named } = visit;
  await projectAsked(visit);
  const id = Number(named.id);
  const found = isId(id) ? await findPackage(registry, principal, id) : undefined;
  if (!found || found.project.fullPath !== (await projectAsked(visit)).fullPath) throw notFound("Package Not Found");
  return moved(at.module(found.package.packageName, found.package.version));
};

/** A tree at a ref, which may have slashes in its name: the files of the version that the ref made; of HEAD the latest. */
export const showTree: Show = async (visit) => {
  const project = await codeAsked(visit);
  const head = /^HEAD(?:\/(.*))?$/s.exec(visit.named.rest!);
  if (head) return latestFilesAt(visit, project, head[1] ?? "");
  const { ref, path } = await splitRef(visit, project, visit.named.rest!);
  return filesAt(visit, project, ref, path);
};

async function filesAt(visit: Visit, project: ProjectRow, ref: string, path: string): Promise<Answer> {
  const { registry, principal, at } = visit;
  const made = (await explainTags(registry, principal, project.fullPath, ref)).find(
    ({ verdict }) => verdict === "version",
  );
  if (made?.module !== undefined && made.version !== undefined) {
    const directory = made.module.slice(modulePathOf(registry, project).length + 1);
    const inModule = directory !== "" && path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : path;
    return moved(at.files(made.module, made.version, inModule));
  }
  return moved(at.projectPart(project.fullPath, `commit/${ref}`));
}

/** Of the latest version of the module that holds the path: addresses without a version, as go-source has them. */
async function latestFilesAt(visit: Visit, project: ProjectRow, path: string): Promise<Answer> {
  const root = modulePathOf(visit.registry, project);
  const whole = path === "" ? root : `${root}/${path}`;
  const module = await moduleOfImportPath(visit, whole);
  if (!module) throw notFound(`${project.fullPath} has no version yet: push a tag`);
  return moved(visit.at.files(module.path, "latest", whole.slice(module.path.length + 1)));
}

/** The ref at the beginning of a path, the longest that there is; else the first element. */
async function splitRef(
  { registry, principal }: Visit,
  project: ProjectRow,
  rest: string,
): Promise<{ readonly ref: string; readonly path: string }> {
  const elements = rest.split("/");
  for (let length = Math.min(elements.length, MAX_REF_ELEMENTS); length > 0; length--) {
    const ref = elements.slice(0, length).join("/");
    for (const kind of ["tags", "branches"] as const) {
      const one = { offset: 0, limit: 1, counted: false };
      const found = await searchRefs(
        registry,
        principal,
        project,
        { kind, name: ref },
        { by: "name", sort: "asc" },
        one,
      );
      if (found.rows.length > 0) return { ref, path: elements.slice(length).join("/") };
    }
  }
  return { ref: elements[0]!, path: elements.slice(1).join("/") };
}

/** Names of refs have few slashes; more are not looked for. */
const MAX_REF_ELEMENTS = 6;

/** What changed between two refs: between the versions that they made. */
export const showCompare: Show = async (visit) => {
  const { registry, principal, at, named } = visit;
  const project = await codeAsked(visit);
  const [from, to] = await Promise.all(
    [named.from!, named.to!].map(async (ref) =>
      (await explainTags(registry, principal, project.fullPath, ref)).find(({ verdict }) => verdict === "version"),
    ),
  );
  if (from?.version === undefined || to?.version === undefined || from.module !== to.module)
    throw new Failure(
      "not-found",
      "what changed is shown between two tags that are versions of one module; of other refs git tells it: git diff A...B",
    );
  return moved(at.diff(from.module!, from.version, to.version));
};

const moved = (to: string): Redirect => ({ kind: "redirect", to, status: 302 });
