// Rules about which versions may be had: those of the instance for administrators, those of a group for its Owners to make and
// its Reporters to see. What they say of one version is asked on the same page, by whoever sees it.
import type { PolicyAction, PolicyKind, PolicyVulnerable } from "../../database/generated/client.ts";
import { invalid } from "../../errors.ts";
import { isAdministrator, mayGroupAct } from "../../registry/access/access.ts";
import { ageInWords, parseAge } from "../../registry/policies/age.ts";
import { type Explanation, explainPolicies } from "../../registry/policies/explain.ts";
import { impactsOf, judgeAgain, judgingUnderWay, type RuleImpact } from "../../registry/policies/impact.ts";
import { createPolicy, deletePolicy, listPolicies } from "../../registry/policies/rules.ts";
import type { PolicyRow } from "../../registry/rows.ts";
import { buttonForm, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { facts, mark, nothingYet, numberedPageAsked, numberedPager, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { seeOther, type Visit } from "../html/visit.ts";
import { nameOfPlace, type OwnerOrInstance, partAddress, placeAsked, settingsPage } from "./place.ts";

const ENTRIES = 50;
const ACTIONS = ["deny", "hold", "warn", "allow"] as const;
const KINDS = ["upstream", "hosted", "toolchain"] as const;
const MARKS = { DENY: "bad", HOLD: "warn", WARN: "warn", ALLOW: "good" } as const;

export const showPolicies: ShowForm = async (visit, fault) => {
  const { registry, principal } = visit;
  const place = await placeAsked(visit);
  const asked = numberedPageAsked(visit, ENTRIES);
  const { rows, more } = await listPolicies(registry, principal, groupPathOf(place), asked);
  const action = partAddress(visit, place, "policies");
  const mayChange = place === "instance" || ("group" in place && mayGroupAct(principal, "policy.create", place.group));
  const impacts = await impactsOf(registry, principal, rows);
  const columns = ["Rule", "Modules", "About", "Reason", "Hits", ...(mayChange ? ["Change"] : [])];
  return settingsPage(
    visit,
    place,
    "policies",
    html`${faultOf(fault)}
<p>Rules say which versions may be had in ${nameOfPlace(place)}: the first that denies wins, and an exception is a rule that allows, with an end.</p>
${
  rows.length === 0
    ? nothingYet(html`<p>There are no rules here: everything may be had.</p>`)
    : table(
        "Rules, oldest first",
        columns,
        rows.map((rule) => [
          html`${rule.id} ${mark(rule.action.toLowerCase(), MARKS[rule.action])}${rule.dryRun ? html` ${mark("dry run")}` : NOTHING}`,
          html`<span class="mono">${rule.pattern}</span>${rule.versions === null ? NOTHING : html` <span class="mono">${rule.versions}</span>`}`,
          html`${aboutOf(rule)}<br><span class="quiet">by ${rule.createdBy}, ${time(rule.createdAt)}</span>`,
          html`${rule.reason}${rule.expiresAt === null ? NOTHING : html` <span class="quiet">ends ${time(rule.expiresAt)}</span>`}`,
          hitsOf(impacts.get(rule.id), action),
          ...(mayChange
            ? [
                buttonForm(
                  visit,
                  action,
                  "Remove",
                  { do: "remove", id: String(rule.id) },
                  "danger",
                  `Remove rule ${rule.id}`,
                ),
              ]
            : []),
        ]),
      )
}${numberedPager(visit, asked, more, "rules")}
${rows.length === 0 ? NOTHING : await judging(visit, rows, impacts, mayChange ? action : undefined)}
<h2 id="explain">What they say of a version</h2>
<form class="filters" action="${action}"><div><label for="of">Module@version</label><input id="of" name="of" type="search" value="${visit.query.get("of") ?? ""}"></div><div><button type="submit">Explain</button></div></form>
${await explained(visit, place)}
${mayChange ? newRule(visit, action) : NOTHING}`,
  );
};

/** How many stored versions a rule hits, with a link to their names. */
function hitsOf(impact: RuleImpact | undefined, action: string): Html {
  if (impact === undefined) return html`<span class="quiet">not known yet</span>`;
  const { policyId, versions, modules, current } = impact;
  const old = current ? NOTHING : html` <span class="quiet">by older rules</span>`;
  if (versions === 0) return html`no stored version${old}`;
  return html`<a href="${action}?hits=${policyId}#hits">${counted(versions, "version")} of ${counted(modules, "module")}</a>${old}`;
}

const counted = (many: number, what: string): string => `${many.toLocaleString("en")} ${what}${many === 1 ? "" : "s"}`;

/** What the rule that was asked for hits, when that was found out, and how far it is with finding out anew. */
async function judging(
  visit: Visit,
  rules: readonly PolicyRow[],
  impacts: ReadonlyMap<number, RuleImpact>,
  action: string | undefined,
): Promise<Html> {
  const underWay = await judgingUnderWay(visit.registry);
  const asked = Number(visit.query.get("hits"));
  const [rule, impact] = [rules.find(({ id }) => id === asked), impacts.get(asked)];
  const [first] = impacts.values();
  const found = first ? html`Found out ${time(first.judgedAt)}.` : NOTHING;
  return html`<p class="quiet">Hits are the stored versions whose verdict is by the rule; of a dry run it would be. ${
    underWay === undefined
      ? found
      : html`They are being found out anew${underWay.total === null || !isAdministrator(visit.principal) ? NOTHING : `: ${underWay.done ?? 0} of ${underWay.total} modules`}.`
  }</p>${action !== undefined && underWay === undefined ? buttonForm(visit, action, "Find out again", { do: "judge" }) : NOTHING}
${
  rule === undefined || impact === undefined
    ? NOTHING
    : html`<h2 id="hits">What rule ${rule.id} hits</h2>${list(visit, impact)}`
}`;
}

function list({ at }: Visit, { names, versions }: RuleImpact): Html {
  if (versions === 0) return nothingYet(html`<p>No stored version.</p>`);
  const more = versions - names.length;
  return html`<ul class="columns">${names.map((name) => {
    const [path, version] = name.split("@") as [string, string];
    return html`<li><a class="mono" href="${at.module(path, version)}">${name}</a></li>`;
  })}</ul>${more > 0 ? html`<p class="quiet">and ${counted(more, "more version")}</p>` : NOTHING}`;
}

function groupPathOf(place: OwnerOrInstance): string | undefined {
  return place !== "instance" && "group" in place ? place.group.fullPath : undefined;
}

function aboutOf(rule: PolicyRow): Html {
  const { kind, licenses, licensesOtherThan, vulnerable, minimumAge, strict } = rule;
  const words = [
    kind.toLowerCase(),
    licenses.length === 0 ? "" : `licences ${licenses.join(", ")}`,
    licensesOtherThan.length === 0 ? "" : `licences other than ${licensesOtherThan.join(", ")}`,
    vulnerable === null
      ? ""
      : vulnerable === "ANY"
        ? "with a known vulnerability"
        : "with a vulnerability that is fixed later",
    minimumAge === null ? "" : `younger than ${ageInWords(minimumAge)}${strict ? ", strict" : ""}`,
  ];
  return html`${words.filter((word) => word !== "").join("; ")}`;
}

async function explained(visit: Visit, place: OwnerOrInstance): Promise<Html | ""> {
  const [, modulePath, version] = /^(\S+)@(\S+)$/.exec(visit.query.get("of")?.trim() ?? "") ?? [];
  if (modulePath === undefined || version === undefined) return NOTHING;
  const groupPath = groupPathOf(place);
  let said: Explanation;
  try {
    said = await explainPolicies(visit.registry, visit.principal, { modulePath, version, groupPath });
  } catch (error) {
    return nothingYet(html`<p>${(error as Error).message}</p>`);
  }
  const { action, rule, told, change, dryRuns } = said;
  return facts(
    ["Verdict", mark(action.toLowerCase(), MARKS[action])],
    ["Rule", rule?.id],
    ["What clients are told", told],
    ["What would change it", change],
    ["Dry runs that would refuse it", dryRuns.map(({ id }) => id).join(", ")],
  );
}

function newRule(visit: Visit, action: string): Html {
  const options = (words: readonly string[]) => words.map((word) => [word, word] as const);
  return html`<h2 id="new">A new rule</h2>
${form(
  visit,
  action,
  "add",
  (fields) => html`<div class="halves"><fieldset><legend>What it is about</legend>
${fields.text("pattern", "Modules", { required: true, help: "As GOPRIVATE has them: example.com/acme,*.corp.example.com; * is every module." })}
${fields.text("versions", "Versions", { help: "Such as v1.2.3 or >=v1.2.0 <v1.5.0. Empty: all." })}
${fields.choice("kind", "Of", options(KINDS), "upstream")}
${fields.text("age", "Younger than", { help: "Of hold: such as 7d or 36h." })}
${fields.text("licenses", "Licences", { help: "Only what has one of these: SPDX identifiers with commas between them; UNKNOWN, NONE." })}
${fields.text("licensesOtherThan", "Licences other than", { help: "Only what has a licence that is none of these." })}
${fields.choice(
  "vulnerable",
  "Vulnerabilities",
  [
    ["", "with or without"],
    ["any", "only with a known one"],
    ["fixable", "only with one that a later version is free of"],
  ],
  "",
)}</fieldset>
<fieldset><legend>What becomes of it</legend>
${fields.choice("action", "Action", options(ACTIONS), "hold")}
${fields.choice(
  "mode",
  "How",
  [
    ["", "in force"],
    ["dry", "dry run: refuse nothing, write it down"],
    ["strict", "with an age: refuse exact versions, too"],
  ],
  "",
)}
${fields.text("reason", "Reason", { help: "What clients read." })}
${fields.text("until", "Ends", { type: "date", help: "Empty: never." })}</fieldset></div>
<p><button type="submit" class="primary">Make the rule</button></p>`,
)}`;
}

export const changePolicies = taking(showPolicies, async (visit) => {
  const { registry, principal } = visit;
  const place = await placeAsked(visit);
  if (sent(visit, "do") === "judge") await judgeAgain(registry, principal, groupPathOf(place));
  else if (sent(visit, "do") === "remove") await deletePolicy(registry, principal, Number(sent(visit, "id")));
  else await createPolicy(registry, principal, { ...ruleIn(visit), groupPath: groupPathOf(place) });
  return seeOther(partAddress(visit, place, "policies"));
});

function ruleIn(visit: Visit) {
  const one = <W extends string>(name: string, words: readonly W[]): Uppercase<W> => {
    const word = words.find((known) => known === sent(visit, name));
    if (word === undefined) throw invalid(`choose one of ${words.join(", ")}`, name);
    return word.toUpperCase() as Uppercase<W>;
  };
  const list = (name: string): string[] | undefined =>
    sent(visit, name)
      ?.split(",")
      .map((word) => word.trim())
      .filter((word) => word !== "");
  const [age, until] = [sent(visit, "age"), sent(visit, "until")];
  if (until !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(until)) throw invalid("must be a day as 2027-01-31", "until");
  return {
    pattern: sent(visit, "pattern") ?? "",
    versions: sent(visit, "versions"),
    kind: one("kind", KINDS) satisfies PolicyKind,
    action: one("action", ACTIONS) satisfies PolicyAction,
    licenses: list("licenses"),
    licensesOtherThan: list("licensesOtherThan"),
    vulnerable:
      sent(visit, "vulnerable") === undefined
        ? undefined
        : (one("vulnerable", ["any", "fixable"]) satisfies PolicyVulnerable),
    minimumAge: age === undefined ? undefined : parseAge(age),
    dryRun: sent(visit, "mode") === "dry",
    strict: sent(visit, "mode") === "strict",
    reason: sent(visit, "reason") ?? "",
    expiresAt: until === undefined ? undefined : new Date(until),
  } as const;
}
