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
    parents: headers.flatMap((line) => /^parent ([0-9a-f]+)$/.exec(line)?.[1] ?? []),
    author: signature(headers, "author"),
    committer: signature(headers, "committer"),
    message,
  };
}

/** The message of an annotated tag, without a signature below it. */
export function parseTagMessage(content: Buffer): string {
  return split(content).message.replace(/(?<![^\n])-----BEGIN [A-Z ]+-----\n[\s\S]*/, "");
}

/** Lines end with a line feed and nothing else: a name may hold what is an end of a line elsewhere. */
function split(content: Buffer): { headers: readonly string[]; message: string } {
  const text = content.toString("utf8");
  const end = text.indexOf("\n\n");
  const headers = (end < 0 ? text : text.slice(0, end)).split("\n");
  return { headers, message: end < 0 ? "" : text.slice(end + 2) };
}

function signature(headers: readonly string[], role: "author" | "committer"): Signature {
  const line = headers.find((one) => one.startsWith(`${role} `)) ?? "";
  const match = /^\w+ (.*?) ?<([^>]*)> *(\d+)?/s.exec(line);
  const time = commitTime(Number(match?.[3] ?? 0));
  return {
    name: match?.[1] ?? "",
    email: match?.[2] ?? "",
    time: Number.isNaN(time.getTime()) ? new Date(0) : time,
  };
}
