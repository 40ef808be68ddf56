// Trusted CI jobs of a project or a group: whose ID tokens (OpenID Connect) open it, so that no secret is stored in CI.
import { invalid } from "../../errors.ts";
import { mayAct, mayGroupAct } from "../../registry/access/access.ts";
import type { SCOPES_OF } from "../../registry/access/acts.ts";
import { patternsOf } from "../../registry/access/workloads.ts";
import { createTrust, deleteTrust, findTrusts } from "../../registry/forge/trusts.ts";
import { buttonForm, dayIn, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { nothingYet, numberedPageAsked, numberedPager, table, time } from "../html/pieces.ts";
import { html, NOTHING } from "../html/template.ts";
import { seeOther, type Visit } from "../html/visit.ts";
import { nameOfPlace, ownerAsked, partAddress, settingsPage } from "./place.ts";

const ENTRIES = 50;

const SCOPES = {
  read_package_registry: "the Go endpoint: go get",
  read_repository: "git clone and fetch",
  write_repository: "git push",
  write_package_registry: "uploading versions",
  read_api: "reading by the APIs, the Go endpoint and git",
} as const satisfies Record<(typeof SCOPES_OF)["workload"][number], string>;

export const showTrusts: ShowForm = async (visit, fault) => {
  const { registry, principal, url } = visit;
  const owner = await ownerAsked(visit);
  const asked = numberedPageAsked(visit, ENTRIES);
  const { rows, more } = await findTrusts(registry, principal, owner, asked);
  const action = partAddress(visit, owner, "trusts");
  const mayChange =
    "project" in owner
      ? mayAct(principal, "trust.create", owner.project)
      : mayGroupAct(principal, "trust.create", owner.group);
  const columns = ["Issuer", "Audience", "Claims", "May", "Until"];
  return settingsPage(
    visit,
    owner,
    "trusts",
    html`${faultOf(fault)}<p>A CI job that shows the ID token of its own system needs no secret of ours. Who is trusted here opens
${nameOfPlace(owner)}${"group" in owner ? " and all projects below it" : ""}.</p>
${
  rows.length === 0
    ? nothingYet(html`<p>No issuer of ID tokens is trusted.</p>`)
    : table(
        "Trusted issuers",
        mayChange ? [...columns, "Change"] : columns,
        rows.map((trust) => {
          const cells = [
            html`<span class="mono">${trust.issuer}</span>`,
            html`<span class="mono">${trust.audience}</span>`,
            Object.entries(patternsOf(trust)).map(
              ([name, pattern]) => html`<div><code>${name}=${pattern}</code></div>`,
            ),
            html`<span class="mono">${trust.scopes.join(", ")}</span>`,
            trust.expiresAt === null ? "for ever" : time(trust.expiresAt),
          ];
          const end = () =>
            buttonForm(
              visit,
              action,
              "End",
              { do: "end", id: String(trust.id) },
              "danger",
              `End the trust ${trust.id}`,
            );
          return mayChange ? [...cells, end()] : cells;
        }),
      )
}${numberedPager(visit, asked, more, "trusted issuers")}
${
  mayChange
    ? html`<h2 id="new">Trust an issuer</h2>
${form(
  visit,
  action,
  "create",
  (fields) => html`${fields.text("issuer", "Issuer", {
    required: true,
    help: "As the claim iss says it: https://token.actions.githubusercontent.com, https://gitlab.example.com.",
  })}
${fields.text("audience", "Audience", { required: true, value: url, help: "As the claim aud says it." })}
${fields.area("claims", "Claims that must match", {
  required: true,
  help: "One on each line, such as repository=acme/lib and ref=refs/tags/v*; * stands for any text without / and :, ** for any.",
})}
${fields.boxes("scopes", "The jobs may", Object.entries(SCOPES), ["read_package_registry"])}
${fields.text("expires", "Until", { type: "date", help: "It counts no more from this day on; empty: for ever." })}
<p><button type="submit" class="primary">Trust it</button></p>`,
)}
<p class="quiet">Why a token does not fit says <code>gokura trust check</code>.</p>`
    : NOTHING
}`,
  );
};

export const changeTrusts = taking(showTrusts, async (visit) => {
  const { registry, principal, form: fields } = visit;
  const owner = await ownerAsked(visit);
  if (sent(visit, "do") === "end") await deleteTrust(registry, principal, Number(sent(visit, "id")));
  else
    await createTrust(registry, principal, owner, {
      issuer: sent(visit, "issuer") ?? "",
      audience: sent(visit, "audience") ?? "",
      claims: claimsIn(visit),
      scopes: fields.getAll("scopes"),
      expiresAt: dayIn(visit, "expires"),
    });
  return seeOther(partAddress(visit, owner, "trusts"));
});

function claimsIn(visit: Visit): Record<string, string> {
  const claims = new Map<string, string>();
  for (const line of (sent(visit, "claims") ?? "").split("\n").map((one) => one.trim())) {
    if (line === "") continue;
    const [, name, pattern] = /^([^=\s]+)=(.+)$/.exec(line) ?? [];
    if (name === undefined || pattern === undefined)
      throw invalid(`"${line.slice(0, 60)}" is not NAME=PATTERN, such as repository=acme/lib`);
    if (claims.has(name)) throw invalid(`the claim ${name.slice(0, 60)} stands there twice`);
    claims.set(name, pattern);
  }
  return Object.fromEntries(claims);
}
