// Badges: the newest version of a project's module as a small picture for a readme. Pictures are fetched without signing in,
// so what the anonymous may not see looks like what is not there.
import { maySeeProject } from "../../registry/access/access.ts";
import { findProject } from "../../registry/forge/projects.ts";
import { latestVersions } from "../../registry/versions/listed-versions.ts";
import { modulesOfProjects } from "../../registry/versions/modules.ts";
import { html } from "../html/template.ts";
import type { FileAnswer, Show, Visit } from "../html/visit.ts";

/** About how wide a character of 11 pixels is, and the room at either side. */
const CHARACTER = 6.6;
const PADDING = 6;
const MAX_TEXT = 40;

export const showVersionBadge: Show = async (visit) => {
  const version = await newestVersion(visit);
  return badge("go", version ?? "none", version === undefined ? "#6b7580" : "#00647d");
};

async function newestVersion({ registry, principal, named }: Visit): Promise<string | undefined> {
  const project = await findProject(registry, named.project!);
  if (!project || !maySeeProject(principal, project)) return undefined;
  const [module] = (await modulesOfProjects(registry, principal, [project], { first: 1 })).get(project.id)?.rows ?? [];
  return module && (await latestVersions(registry, [module.id])).get(module.id)?.version;
}

/** A badge of two parts. */
async function badge(left: string, right: string, colour: string): Promise<FileAnswer> {
  const shown = right.length > MAX_TEXT ? `${right.slice(0, MAX_TEXT)}…` : right;
  const [a, b] = [left, shown].map((text) => Math.ceil(text.length * CHARACTER) + 2 * PADDING) as [number, number];
  const body = html`<svg xmlns="http://www.w3.org/2000/svg" width="${a + b}" height="20" role="img" aria-label="${left}: ${shown}"><title>${left}: ${shown}</title><rect width="${a}" height="20" rx="3" fill="#444c54"/><rect x="${a}" width="${b}" height="20" rx="3" fill="${colour}"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="${PADDING}" y="14">${left}</text><text x="${a + PADDING}" y="14">${shown}</text></g></svg>
`;
  return {
    kind: "file",
    type: "image/svg+xml",
    body: String(await body),
    headers: {
      "Cache-Control": "private, max-age=60",
      "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
      "Cross-Origin-Resource-Policy": "cross-origin",
    },
  };
}
