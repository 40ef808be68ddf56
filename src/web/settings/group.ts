// The settings of a group, for its Owners: what it is called and who sees it.
import { invalid } from "../../errors.ts";
import { demandGroupAct } from "../../registry/access/access.ts";
import { deleteGroup, updateGroup } from "../../registry/forge/groups.ts";
import { groupAsked } from "../forge/group.ts";
import { VISIBILITIES, visibilityIn } from "../forge/groups.ts";
import { choice, faultOf, form, type ShowForm, sent, taking, textField, which } from "../html/forms.ts";
import { html } from "../html/template.ts";
import { seeOther } from "../html/visit.ts";
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
      html`${which("update")}${textField("name", "Name", { value: group.name, required: true })}
${textField("description", "Description", { value: group.description })}
${choice("visibility", "Who may see it", VISIBILITIES, group.visibility)}
<p><button type="submit" class="primary">Change the group</button></p>`,
    )}
<h2 id="delete">Delete the group</h2>
<p>With everything in it. Versions that were published are never given to other content.</p>
${form(
  visit,
  action,
  html`${which("delete")}${textField("confirm", `The path of the group, ${group.fullPath}, to be sure`, { required: true })}
<p><button type="submit" class="danger">Delete the group</button></p>`,
)}`,
  );
};

export const changeGroup = taking(showGroupSettings, async (visit) => {
  const { registry, principal, at } = visit;
  const { fullPath } = await groupAsked(visit);
  if (sent(visit, "do") === "delete") {
    if (sent(visit, "confirm") !== fullPath) throw invalid("write the path of the group to delete it");
    await deleteGroup(registry, principal, fullPath);
    return seeOther(at.groups());
  }
  await updateGroup(registry, principal, fullPath, {
    name: sent(visit, "name"),
    description: sent(visit, "description") ?? "",
    visibility: visibilityIn(visit),
  });
  return seeOther(at.groupPart(fullPath, "edit"));
});
