// Forms that change something. Each carries what only a page of this session can know, beside what the browser itself says
// about where a form comes from (session/same-origin.ts).

import { invalid, isFailure } from "../../errors.ts";
import { hasTellableYear, rfc3339Time } from "../../gomod/rfc3339.ts";
import { type Html, html, NOTHING } from "./template.ts";
import type { Page, Show, Visit } from "./visit.ts";

/** The field of a form that says which session it belongs to. */
export const FORM_TOKEN = "form_token";

/**
 * A form that is sent to an address. `act` says which of the forms of a page it is, in the field `do`; empty on a page that has
 * one. `content` makes its fields and buttons; a form that was refused has its fields as they were sent.
 */
export function form(visit: Visit, action: string, act: string, content: (fields: Fields) => unknown): Html {
  const { refused } = visit;
  const isRefused = refused !== undefined && (refused.get("do") ?? "") === act;
  const fields = fieldsWith(isRefused ? refused : undefined);
  return formOf(visit, action, html`${act === "" ? NOTHING : hidden("do", act)}${content(fields)}`);
}

/** The fields of one form. What was typed into one that was refused is kept, but for passwords, which are never sent back. */
export interface Fields {
  readonly text: typeof textField;
  readonly area: typeof areaField;
  readonly boxes: typeof checkboxes;
  /** One box to tick; `on` is what it is at first. */
  box(name: string, label: string, on?: boolean): Html;
  readonly choice: typeof choiceField;
}

function fieldsWith(sent: URLSearchParams | undefined): Fields {
  // Credentials that somebody typed into an address are not sent back either.
  const kept = (name: string, otherwise: string | undefined): string | undefined =>
    sent?.get(name)?.replace(/^([\w+.-]+:\/\/)[^/@]*@/, "$1") ?? otherwise;
  return {
    text: (name, label, more = {}) =>
      textField(name, label, more.type === "password" ? more : { ...more, value: kept(name, more.value) }),
    area: (name, label, more) => areaField(name, label, { ...more, value: kept(name, more.value) ?? "" }),
    boxes: (name, legend, options, chosen) => checkboxes(name, legend, options, sent ? sent.getAll(name) : chosen),
    box(name, label, on = false) {
      const isOn = sent ? sent.has(name) : on;
      return html`<p><label><input type="checkbox" name="${name}" value="true"${isOn ? html` checked` : NOTHING}> ${label}</label></p>`;
    },
    choice: (name, label, options, chosen) => choiceField(name, label, options, kept(name, chosen ?? undefined)),
  };
}

function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}

function formOf(visit: Visit, action: string, content: unknown, kind = "form"): Html {
  const token = visit.session?.formToken;
  return html`<form class="${kind}" method="post" action="${action}">
${token === undefined ? NOTHING : hidden(FORM_TOKEN, token)}${content}
</form>`;
}

/** A form that is one button. */
export function buttonForm(
  visit: Visit,
  action: string,
  text: string,
  fields: Readonly<Record<string, string>> = {},
  kind: "danger" | "plain" | "" = "",
  label?: string,
): Html {
  const sent = Object.entries(fields).map(([name, value]) => hidden(name, value));
  const named = label === undefined ? NOTHING : html` aria-label="${label}"`;
  return formOf(visit, action, html`${sent}<button type="submit" class="${kind}"${named}>${text}</button>`, "inline");
}

/** A line of text to fill in, with its label and, if there is one, a word of help; in a form it is `fields.text`. */
export function textField(
  name: string,
  label: string,
  more: {
    readonly value?: string | undefined;
    readonly help?: string;
    readonly required?: boolean;
    readonly type?: "text" | "date" | "search" | "password";
    readonly autocomplete?: string;
  } = {},
): Html {
  const { value = "", help, required = false, type = "text" } = more;
  // Browsers take "off" of a password for a mistake, and fill in what somebody else's form was given.
  const { autocomplete = type === "password" ? "new-password" : "off" } = more;
  const described = help === undefined ? NOTHING : html` aria-describedby="${name}-help"`;
  return html`<p><label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" value="${value}" autocomplete="${autocomplete}"${required ? html` required` : NOTHING}${described}>
${help === undefined ? NOTHING : html`<span class="quiet" id="${name}-help">${help}</span>`}</p>`;
}

/** Lines of text to fill in. */
function areaField(
  name: string,
  label: string,
  {
    help,
    required = false,
    value = "",
  }: { readonly help: string; readonly required?: boolean; readonly value?: string },
): Html {
  return html`<p><label for="${name}">${label}</label>
<textarea id="${name}" name="${name}" rows="4" autocomplete="off" spellcheck="false"${required ? html` required` : NOTHING} aria-describedby="${name}-help">${value}</textarea>
<span class="quiet" id="${name}-help">${help}</span></p>`;
}

/** Boxes to tick, each with its name and perhaps what it means; `chosen` are ticked. */
function checkboxes(
  name: string,
  legend: string,
  options: readonly (readonly [value: string, meaning: string])[],
  chosen: readonly string[] = [],
): Html {
  return html`<fieldset><legend>${legend}</legend>${options.map(
    ([value, meaning]) =>
      html`<label><input type="checkbox" name="${name}" value="${value}"${chosen.includes(value) ? html` checked` : NOTHING}> <code>${value}</code> <span class="quiet">${meaning}</span></label>`,
  )}</fieldset>`;
}

/** A choice among values. */
export function choiceField(
  name: string,
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  chosen: string | null | undefined,
): Html {
  return html`<div><label for="${name}">${label}</label>
<select id="${name}" name="${name}">${options.map(
    ([value, text]) =>
      html`<option value="${value}"${value === (chosen ?? "") ? html` selected` : NOTHING}>${text}</option>`,
  )}</select></div>`;
}

/** A page with forms that go to its own address: it shows, perhaps with what was wrong with what a form sent. */
export type ShowForm = (visit: Visit, fault?: string) => Promise<Page> | Page;

/**
 * Takes what the forms of a page send. What `act` refuses for a reason that the sender can do something about is said on the
 * page itself, which is shown again.
 */
export function taking(show: ShowForm, act: Show): Show {
  return async (visit) => {
    try {
      return await act(visit);
    } catch (error) {
      if (!isFailure(error, "invalid", "conflict", "forbidden", "not-found") || error.reason === "cross_site_request")
        throw error;
      return { ...(await show({ ...visit, refused: visit.form }, error.message)), status: 422 };
    }
  };
}

/** What was wrong with a form, above it; nothing if nothing was. */
export function faultOf(fault: string | undefined): Html | "" {
  return fault === undefined ? NOTHING : html`<div class="banner bad" role="alert"><p>${fault}</p></div>`;
}

/** A field as it was sent, without blanks around it; undefined where it is empty. */
export function sent(visit: Visit, name: string): string | undefined {
  return visit.form.get(name)?.trim() || undefined;
}

/** The day in a field, as its first moment; undefined for an empty one. */
export function dayIn(visit: Visit, name: string): Date | undefined {
  const text = sent(visit, name);
  if (text === undefined) return undefined;
  const day = rfc3339Time(`${text}T00:00:00Z`);
  if (!day || !hasTellableYear(day)) throw invalid(`${text.slice(0, 40)} is no day such as 2027-01-31`);
  return day;
}
