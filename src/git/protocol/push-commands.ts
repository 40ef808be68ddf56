// What a push asks for stands in front of its pack: a line for each ref, `old new name`, the first with the client's
// capabilities behind a NUL byte, and a flush (gitprotocol-pack(5), "Reference Update Request and Packfile Transfer"). It is
// read before git is started, so that it is known who asked for what, and so that single refs can be kept from git:
//
// - Refs outside of refs/heads and refs/tags, which `git push --mirror` brings from a clone of another forge (refs/pull,
//   refs/merge-requests, refs/notes…), are left out: the push goes through, and is told. So they are where there is nothing
//   else to push, or a mirror would fail each time that no branch has moved.
// - Refs that are refused, such as protected tags, fail one by one. In an atomic push one that fails has all fail, which is
//   seen to here: receive-pack moves the others all the same, because it does not count a ref that it refuses for being hidden.
//
// Where nothing is left for git it is shown one ref all the same, with a setting that hides it, so that it ends the conversation.

import { invalid } from "../../errors.ts";
import { FLUSH, LENGTH_DIGITS, packet } from "./pkt-line.ts";
import type { Body } from "./request-body.ts";

/** What a push may have beside its pack, in bytes: one line per ref. */
export const MAX_COMMANDS_BYTES = 8 * 1024 * 1024;
const COMMAND = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (.+)$/s;

const SHALLOW = /^shallow (?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** One ref that a push wants to have another value. */
export interface RefCommand {
  /** Full name. */
  readonly name: string;
  readonly kind: "create" | "update" | "delete";
  readonly oldOid: string;
  readonly newOid: string;
  /** As it came, without capabilities: names need not be UTF-8. */
  readonly line: Buffer;
}

export interface PushRequest {
  readonly commands: readonly RefCommand[];
  readonly capabilities: readonly string[];
  /** What else stands among the lines (`shallow …`), as it came. */
  readonly others: readonly Buffer[];
  /** What came of the body behind the flush together with the lines. */
  readonly rest: Buffer;
}

/**
 * Reads the commands off the front of a push's body. A lone flush, with which git tries its credentials, has none. Throws
 * Failure("invalid") for what does not follow the protocol.
 */
export async function readPushRequest(body: Body): Promise<PushRequest> {
  const packets: Buffer[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let bytes = 0;
  for (;;) {
    const length = lengthOf(rest);
    if (length !== undefined && rest.length >= Math.max(length, LENGTH_DIGITS)) {
      if (length === 0) return { ...parse(packets), rest: rest.subarray(LENGTH_DIGITS) };
      packets.push(rest.subarray(LENGTH_DIGITS, length));
      rest = rest.subarray(length);
      continue;
    }
    const { value: chunk } = await body.next();
    bytes += chunk?.length ?? 0;
    if (!chunk || bytes > MAX_COMMANDS_BYTES + chunk.length) throw invalid(NOT_A_PUSH);
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  }
}

const NOT_A_PUSH = "the request does not follow git's protocol";

function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < LENGTH_DIGITS) return undefined;
  const digits = bytes.toString("latin1", 0, LENGTH_DIGITS);
  const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
  if (length !== 0 && length < LENGTH_DIGITS) throw invalid(NOT_A_PUSH);
  return length;
}

function parse(packets: readonly Buffer[]): Omit<PushRequest, "rest"> {
  const commands: RefCommand[] = [];
  const others: Buffer[] = [];
  let capabilities: string[] | undefined;
  for (const payload of packets) {
    const end = capabilities === undefined ? payload.indexOf(0) : -1;
    const line = trimmed(end < 0 ? payload : payload.subarray(0, end));
    const text = line.toString("utf8");
    const [, oldOid = "", newOid = "", name = ""] = COMMAND.exec(text) ?? [];
    // What git would understand in another way than we do goes on to it in no case, or it would move refs past all that is
    // decided of them here: for it a name ends at a NUL byte in any line, and it takes commands out of a push certificate
    // too, announced or not.
    if (text === "push-cert") throw invalid("signed pushes are not taken here: push without --signed");
    if (text.includes("\0")) throw invalid(NOT_A_PUSH);
    if (name === "") {
      if (end >= 0 || !SHALLOW.test(text)) throw invalid(NOT_A_PUSH);
      others.push(payload);
      continue;
    }
    if (end >= 0)
      capabilities = trimmed(payload.subarray(end + 1))
        .toString("utf8")
        .split(" ")
        .filter(Boolean);
    const kind = /^0+$/.test(newOid) ? "delete" : /^0+$/.test(oldOid) ? "create" : "update";
    commands.push({ name, kind, oldOid, newOid, line });
  }
  return { commands, capabilities: capabilities ?? [], others };
}

function trimmed(line: Buffer): Buffer {
  return line.at(-1) === 0x0a ? line.subarray(0, -1) : line;
}

/** A push request as the bytes that git reads, with these commands in place of its own. */
export function writePushRequest(request: PushRequest, commands: readonly RefCommand[]): Buffer {
  const lines = commands.map(({ line }, n) =>
    packet(n > 0 ? line : Buffer.concat([line, Buffer.from(`\0 ${request.capabilities.join(" ")}\n`)])),
  );
  return Buffer.concat([...request.others.map(packet), ...lines, FLUSH, request.rest]);
}

/** What becomes of a push's commands. */
export interface PushPlan {
  readonly forGit: readonly RefCommand[];
  /** Told to be all right, and left out: see above. */
  readonly leftOut: readonly RefCommand[];
  /** Refused here, each with the reason. */
  readonly refused: ReadonlyMap<RefCommand, string>;
  /** The refused or left out one that git sees all the same and has to refuse, because there is nothing else for it. */
  readonly hidden: RefCommand | undefined;
}

/** `refused`: the reasons for which refs are refused, by name. */
export function planPush(request: PushRequest, refused: ReadonlyMap<string, string>): PushPlan {
  const { commands } = request;
  const turnedAway = commands.filter(({ name }) => refused.has(name));
  const reasons = new Map(turnedAway.map((command) => [command, refused.get(command.name)!]));
  if (turnedAway.length > 0 && request.capabilities.includes("atomic"))
    for (const command of commands) if (!reasons.has(command)) reasons.set(command, ATOMIC);
  const leftOut = commands.filter((command) => !isOurs(command) && !reasons.has(command));
  const keptFromGit = new Set<RefCommand>([...leftOut, ...reasons.keys()]);
  const forGit = commands.filter((command) => !keptFromGit.has(command));
  const hidden = forGit.length === 0 ? (turnedAway[0] ?? leftOut[0]) : undefined;
  return { forGit: hidden ? [hidden] : forGit, leftOut, refused: reasons, hidden };
}

const ATOMIC = "the push is atomic, and another ref of it is refused";

function isOurs({ name }: RefCommand): boolean {
  return name.startsWith("refs/heads/") || name.startsWith("refs/tags/");
}
