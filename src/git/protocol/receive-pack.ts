// A push: git's receive-pack takes it in, and this file sees to what git alone does not promise. The commands are read and
// judged before git starts (push-commands.ts); the report is held back until what moved has been recorded, so that a push
// which the client sees acknowledged is durable; and the client is told, in lines of progress, what became of it.
//
// A push that breaks moves no ref: receive-pack keeps incoming objects in a quarantine until the whole pack is checked
// (git-receive-pack(1), "QUARANTINE ENVIRONMENT"), and two pushes at once are kept apart by git's own lock on each ref.

import type { IncomingMessage, ServerResponse } from "node:http";
import { Failure } from "../../errors.ts";
import { gitEnvironment } from "../process/git-environment.ts";
import { repositoryWords } from "../process/repository-words.ts";
import { comparedRefs } from "./compared-refs.ts";
import { carry, linger, NO_CACHE, type SmartHttpOutcome } from "./git-request.ts";
import { FLUSH, fatalPacket, packet, packetCutter } from "./pkt-line.ts";
import {
  MAX_COMMANDS_BYTES,
  type PushPlan,
  type PushRequest,
  planPush,
  type RefCommand,
  readPushRequest,
  writePushRequest,
} from "./push-commands.ts";
import { pushProgress } from "./push-progress.ts";
import { onChannel, reportOf, sideBandOf } from "./push-report.ts";
import type { Body } from "./request-body.ts";
import type { ServeOptions } from "./smart-http.ts";

/** A report of receive-pack (a line per ref) larger than this is not one, in bytes. */
const MAX_REPORT_BYTES = 64 * 1024 * 1024;
/** How often a client that waits for the end gets a sign of life, as git itself gives it. */
const SIGN_OF_LIFE_MS = 5_000;
/** Refs that were left out are named, up to so many. */
const MAX_LEFT_OUT_NAMED = 5;

/** A push that git has done. */
export interface DonePush {
  /** What was asked for, refused refs and all. */
  readonly commands: readonly RefCommand[];
  /** The full names of the refs that moved; undefined if git ended before it could say. */
  readonly moved: ReadonlySet<string> | undefined;
  /** Whether git refused the pack because it is larger than it may be. */
  readonly packTooLarge: boolean;
}

/** What is decided of a push before git starts. */
export interface Admission {
  /** The refs that are refused, by full name, each with the reason. */
  readonly refused: ReadonlyMap<string, string>;
  /** How many bytes the pack may have, where that is less than the server takes from anybody. */
  readonly maxBytes?: number;
  /**
   * Full names of tags whose history what comes probably continues, for a push of few refs: git compares with these and with
   * branches alone (compared-refs.ts). Undefined: with all refs.
   */
  readonly beside?: readonly string[];
}

export interface ReceivePackOptions extends ServeOptions {
  /** The largest pack that is taken, in bytes. */
  readonly maxBytes: number;
  /**
   * Awaited with what a push asks for, before git starts. What it throws is the answer to the whole push.
   */
  readonly admit?: (commands: readonly RefCommand[]) => Promise<Admission>;
  /**
   * Awaited once receive-pack has ended, however it ended (refs may have moved even if the client left), and before the
   * client learns that its push succeeded: lines to tell the client. If it rejects, the client is told that the push failed.
   */
  readonly beforeEnd?: (push: DonePush) => Promise<readonly string[]>;
}

/** Answers POST git-receive-pack: a push. Never rejects. */
export async function serveReceivePack(options: ReceivePackOptions): Promise<SmartHttpOutcome> {
  const { directory, maxBytes, admit, beforeEnd } = options;
  let request: PushRequest = { commands: [], capabilities: [], others: [], rest: Buffer.alloc(0) };
  let plan: PushPlan = planPush(request, new Map());
  const progress = pushProgress(directory);
  const cut = packetCutter();
  const held: Buffer[] = [];
  let heldBytes = 0;
  const toPeople = (bytes: Buffer): Buffer => {
    const sideBand = sideBandOf(request.capabilities);
    return sideBand === undefined ? Buffer.alloc(0) : Buffer.concat(onChannel(2, bytes, sideBand));
  };

  return await carry({
    ...options,
    args: ["receive-pack", "--stateless-rpc", directory],
    contentType: "application/x-git-receive-pack-result",
    stopByInput: true,
    async prepare(open) {
      const body = open({ type: "application/x-git-receive-pack-request", maxBytes: maxBytes + MAX_COMMANDS_BYTES });
      request = await readPushRequest(body);
      const admitted = request.commands.length > 0 ? await admit?.(request.commands) : undefined;
      plan = planPush(request, admitted?.refused ?? new Map());
      const settings = plan.hidden
        ? [["receive.hideRefs", hidingName(plan.hidden)] as const]
        : comparedRefs(plan.forGit, admitted?.beside);
      return {
        chunks: inFront(writePushRequest(request, plan.forGit), body),
        environment: gitEnvironment({ maxPushBytes: Math.min(maxBytes, admitted?.maxBytes ?? maxBytes), settings }),
      };
    },
    relay(chunk) {
      return Buffer.concat(
        cut(chunk).map((each) => {
          if (isSignOfLife(each)) return each;
          if (each[FLUSH.length] === 2) return toPeople(progress.take(each.subarray(FLUSH.length + 1)));
          held.push(each);
          heldBytes += each.length;
          if (heldBytes > MAX_REPORT_BYTES) throw new Error("receive-pack's report has no end");
          return Buffer.alloc(0);
        }),
      );
    },
    async conclude(say) {
      const sideBand = sideBandOf(request.capabilities);
      const report = reportOf(held, plan, sideBand, repositoryWords(directory));
      if (request.commands.length === 0) return Buffer.concat(report.packets);
      const rest = toPeople(progress.end());
      if (rest.length > 0) say(rest);
      const life = setInterval(() => sideBand && say(packet("\u0001")), SIGN_OF_LIFE_MS);
      let lines: readonly string[];
      try {
        const { packTooLarge } = progress;
        lines = (await beforeEnd?.({ commands: request.commands, moved: report.moved, packTooLarge })) ?? [];
      } catch (cause) {
        const sentence = "the push could not be recorded, please push again";
        // If progress went out the client can be told why; else it gets a status.
        if (sideBand && options.res.headersSent && options.res.writable) options.res.end(fatalPacket(sentence));
        throw new Failure("unavailable", sentence, { cause });
      } finally {
        clearInterval(life);
      }
      if (report.packets.length === 0) return Buffer.alloc(0);
      const told = [...leftOutLines(plan), ...lines].map((line) => `${line}\n`).join("");
      return Buffer.concat([toPeople(Buffer.from(told)), ...report.packets]);
    },
  });
}

/** What a setting calls a ref that is to be hidden. Settings are text: one whose name is none is hidden with all beside it. */
function hidingName({ name }: RefCommand): string {
  return name.includes("\uFFFD") ? name.split("/", 2).join("/") : name;
}

/** Answers a push without git: nothing is taken, and the client prints the sentence as the server's. */
export function refusePush(req: IncomingMessage, res: ServerResponse, sentence: string): void {
  res.writeHead(200, { "Content-Type": "application/x-git-receive-pack-result", ...NO_CACHE });
  res.end(fatalPacket(sentence));
  linger(req);
}

async function* inFront(first: Buffer, body: Body): AsyncGenerator<Buffer> {
  yield first;
  yield* body;
}

/** The empty packet by which git shows that it is still there. */
function isSignOfLife(each: Buffer): boolean {
  return each.length === FLUSH.length + 1 && each[FLUSH.length] === 1;
}

function leftOutLines({ leftOut }: PushPlan): string[] {
  if (leftOut.length === 0) return [];
  const names = leftOut.slice(0, MAX_LEFT_OUT_NAMED).map(({ name }) => name.replace(/[^\x21-\x7e]/g, "?"));
  const more = leftOut.length > names.length ? ` and ${leftOut.length - names.length} more` : "";
  return [`warning: left out, because only branches and tags are kept here: ${names.join(", ")}${more}`];
}
