// The answers of a Go endpoint as they are kept and written: headers and bytes, ready. Lifetimes are those of the public
// mirror: a minute for what can change, a week for what cannot, seconds for what is not there.
import { hash } from "node:crypto";
import type { Failure, Reason } from "../../errors.ts";
import type { Registry } from "../../registry/registry.ts";
import { type MadeZip, zipKeyOf } from "../../registry/versions/version-zip.ts";
import { NO_PAGE } from "../protocol/conditions.ts";
import { ABSENCE_SECONDS, REASON_HEADER } from "../protocol/problem.ts";
import type { BlobAnswer } from "../protocol/send-blob.ts";
import type { HotAnswer, HotCache, TextAnswer } from "./hot-cache.ts";

const TEXT = "text/plain; charset=utf-8";
/** The media types of what is no zip. */
export const TYPES = { list: TEXT, mod: TEXT, latest: "application/json", info: "application/json" } as const;

/** How long clients may keep what can change: lists, @latest, branches. */
const MUTABLE_SECONDS = 60;
/** How long clients may keep what cannot: a week, as the public mirror says. */
const IMMUTABLE_SECONDS = 7 * 24 * 3600;

const NO_PAGE_HEADERS = Object.entries(NO_PAGE).flat();

/** Where an answer says that a policy warns of the version. */
const POLICY_HEADER = "Gokura-Policy";

/** Characters of a message: the go command shows 648 bytes (cmd/go/internal/web). */
const MAX_TOLD = 500;

// "private", because a cache in between does not know that PRIVATE-TOKEN is a credential.
const MUTABLE = `private, max-age=${MUTABLE_SECONDS}`;
const IMMUTABLE = `private, max-age=${IMMUTABLE_SECONDS}, immutable`;

/** An answer of bytes; `pinned`: for ever the same. */
export function present(bytes: Buffer, type: string, pinned: boolean): TextAnswer {
  const etag = `"${hash("sha256", bytes, "base64url").slice(0, 27)}"`;
  return {
    status: 200,
    etag,
    body: bytes.toString("latin1"),
    headers: [
      ...["Content-Type", type, "Content-Length", String(bytes.length), "ETag", etag],
      ...["Cache-Control", pinned ? IMMUTABLE : MUTABLE, ...NO_PAGE_HEADERS],
    ],
  };
}

/** Not there, in our words. */
export function absence({ message, reason }: Failure): TextAnswer {
  const told = message.length > MAX_TOLD ? `${message.slice(0, MAX_TOLD)}…` : message;
  return absenceInWords(404, `not found: ${told.replace(NOT_SHOWN, "?")}\n`, reason);
}

/** One of these in a message, and the go command shows nothing of it (unicode.IsGraphic, unicode.IsSpace). */
const NOT_SHOWN = /[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\n\t]/gu;

/** Not there, in exactly these words. `reason`: the code of it, where the words are ours. */
export function absenceInWords(status: 404 | 410, text: string, reason?: Reason): TextAnswer {
  const bytes = Buffer.from(text);
  return {
    status,
    etag: "",
    body: bytes.toString("latin1"),
    headers: [
      ...["Content-Type", TEXT, "Content-Length", String(bytes.length)],
      ...["Cache-Control", `private, max-age=${ABSENCE_SECONDS}`, ...NO_PAGE_HEADERS],
      ...(reason === undefined ? [] : [REASON_HEADER, reason]),
    ],
  };
}

/**
 * The zip of a version; `known`: its bytes, if they are in memory. If the answer is to be kept, and is small enough for that, it has the bytes too: that throws
 * not-found when they are not stored any more.
 */
export async function presentZip(
  { blobs, traffic }: Registry,
  zip: MadeZip,
  version: { readonly id: number; readonly version: string },
  keptIn: HotCache | undefined,
  known?: Buffer,
): Promise<{ blob: BlobAnswer }> {
  const { sha256, size } = zip;
  const key = zipKeyOf(zip);
  const isWanted = keptIn && size <= keptIn.maxAnswerBytes;
  const bytes = isWanted ? (known ?? (await keptIn.zips.read(blobs, key, size))) : undefined;
  const downloads = traffic.countOf(version.id);
  return { blob: { key, size, etag: `"${sha256}"`, headers: zipHeaders(version.version), bytes, downloads } };
}

/** An answer with what policies warn of beside it, if they do. */
export function withWarning<A extends HotAnswer>(answer: A, warning: string | undefined): A {
  if (warning === undefined) return answer;
  if (!("blob" in answer)) return { ...answer, headers: withPolicyHeader(answer.headers, warning) };
  return { ...answer, blob: { ...answer.blob, headers: withPolicyHeader(answer.blob.headers, warning) } };
}

/** Headers (name, value, name, value…) with what policies warn of among them, if they do. */
export function withPolicyHeader(headers: readonly string[], warning: string | undefined): string[] {
  return warning === undefined ? [...headers] : [...headers, POLICY_HEADER, warning];
}

/** What says that an answer is the zip of a version: name, value, name, value… */
export function zipHeaders(version: string): string[] {
  const name = `${version.replace(/[^\w.+-]/g, "_")}.zip`;
  return [
    ...["Content-Type", "application/zip", "Content-Disposition", `attachment; filename="${name}"`],
    ...["Cache-Control", IMMUTABLE, ...NO_PAGE_HEADERS],
  ];
}
