// A selection of files of a version as a zip for people to save (jszip): no module zip, which the Go endpoint has. It is made
// in memory, so it is bounded.
import JSZip from "jszip";
import { Failure, invalid } from "../../errors.ts";
import { filesOf, readFile } from "../../registry/modules/module-files.ts";
import { FOREIGN_FILE_HEADERS } from "../html/headers.ts";
import type { Show } from "../html/visit.ts";
import { attachment } from "./raw-file.ts";
import { demandShown, zipOfShown } from "./shown-version.ts";

const MAX_FILES = 2_000;
const MAX_BYTES = 10 * 1024 * 1024;
/** The date of every file: a selection made twice is the same bytes. Zips know no zone and nothing before 1980. */
const DATE = new Date(1980, 0, 1);

export const showChosenFiles: Show = async (visit) => {
  const { registry, query } = visit;
  const shown = await demandShown(visit, visit.named.address!);
  const { module, version } = shown;
  const from = await zipOfShown(visit, shown);
  const under = query.get("under") ?? "";
  const wanted = new Set(query.getAll("file"));
  const all = await filesOf(registry, from);
  const chosen =
    query.get("all") === "true"
      ? all.filter(({ path }) => under === "" || path.startsWith(`${under}/`))
      : all.filter(({ path }) => wanted.has(path));
  if (chosen.length === 0) throw invalid("choose at least one file");
  const bytes = chosen.reduce((sum, { size }) => sum + size, 0n);
  if (chosen.length > MAX_FILES || bytes > MAX_BYTES)
    throw new Failure(
      "too-large",
      `so much is not put together here (at most ${MAX_FILES} files and 10 MiB): the whole zip is at the Go endpoint, go mod download ${module.path}@${version.version}`,
    );
  const zip = new JSZip();
  for (const file of chosen) {
    const content = await readFile(registry, file, MAX_BYTES);
    zip.file(file.path, content, { createFolders: false, date: DATE });
  }
  const body = await zip.generateAsync({ type: "nodebuffer", compression: "DEFLATE" });
  const name = `${module.path.slice(module.path.lastIndexOf("/") + 1)}-${version.version}.zip`;
  const headers = { ...FOREIGN_FILE_HEADERS, "Content-Disposition": attachment(name) };
  return { kind: "file", type: "application/zip", body, headers };
};
