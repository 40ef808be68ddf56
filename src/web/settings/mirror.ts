// The mirror of a project: which repository elsewhere it follows, how that is going, and the forms that change it. What the
// remote's hook must prove itself with is shown in the answer that makes it, and never again.
import { invalid } from "../../errors.ts";
import { addMirror } from "../../mirrors/add-mirror.ts";
import { demandAct } from "../../registry/access/access.ts";
import { fingerprintOf } from "../../registry/forge/deploy-key.ts";
import { wantLook } from "../../registry/forge/mirror-looks.ts";
import {
  deleteMirror,
  demandMirror,
  mirrorsOfProjects,
  renewHookSecret,
  updateMirror,
} from "../../registry/forge/mirrors.ts";
import type { MirrorRow, ProjectRow } from "../../registry/rows.ts";
import { projectAsked } from "../forge/project.ts";
import { buttonForm, type Fields, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { banner, facts, lines, mark, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, seeOther, type Visit } from "../html/visit.ts";
import { partAddress, settingsPage } from "./place.ts";

export const showMirror: ShowForm = (visit, fault) => mirrorPage(visit, fault, NOTHING);

async function mirrorPage(visit: Visit, fault: string | undefined, news: Html | ""): Promise<Page> {
  const { registry, principal } = visit;
  const project = await projectAsked(visit);
  demandAct(principal, "mirror.read", project);
  const mirror = (await mirrorsOfProjects(registry, principal, [project])).get(project.id);
  const content = mirror ? followed(visit, project, mirror) : notFollowed(visit, project);
  return settingsPage(visit, { project }, "mirror", html`${faultOf(fault)}${news}${content}`);
}

function notFollowed(visit: Visit, project: ProjectRow): Html {
  return html`<p>This project has its own repository. As a mirror it follows one elsewhere: it takes its branches and tags, serves its
modules, and takes no pushes.</p>
${form(
  visit,
  partAddress(visit, { project }, "mirror"),
  "create",
  (
    fields,
  ) => html`${fields.text("url", "Repository", { required: true, help: "https, such as https://github.com/acme/lib; or ssh, such as git@github.com:acme/lib.git, for which a deploy key is made." })}
${credentialFields(fields, undefined)}
${fields.text("module_prefix", "Module path", { help: "The second name of its modules; empty: that of the repository, if it may be had." })}
${intervalField(fields, undefined)}
<p><button type="submit" class="primary">Follow it</button></p>`,
)}`;
}

function followed(visit: Visit, project: ProjectRow, mirror: MirrorRow): Html {
  const action = partAddress(visit, { project }, "mirror");
  const { url, credential, failures, lastError } = mirror;
  return html`${
    lastError === null
      ? NOTHING
      : banner(
          "bad",
          html`<p>The last ${failures === 1 ? "look" : `${failures} looks`} came to nothing: ${lastError}</p>`,
        )
  }${facts(
    ["Follows", html`<span class="mono">${url}</span>`],
    ["As", credential?.username],
    ["GitHub App", credential?.appId],
    ["Deploy key, for the repository there", credential?.publicKey && html`<code>${credential.publicKey}</code>`],
    ["Key of the host", credential?.hostKey && html`<code>${fingerprintOf(credential.hostKey)}</code>`],
    ["State", stateOf(mirror)],
    ["Looked", time(mirror.lookedAt)],
    ["Succeeded", time(mirror.succeededAt)],
    ["Something changed", time(mirror.changedAt)],
    ["Looks next", mirror.enabled ? time(mirror.nextLookAt) : undefined],
    ["Where its hook tells", html`<code>${visit.url}/-/hooks/${mirror.id}</code>`],
  )}
<div class="row">${buttonForm(visit, action, "Look now", { do: "sync" })}${buttonForm(visit, action, "New secret for the hook", { do: "renew" })}${
    credential?.hostKey ? buttonForm(visit, action, "Forget the key of the host", { do: "forget-host-key" }) : NOTHING
  }</div>
<h2 id="change">Change it</h2>
${form(
  visit,
  action,
  "update",
  (
    fields,
  ) => html`${fields.text("url", "Repository", { required: true, value: url, help: "At another server the password is needed again." })}
${credentialFields(fields, credential?.username)}
${intervalField(fields, mirror.intervalSeconds ?? undefined)}
${fields.box("enabled", "It is followed", mirror.enabled)}
<p><button type="submit" class="primary">Change the mirror</button></p>`,
)}
<h2 id="end">Follow it no more</h2>
<p>The project keeps what it has, and takes pushes again.</p>
${buttonForm(visit, action, "Turn the mirror off", { do: "delete" }, "danger")}`;
}

function stateOf({ enabled, failures, succeededAt }: MirrorRow): Html {
  if (!enabled) return mark("not followed");
  if (failures > 0) return mark("failing", "bad");
  return succeededAt === null ? mark("new") : mark("on", "good");
}

function credentialFields(fields: Fields, username: string | undefined): Html {
  return html`${fields.text("username", "User name there", { value: username, help: "Empty where anybody may read it." })}
${fields.text("password", "Password or token there", { type: "password", help: username === undefined ? "It is kept sealed." : "Empty: it stays." })}`;
}

function intervalField(fields: Fields, seconds: number | undefined): Html {
  return fields.text("interval", "Seconds between two looks at most", {
    value: seconds === undefined ? "" : String(seconds),
    help: "Empty: by how often something changes there.",
  });
}

export const changeMirror = taking(showMirror, async (visit) => {
  const { registry, principal, parts } = visit;
  const { fullPath, id } = await projectAsked(visit);
  switch (sent(visit, "do")) {
    case "create": {
      const { hookSecret, withoutPrefix } = await addMirror(registry, parts.remotes, principal, fullPath, {
        url: sent(visit, "url") ?? "",
        credential: credentialIn(visit),
        modulePrefix: sent(visit, "module_prefix"),
        intervalSeconds: intervalIn(visit),
      });
      return mirrorPage(visit, undefined, secretOf(hookSecret, withoutPrefix));
    }
    case "sync":
      await demandMirror(registry, principal, fullPath, "mirror.sync");
      await wantLook(registry, id, 0);
      break;
    case "renew": {
      const { hookSecret } = await renewHookSecret(registry, principal, fullPath);
      return mirrorPage(visit, undefined, secretOf(hookSecret));
    }
    case "forget-host-key":
      await updateMirror(registry, principal, fullPath, { forgetHostKey: true });
      break;
    case "delete":
      await deleteMirror(registry, principal, fullPath);
      break;
    default:
      await updateMirror(registry, principal, fullPath, {
        url: sent(visit, "url"),
        credential: credentialIn(visit),
        enabled: sent(visit, "enabled") === "true",
        intervalSeconds: intervalIn(visit) ?? null,
      });
  }
  return seeOther(partAddress(visit, { project: await projectAsked(visit) }, "mirror"));
});

function credentialIn(visit: Visit): { readonly username: string; readonly password: string } | undefined {
  const password = sent(visit, "password");
  return password === undefined ? undefined : { username: sent(visit, "username") ?? "git", password };
}

function intervalIn(visit: Visit): number | undefined {
  const text = sent(visit, "interval");
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw invalid(`"${text.slice(0, 40)}" is no number of seconds`, "interval");
  return Number(text);
}

function secretOf(hookSecret: string, withoutPrefix?: string): Html {
  return html`${banner(
    "note",
    html`<p>With this secret the remote's hook proves itself; it cannot be shown again.</p>${lines(hookSecret)}`,
  )}${withoutPrefix === undefined ? NOTHING : banner("warn", html`<p>Its modules have no second name: ${withoutPrefix}</p>`)}`;
}
