// The bytes of a file as they are. Whatever somebody put into a module is not ours, so nothing in it may run on our pages: text
// is text whatever it says, pictures are told by their first bytes, and the rest is for saving.
import { notFound } from "../../errors.ts";
import { findFile, MAX_FILE_BYTES, readFile, textOfFile } from "../../registry/modules/module-files.ts";
import { FOREIGN_FILE_HEADERS } from "../html/headers.ts";
import type { Show } from "../html/visit.ts";
import { demandShown, zipOfShown } from "./shown-version.ts";

/** A file that is larger is cut: the whole is in the zip. */
const MAX_RAW_BYTES = 16 * MAX_FILE_BYTES;

/** How pictures begin. */
const PICTURES: readonly (readonly [type: string, begins: RegExp])[] = [
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[\s\S]{4}WEBP/],
];

export const showRawFile: Show = async (visit) => {
  const shown = await demandShown(visit, visit.named.address!);
  const zip = await zipOfShown(visit, shown);
  const file = await findFile(visit.registry, zip, shown.directory);
  if (!file) throw notFound(`there is no file ${shown.directory} in ${shown.module.path}@${shown.version.version}`);
  const body = await readFile(visit.registry, file, MAX_RAW_BYTES);
  const type = typeOf(file.path, body);
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  const saved = type === "application/octet-stream" ? { "Content-Disposition": attachment(name) } : {};
  return { kind: "file", type, body, headers: { ...FOREIGN_FILE_HEADERS, ...saved } };
};

function typeOf(path: string, body: Buffer): string {
  const head = body.subarray(0, 16).toString("latin1");
  const picture = PICTURES.find(([, begins]) => begins.test(head));
  if (picture) return picture[0];
  const text = textOfFile(body, true);
  if (text === undefined) return "application/octet-stream";
  // Only <img> shows it as a picture; opened by itself it may do nothing (the policy is a sandbox).
  if (/\.svg$/i.test(path) && /^\s*(?:<\?xml|<!DOCTYPE svg|<svg)/i.test(text)) return "image/svg+xml";
  return "text/plain; charset=utf-8";
}

/** A Content-Disposition with a name that any client reads (RFC 6266). */
export function attachment(name: string): string {
  const plain = name.replace(/[^\w.-]/g, "_");
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, "_")}`;
}
