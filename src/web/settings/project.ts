// The settings of a project, for its Maintainers: what it is called, who sees it, how its tags become versions. Archiving and
// deleting are for Owners.
import { invalid } from "../../errors.ts";
import { changeProject } from "../../git/hosting/project-change.ts";
import { demandAct, mayAct } from "../../registry/access/access.ts";
import { deleteProject, type PackageSetting, packageSettingOf } from "../../registry/forge/projects.ts";
import { VISIBILITIES, visibilityIn } from "../forge/groups.ts";
import { projectAsked } from "../forge/project.ts";
import { faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { html, NOTHING } from "../html/template.ts";
import { seeOther } from "../html/visit.ts";
import { settingsPage } from "./place.ts";

const PACKAGES: readonly (readonly [PackageSetting, string])[] = [
  ["ENABLED", "whoever may read the code"],
  ["PRIVATE", "members from Reporter on"],
  ["DISABLED", "nobody: the registry is off"],
];

const SCHEMES = [
  ["GO", "as the go command: sub/v1.2.3 is of the module in sub/"],
  ["GITLAB", "as GitLab: v1.2.3 counts for every directory"],
] as const;

export const showProjectSettings: ShowForm = async (visit, fault) => {
  const { principal, at } = visit;
  const project = await projectAsked(visit);
  demandAct(principal, "project.update", project);
  const action = at.projectPart(project.fullPath, "edit");
  return settingsPage(
    visit,
    { project },
    "edit",
    html`${faultOf(fault)}${form(
      visit,
      action,
      "update",
      (fields) => html`${fields.text("name", "Name", { value: project.name, required: true })}
${fields.text("description", "Description", { value: project.description })}
${fields.choice("visibility", "Who may see it", VISIBILITIES, project.visibility)}
${fields.choice("packages", "To whom its packages are open", PACKAGES, packageSettingOf(project))}
${fields.choice("tag_scheme", "How tags become versions", SCHEMES, project.tagScheme)}
${fields.text("module_prefix", "A second name for its modules", { value: project.modulePrefix ?? "", help: "Such as github.com/acme/lib, declared by an administrator; empty: none." })}
${fields.text("topics", "Topics", { value: project.topics.join(", "), help: "Separated by commas." })}
${fields.text("default_branch", "Default branch", { value: project.defaultBranch ?? "" })}
<p><button type="submit" class="primary">Change the project</button></p>`,
    )}
${
  mayAct(principal, "project.archive", project)
    ? html`<h2 id="archive">${project.archived ? "Unarchive" : "Archive"}</h2>
<p>An archived project takes no pushes and serves what it has.</p>
${form(visit, action, project.archived ? "unarchive" : "archive", () => html`<p><button type="submit">${project.archived ? "Unarchive" : "Archive"} the project</button></p>`)}
<h2 id="delete">Delete the project</h2>
<p>With its repository and versions. These are never given to other content.</p>
${form(
  visit,
  action,
  "delete",
  (
    fields,
  ) => html`${fields.text("confirm", `The path of the project, ${project.fullPath}, to be sure`, { required: true })}
<p><button type="submit" class="danger">Delete the project</button></p>`,
)}`
    : NOTHING
}`,
  );
};

export const changeProjectSettings = taking(showProjectSettings, async (visit) => {
  const { registry, principal, parts, at, form: fields } = visit;
  const { fullPath } = await projectAsked(visit);
  const done = sent(visit, "do");
  if (done === "delete") {
    if (sent(visit, "confirm") !== fullPath) throw invalid("write the path of the project to delete it");
    await deleteProject(registry, principal, fullPath);
    return seeOther(at.projects());
  }
  const chosen = <T extends string>(name: string, options: readonly (readonly [T, string])[]): T | undefined =>
    options.map(([value]) => value).find((value) => value === fields.get(name));
  const change =
    done === "archive" || done === "unarchive"
      ? { archived: done === "archive" }
      : {
          name: sent(visit, "name"),
          description: sent(visit, "description") ?? "",
          visibility: visibilityIn(visit),
          packages: chosen("packages", PACKAGES),
          tagScheme: chosen("tag_scheme", SCHEMES),
          modulePrefix: sent(visit, "module_prefix") ?? null,
          topics: (sent(visit, "topics") ?? "").split(",").flatMap((topic) => topic.trim() || []),
          defaultBranch: sent(visit, "default_branch"),
        };
  await changeProject(registry, parts.archives.repositories, principal, fullPath, change);
  return seeOther(at.projectPart(fullPath, "edit"));
});
