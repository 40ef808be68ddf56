// Feature flags: for everybody, or for one project, group or user.

import { invalid } from "../../errors.ts";
import { deleteFlag, KNOWN_FLAGS, listFlags, setFlag } from "../../registry/forge/feature-flags.ts";
import { buttonForm, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { mark, nothingYet, table } from "../html/pieces.ts";
import { html } from "../html/template.ts";
import { seeOther } from "../html/visit.ts";
import { adminPage } from "./frame.ts";

const PLACES = [
  ["", "everybody"],
  ["projects", "the project"],
  ["groups", "the group"],
  ["users", "the user"],
] as const;

export const showFlags: ShowForm = async (visit, fault) => {
  const { registry, principal, at } = visit;
  const flags = await listFlags(registry, principal);
  const action = at.admin("feature_flags");
  return adminPage(
    visit,
    "feature_flags",
    html`${faultOf(fault)}${
      flags.length === 0
        ? nothingYet(html`<p>No flag was ever set: all are off.</p>`)
        : table(
            "Feature flags that were set",
            ["Flag", "For everybody", "For some", "Change"],
            flags.map((flag) => [
              html`<code>${flag.name}</code>`,
              flag.enabled ? mark("on", "good") : mark("off"),
              flag.gates.map(
                (gate) => html`<div>${gate.project?.fullPath ?? gate.group?.fullPath ?? gate.user?.username}</div>`,
              ),
              html`<div class="row">${buttonForm(visit, action, flag.enabled ? "Off" : "On", { do: "set", name: flag.name, enabled: flag.enabled ? "off" : "on" }, "", `${flag.enabled ? "Off" : "On"}: ${flag.name}`)}${buttonForm(visit, action, "Forget", { do: "forget", name: flag.name }, "danger", `Forget ${flag.name}`)}</div>`,
            ]),
          )
    }
<h2 id="set">Set a flag</h2>
<p class="quiet">Something asks about ${KNOWN_FLAGS.join(" and ")}.</p>
${form(
  visit,
  action,
  "set",
  (fields) => html`${fields.text("name", "Flag", { required: true, value: KNOWN_FLAGS[0] })}
${fields.choice(
  "enabled",
  "State",
  [
    ["on", "on"],
    ["off", "off"],
  ],
  "on",
)}
${fields.choice("place", "For", PLACES, "")}
${fields.text("target", "Full path or user name", { help: "Empty where it is for everybody." })}
<p><button type="submit" class="primary">Set the flag</button></p>`,
)}`,
  );
};

export const changeFlags = taking(showFlags, async (visit) => {
  const { registry, principal, at } = visit;
  const name = sent(visit, "name") ?? "";
  if (sent(visit, "do") === "forget") await deleteFlag(registry, principal, name);
  else {
    const place = PLACES.map(([one]) => one).find((one) => one === (sent(visit, "place") ?? ""));
    const target = sent(visit, "target");
    if (place === undefined || (place === "") !== (target === undefined))
      throw invalid("choose for whom the flag is, and name it; for everybody name nothing");
    const targets = place === "" || target === undefined ? {} : { [place]: [target] };
    await setFlag(registry, principal, name, sent(visit, "enabled") === "on", targets);
  }
  return seeOther(at.admin("feature_flags"));
});
