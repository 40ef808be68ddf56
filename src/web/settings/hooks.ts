// Hooks of a project, a group or the instance: addresses that are told what happens; and one hook, with what it was told and
// what came of that.
import { invalid } from "../../errors.ts";
import { deliveriesOf, redeliver, testHook } from "../../registry/forge/hook-deliveries.ts";
import { HOOK_EVENTS, type HookEvent } from "../../registry/forge/hook-events.ts";
import { createHook, deleteHook, findHook, findHooks, type MadeHook, updateHook } from "../../registry/forge/hooks.ts";
import type { HookDeliveryRow, HookRow } from "../../registry/rows.ts";
import { buttonForm, type Fields, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import {
  banner,
  facts,
  lines,
  mark,
  nothingYet,
  numberedPageAsked,
  numberedPager,
  table,
  time,
} from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, seeOther, type Visit } from "../html/visit.ts";
import { nameOfPlace, type OwnerOrInstance, partAddress, placeAsked, settingsPage } from "./place.ts";

const ENTRIES = 50;
const DELIVERIES = 30;
const EVENTS = Object.keys(HOOK_EVENTS) as HookEvent[];

export const showHooks: ShowForm = (visit, fault) => hooksPage(visit, fault, undefined);

async function hooksPage(visit: Visit, fault: string | undefined, made: MadeHook | undefined): Promise<Page> {
  const { registry, principal } = visit;
  const place = await placeAsked(visit);
  const asked = numberedPageAsked(visit, ENTRIES);
  const { rows, more } = await findHooks(registry, principal, place, asked);
  return settingsPage(
    visit,
    place,
    "hooks",
    html`${faultOf(fault)}${made === undefined ? NOTHING : justMade(made)}
<p>A hook is an address that is told what happens in ${nameOfPlace(place)}${place !== "instance" && "group" in place ? " and everything below it" : ""}: a POST with JSON, signed.</p>
${
  rows.length === 0
    ? nothingYet(html`<p>Nobody is told anything.</p>`)
    : table(
        "Hooks",
        ["Address", "Told of", "State"],
        rows.map((hook) => [
          html`<a class="mono" href="${hookAddress(visit, place, hook.id)}">${hook.url}</a>${hook.name ? html`<br><span class="quiet">${hook.name}</span>` : NOTHING}`,
          hook.events.length === EVENTS.length ? "everything" : hook.events.join(", "),
          stateOf(hook),
        ]),
      )
}${numberedPager(visit, asked, more, "hooks")}
<h2 id="new">A new hook</h2>
${form(visit, partAddress(visit, place, "hooks"), "", (fields) => html`${hookFields(fields, undefined)}<p><button type="submit" class="primary">Make the hook</button></p>`)}`,
  );
}

function justMade({ hook, signingKey }: MadeHook): Html {
  return banner(
    "note",
    html`<p><strong>The hook to ${hook.url} is made.</strong> This is the key of its signatures (Standard Webhooks); it cannot be shown again.</p>${lines(signingKey)}`,
  );
}

function hookAddress(visit: Visit, place: OwnerOrInstance, id: number): string {
  return partAddress(visit, place, `hooks/${id}`);
}

function stateOf({ disabledAt, failingSince }: HookRow): Html {
  if (disabledAt !== null) return html`${mark("switched off", "bad")} ${time(disabledAt)}`;
  return failingSince === null ? mark("on", "good") : html`${mark("failing", "warn")} since ${time(failingSince)}`;
}

function hookFields(fields: Fields, hook: HookRow | undefined): Html {
  return html`${fields.text("url", "Address", { required: true, value: hook?.url, help: "https, or http; private networks only where the administrator allows them." })}
${fields.text("name", "Name", { value: hook?.name })}
${fields.boxes(
  "events",
  "Told of",
  EVENTS.map((event) => [event, ""] as const),
  hook?.events ?? EVENTS,
)}
${fields.text("token", "Secret for X-Gitlab-Token", { type: "password", help: hook?.token ? "One is set; empty: it stays." : "Empty: none is sent. Signatures are better." })}`;
}

export const changeHooks = taking(showHooks, async (visit) => {
  const place = await placeAsked(visit);
  const { url = "", ...rest } = changeIn(visit);
  return hooksPage(visit, undefined, await createHook(visit.registry, visit.principal, place, { ...rest, url }));
});

function changeIn(visit: Visit) {
  const events = visit.form.getAll("events");
  const known = EVENTS.filter((event) => events.includes(event));
  if (known.length !== events.length) throw invalid("there is no such event: choose among those of the form");
  return {
    ...{ url: sent(visit, "url"), name: sent(visit, "name") ?? "", events: known },
    token: sent(visit, "token"),
  };
}

export const showHook: ShowForm = async (visit, fault) => {
  const { registry, principal } = visit;
  const place = await placeAsked(visit);
  const hook = await findHook(registry, principal, place, idIn(visit));
  const asked = numberedPageAsked(visit, DELIVERIES);
  const { rows, more } = await deliveriesOf(registry, principal, place, hook.id, asked);
  const action = hookAddress(visit, place, hook.id);
  return settingsPage(
    visit,
    place,
    "hooks",
    html`${faultOf(fault)}<p><a href="${partAddress(visit, place, "hooks")}">All hooks</a></p>
<h2>${hook.name ? `${hook.name} (hook ${hook.id})` : `Hook ${hook.id}`}</h2>
${hook.disabledAt === null ? NOTHING : banner("bad", html`<p>It is switched off, because it accepted nothing for five days or said 410. Changing it switches it on.</p>`)}
${facts(["Address", html`<span class="mono">${hook.url}</span>`], ["State", stateOf(hook)], ["Made", time(hook.createdAt)])}
<h3 id="deliveries">Deliveries</h3>
${
  rows.length === 0
    ? nothingYet(html`<p>It was told nothing yet: send it a test.</p>`)
    : table(
        "Deliveries, newest first; of those that are over the last hundred",
        ["Event", "When", "State", "Answer", "Change"],
        rows.map((delivery) => [
          html`${delivery.event}<br><span class="quiet mono">${delivery.messageId}</span>`,
          time(delivery.createdAt),
          html`${stateOfDelivery(delivery)}${delivery.attempts > 1 ? html` <span class="quiet">${delivery.attempts} attempts</span>` : NOTHING}`,
          answerOf(delivery),
          hook.disabledAt === null
            ? buttonForm(
                visit,
                action,
                "Send again",
                { do: "resend", delivery: String(delivery.id) },
                "",
                `Send again: ${delivery.messageId}`,
              )
            : NOTHING,
        ]),
      )
}${numberedPager(visit, asked, more, "deliveries")}
${
  hook.disabledAt === null
    ? html`<h3 id="test">Send a test</h3>
${form(
  visit,
  action,
  "test",
  (fields) => html`${fields.choice(
    "event",
    "Event",
    EVENTS.map((event) => [event, event] as const),
    EVENTS[0],
  )}
<p><button type="submit">Send it</button></p>`,
)}`
    : NOTHING
}
<h3 id="change">Change it</h3>
${form(visit, action, "update", (fields) => html`${hookFields(fields, hook)}<p><button type="submit" class="primary">Change the hook</button></p>`)}
<h3 id="delete">Delete it</h3>
<p>With its deliveries; what waits is told to nobody.</p>
${buttonForm(visit, action, "Delete the hook", { do: "delete" }, "danger")}`,
  );
};

function stateOfDelivery({ nextAttemptAt, status, attempts }: HookDeliveryRow): Html {
  if (status !== null && status >= 200 && status < 300) return mark("accepted", "good");
  if (nextAttemptAt === null) return mark("given up", "bad");
  return attempts === 0 ? mark("on its way") : html`${mark("to be tried again", "warn")} ${time(nextAttemptAt)}`;
}

function answerOf({ status, durationMs, response, error }: HookDeliveryRow): Html | "" {
  if (status === null && error === null) return NOTHING;
  return html`${status === null ? NOTHING : html`<code>${status}</code> `}${durationMs === null ? NOTHING : html`<span class="quiet">${durationMs} ms</span>`}${error === null ? NOTHING : html`<div>${error}</div>`}${response ? html`<details><summary>What was answered</summary><pre class="wraps" tabindex="0">${response}</pre></details>` : NOTHING}`;
}

function idIn({ named }: Visit): number {
  return Number(named.id);
}

export const changeHook = taking(showHook, async (visit) => {
  const { registry, principal } = visit;
  const place = await placeAsked(visit);
  const id = idIn(visit);
  const here = hookAddress(visit, place, id);
  switch (sent(visit, "do")) {
    case "delete":
      await deleteHook(registry, principal, place, id);
      return seeOther(partAddress(visit, place, "hooks"));
    case "resend":
      await redeliver(registry, principal, place, id, Number(sent(visit, "delivery")));
      return seeOther(here);
    case "test": {
      const event = EVENTS.find((one) => one === sent(visit, "event"));
      if (event === undefined) throw invalid("choose an event");
      await testHook(registry, principal, place, id, event);
      return seeOther(here);
    }
    default:
      await updateHook(registry, principal, place, id, changeIn(visit));
      return seeOther(here);
  }
});
