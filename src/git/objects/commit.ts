// Commits and annotations as people wrote them, read from the raw objects (git-commit-tree, "Commit information"): who, when
// and the message. Names and messages are UTF-8 unless the commit says otherwise, and then they are shown as well as can be.

import { commitTime } from "../../gomod/commit-time.ts";

/** Who did it, and when. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  readonly time: Date;
}

export interface Commit {
  readonly oid: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
}

/** Reads the content of a commit object. A date that cannot be read is the beginning of time. */
export function parseCommit(oid: string, content: Buffer): Commit {
  const { headers, message } = split(content);
  return {
    oid,
    parents: [...headers.matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1]!),
    author: signature(headers, "author"),
    committer: signature(headers, "committer"),
    message,
  };
}

/** The message of an annotated tag, without a signature below it. */
export function parseTagMessage(content: Buffer): string {
  return split(content).message.replace(/^-----BEGIN [A-Z ]+-----\n[\s\S]*/m, "");
}

function split(content: Buffer): { headers: string; message: string } {
  const text = content.toString("utf8");
  const end = text.indexOf("\n\n");
  return end < 0 ? { headers: text, message: "" } : { headers: text.slice(0, end), message: text.slice(end + 2) };
}

function signature(headers: string, role: "author" | "committer"): Signature {
  const match = new RegExp(`^${role} (.*?) ?<([^>\\n]*)> *(\\d+)?`, "m").exec(headers);
  const time = commitTime(Number(match?.[3] ?? 0));
  return {
    name: match?.[1] ?? "",
    email: match?.[2] ?? "",
    time: Number.isNaN(time.getTime()) ? new Date(0) : time,
  };
}
