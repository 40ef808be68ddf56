// The protected tags of a project: who may make tags of a name, which nobody moves or deletes.
import { demandAct, mayAct } from "../../registry/access/access.ts";
import { protectedTagsOf, protectTag, TAG_LEVELS, unprotectTag } from "../../registry/forge/protected-tags.ts";
import { projectAsked } from "../forge/project.ts";
import { buttonForm, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { nothingYet, numberedPageAsked, numberedPager, table, time } from "../html/pieces.ts";
import { html, NOTHING } from "../html/template.ts";
import { seeOther } from "../html/visit.ts";
import { partAddress, settingsPage } from "./place.ts";

const ENTRIES = 50;

const LEVELS = [
  ["maintainer", "Maintainers"],
  ["developer", "Developers and Maintainers"],
  ["none", "nobody"],
] as const satisfies readonly (readonly [keyof typeof TAG_LEVELS, string])[];

export const showProtectedTags: ShowForm = async (visit, fault) => {
  const { registry, principal } = visit;
  const project = await projectAsked(visit);
  demandAct(principal, "protected-tag.list", project);
  const asked = numberedPageAsked(visit, ENTRIES);
  const { rows, more } = await protectedTagsOf(registry, principal, project, asked);
  const action = partAddress(visit, { project }, "protected_tags");
  const mayChange = mayAct(principal, "protected-tag.create", project);
  const columns = ["Tags named", "May be made by", "Since"];
  return settingsPage(
    visit,
    { project },
    "protected_tags",
    html`${faultOf(fault)}<p>Nobody moves or deletes a protected tag, and who makes one is said here. What the go command has
fetched never changes, whatever becomes of its tag.</p>
${
  rows.length === 0
    ? nothingYet(html`<p>No tag is protected: whoever may push may move and delete any.</p>`)
    : table(
        "Protected tags",
        mayChange ? [...columns, "Change"] : columns,
        rows.map(({ name, createAccessLevel, createdAt }) => {
          const [, who] = LEVELS.find(([level]) => TAG_LEVELS[level] === createAccessLevel) ?? ["", "nobody"];
          const cells = [html`<span class="mono">${name}</span>`, who, time(createdAt)];
          const unprotect = () =>
            buttonForm(visit, action, "Unprotect", { do: "unprotect", name }, "danger", `Unprotect ${name}`);
          return mayChange ? [...cells, unprotect()] : cells;
        }),
      )
}${numberedPager(visit, asked, more, "protected tags")}
${
  mayChange
    ? html`<h2 id="protect">Protect tags</h2>
${form(
  visit,
  action,
  "protect",
  (
    fields,
  ) => html`${fields.text("name", "Name", { required: true, help: "Such as v1.0.0, or v* for all that begin so." })}
${fields.choice("level", "May be made by", LEVELS, "maintainer")}
<p><button type="submit" class="primary">Protect</button></p>`,
)}`
    : NOTHING
}`,
  );
};

export const changeProtectedTags = taking(showProtectedTags, async (visit) => {
  const { registry, principal } = visit;
  const project = await projectAsked(visit);
  const name = sent(visit, "name") ?? "";
  if (sent(visit, "do") === "unprotect") await unprotectTag(registry, principal, project.fullPath, name);
  else {
    const level = LEVELS.map(([one]) => one).find((one) => one === sent(visit, "level")) ?? "maintainer";
    await protectTag(registry, principal, project.fullPath, name, TAG_LEVELS[level]);
  }
  return seeOther(partAddress(visit, { project }, "protected_tags"));
});
