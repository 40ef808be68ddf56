// "Set me up": the exact lines for go, git, ~/.netrc and a CI job, for everything, for a group or for a project, as `gokura
// client-config` prints them at the server.
import { clientSettings, goLines, netrcLines, type SettingsPlace } from "../../registry/forge/client-settings.ts";
import { demandGroup } from "../../registry/forge/groups.ts";
import { demandProject, modulePathOf } from "../../registry/forge/projects.ts";
import { banner, lines } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { page, type Show, type Visit } from "../html/visit.ts";

export const showSetUp: Show = async (visit) => {
  const { registry, principal, query, at } = visit;
  const [project, group] = [query.get("project"), query.get("group")];
  const place: SettingsPlace = project
    ? { project: await demandProject(registry, principal, project) }
    : group
      ? { group: await demandGroup(registry, principal, group) }
      : "instance";
  const what =
    place === "instance"
      ? "all modules"
      : "project" in place
        ? place.project.fullPath
        : `the group ${place.group.fullPath}`;
  return page(
    "Set me up",
    html`<h1>Set me up</h1>
<p>For ${what}. Every project and every group has its own lines: look at its page.</p>
${await settingsFor(visit, place)}
<p>Tokens: <a href="${at.tokens()}">make one of your own</a>.</p>`,
  );
};

/** The lines for go alone, for everything. */
export async function goSettingsFor({ registry, url, parts }: Visit): Promise<Html> {
  const offered = { hasWorld: parts.hasWorld, gosumdb: parts.gosumdb() };
  return lines(...goLines(await clientSettings(registry, url, "instance", offered)));
}

/** The lines for a place. */
async function settingsFor({ registry, url, parts }: Visit, place: SettingsPlace): Promise<Html> {
  const settings = await clientSettings(registry, url, place, {
    hasWorld: parts.hasWorld,
    gosumdb: parts.gosumdb(),
  });
  const path =
    place === "instance"
      ? `${registry.moduleHost}/GROUP/PROJECT`
      : "project" in place
        ? modulePathOf(registry, place.project)
        : `${registry.moduleHost}/${place.group.fullPath}/PROJECT`;
  const remote =
    settings.remote ??
    `${url}/${place === "instance" ? "GROUP" : "group" in place ? place.group.fullPath : ""}/PROJECT.git`;
  const environment = [
    `GOPROXY=${settings.goproxy}${settings.alone ? "" : ",direct"}`,
    settings.gosumdb === undefined ? `GONOSUMDB=${settings.gonosumdb}` : `GOSUMDB=${settings.gosumdb}`,
  ];
  return html`<h2 id="go">go</h2>
${lines(...goLines(settings))}
${lines(`go get ${path}@latest`)}
<h2 id="netrc">~/.netrc</h2>
<p>Both lines: go looks for host and port, git and curl for the host alone. Keep others from reading it: <code>chmod 600 ~/.netrc</code>.</p>
${lines(...netrcLines(url))}
${url.startsWith("http:") ? banner("warn", html`<p>The go command sends credentials over https only: private modules need TLS, here or in a proxy in front.</p>`) : NOTHING}
<h2 id="git">git</h2>
<p>A tag such as <code>v1.2.3</code> that is pushed becomes a version.</p>
${lines(`git remote add origin ${remote}`, "git push origin main v1.0.0")}
<h2 id="ci">A CI job</h2>
<p>With the token of a bot or a deploy token in <code>GOKURA_TOKEN</code>, a masked variable of the job:</p>
${lines(...environment.map((line) => `export ${line}`), ...netrcLines(url, "'\"$GOKURA_TOKEN\"'").map((line) => `echo '${line}' >> ~/.netrc`), "chmod 600 ~/.netrc")}`;
}
