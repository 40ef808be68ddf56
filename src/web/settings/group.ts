// The settings of a group, for its Owners: what it is called and who sees it.
import { invalid } from "../../errors.ts";
import { demandGroupAct, isAdministrator } from "../../registry/access/access.ts";
import { deleteGroup, updateGroup } from "../../registry/forge/groups.ts";
import { quotaOf, setQuota, shownBytes } from "../../registry/forge/quotas.ts";
import type { GroupRow } from "../../registry/rows.ts";
import { groupAsked } from "../forge/group.ts";
import { VISIBILITIES, visibilityIn } from "../forge/groups.ts";
import { faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { seeOther, type Visit } from "../html/visit.ts";
import { settingsPage } from "./place.ts";

export const showGroupSettings: ShowForm = async (visit, fault) => {
  const group = await groupAsked(visit);
  demandGroupAct(visit.principal, "group.update", group);
  const action = visit.at.groupPart(group.fullPath, "edit");
  return settingsPage(
    visit,
    { group },
    "edit",
    html`${faultOf(fault)}${form(
      visit,
      action,
      "update",
      (fields) => html`${fields.text("name", "Name", { value: group.name, required: true })}
${fields.text("description", "Description", { value: group.description })}
${fields.choice("visibility", "Who may see it", VISIBILITIES, group.visibility)}
<p><button type="submit" class="primary">Change the group</button></p>`,
    )}
${await quotaPart(visit, group, action)}
<h2 id="delete">Delete the group</h2>
<p>With everything in it. Versions that were published are never given to other content.</p>
${form(
  visit,
  action,
  "delete",
  (fields) => html`${fields.text("confirm", `The path of the group, ${group.fullPath}, to be sure`, { required: true })}
<p><button type="submit" class="danger">Delete the group</button></p>`,
)}`,
  );
};

/** What the group may hold, and holds; administrators change it here. */
async function quotaPart(visit: Visit, group: GroupRow, action: string): Promise<Html> {
  const { maxBytes, maxProjects, bytes, projects } = await quotaOf(visit.registry, visit.principal, group);
  const of = (most: string | undefined): string => (most === undefined ? "" : ` of ${most}`);
  return html`<h2 id="quota">What it may hold</h2>
<p>With all below it the group holds ${shownBytes(bytes)}${of(maxBytes === null ? undefined : shownBytes(maxBytes))} of repositories and zips,
and ${projects}${of(maxProjects === null ? undefined : String(maxProjects))} projects.</p>
${
  isAdministrator(visit.principal)
    ? form(
        visit,
        action,
        "quota",
        (
          fields,
        ) => html`${fields.text("maxBytes", "Bytes that it may hold; empty for no quota", { value: String(maxBytes ?? "") })}
${fields.text("maxProjects", "Projects that it may have; empty for no quota", { value: String(maxProjects ?? "") })}
<p><button type="submit">Set the quota</button></p>`,
      )
    : NOTHING
}`;
}

/** A number out of the form; null where it was left empty. */
function amountIn(visit: Visit, field: string): number | null {
  const text = sent(visit, field) ?? "";
  return text === "" ? null : /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

export const changeGroup = taking(showGroupSettings, async (visit) => {
  const { registry, principal, at } = visit;
  const { fullPath } = await groupAsked(visit);
  if (sent(visit, "do") === "delete") {
    if (sent(visit, "confirm") !== fullPath) throw invalid("write the path of the group to delete it");
    await deleteGroup(registry, principal, fullPath);
    return seeOther(at.groups());
  }
  if (sent(visit, "do") === "quota") {
    const [maxBytes, maxProjects] = [amountIn(visit, "maxBytes"), amountIn(visit, "maxProjects")];
    await setQuota(registry, principal, fullPath, { maxBytes, maxProjects });
    return seeOther(`${at.groupPart(fullPath, "edit")}#quota`);
  }
  await updateGroup(registry, principal, fullPath, {
    name: sent(visit, "name"),
    description: sent(visit, "description") ?? "",
    visibility: visibilityIn(visit),
  });
  return seeOther(at.groupPart(fullPath, "edit"));
});
