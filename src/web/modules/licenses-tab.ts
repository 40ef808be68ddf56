// The licences of a version with their texts, out of its zip.
import { isFailure } from "../../errors.ts";
import { describeVersion, type LicenseInFile } from "../../registry/modules/module-document.ts";
import { findFile, readFile, textOfFile } from "../../registry/modules/module-files.ts";
import { nothingYet } from "../html/pieces.ts";
import { type Html, html } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import { type ShownVersion, zipOfShown } from "./shown-version.ts";

const MAX_TEXT_BYTES = 64 * 1024;

export async function licensesTab(visit: Visit, shown: ShownVersion): Promise<Html> {
  const { registry, at } = visit;
  const { module, version } = shown;
  try {
    const zip = await zipOfShown(visit, shown);
    const { licenses } =
      shown.described?.versionId === version.id ? shown.described : await describeVersion(registry, zip);
    const byFile = Map.groupBy(licenses, ({ filePath }) => filePath);
    if (byFile.size === 0) return nothingYet(html`<p>There is no licence file in the root of this version.</p>`);
    const shownFiles: Html[] = [];
    for (const [path, found] of byFile) {
      const file = await findFile(registry, zip, path);
      const head = file && (await readFile(registry, file, MAX_TEXT_BYTES));
      const text = head && textOfFile(head, Number(file.size) > MAX_TEXT_BYTES);
      shownFiles.push(html`<h2 id="${`license-${path}`}"><a href="${at.files(module.path, version.version, path)}">${path}</a></h2>
<ul>${found.map((one) => html`<li>${said(one)}</li>`)}</ul>
<pre class="wraps" tabindex="0">${text ?? "no text"}</pre>`);
    }
    return html`${shownFiles}`;
  } catch (error) {
    if (isFailure(error)) return nothingYet(html`<p>${error.message}</p>`);
    throw error;
  }
}

function said({ spdxId, coverage }: LicenseInFile): string {
  return spdxId === "UNKNOWN" ? "not recognised" : `${spdxId}, ${Math.round(coverage * 100)} % of the file`;
}
