// How a push ended, as git reports it: `unpack ok`, then `ok NAME` or `ng NAME why` for each ref, with `option` lines behind
// those of refs that a server gave another name (gitprotocol-pack(5), "Report Status"). With side-band the report travels in
// packets of channel 1. Lines are added for the refs that git was not shown (push-commands.ts), and its reason for a ref
// that it was made to refuse becomes ours.

import type { RepositoryWords } from "../process/repository-words.ts";
import { FLUSH, packet, packetCutter } from "./pkt-line.ts";
import type { PushPlan } from "./push-commands.ts";

/** Of a packet's payload on a channel, in bytes, with `side-band-64k` and with the older `side-band`. */
const MAX_CHANNEL_BYTES = { "side-band-64k": 65_515, "side-band": 995 };

export type SideBand = keyof typeof MAX_CHANNEL_BYTES | undefined;

/** Which side-band a client speaks, by its capabilities. */
export function sideBandOf(capabilities: readonly string[]): SideBand {
  if (capabilities.includes("side-band-64k")) return "side-band-64k";
  return capabilities.includes("side-band") ? "side-band" : undefined;
}

/** Bytes as packets of a channel: 1 for the report, 2 for people, 3 for what ends all. */
export function onChannel(channel: 1 | 2 | 3, bytes: Buffer, sideBand: Exclude<SideBand, undefined>): Buffer[] {
  const packets: Buffer[] = [];
  const most = MAX_CHANNEL_BYTES[sideBand];
  for (let at = 0; at < bytes.length; at += most)
    packets.push(packet(Buffer.concat([Buffer.from([channel]), bytes.subarray(at, at + most)])));
  return packets;
}

export interface PushReport {
  /** The packets for the client. */
  readonly packets: readonly Buffer[];
  /** The names of the refs that moved; undefined if git did not say. */
  readonly moved: ReadonlySet<string> | undefined;
}

/**
 * Makes the report for the client of what git wrote (its packets without progress) and of what git was not shown. In the
 * reasons that git gives `words` strikes out what is nobody's business.
 */
export function reportOf(
  said: readonly Buffer[],
  plan: PushPlan,
  sideBand: SideBand,
  words: RepositoryWords,
): PushReport {
  const lines = linesOf(said, sideBand);
  if (lines === undefined) return { packets: said.map((each) => withoutPaths(each, words)), moved: undefined };
  const hidden = plan.hidden?.line;
  const moved = new Set<string>();
  const told = lines.map((line) => {
    const text = line.toString("utf8");
    if (text.startsWith("ok ")) moved.add(text.slice("ok ".length).replace(/\n$/, ""));
    if (
      hidden === undefined ||
      !line
        .subarray(3)
        .toString("latin1")
        .startsWith(`${nameOf(hidden)} `)
    )
      return text.startsWith("ok ") ? line : Buffer.from(words.ofLatin1(line.toString("latin1")), "latin1");
    const reason = plan.refused.get(plan.hidden!);
    return text.startsWith("ng ") ? (reason === undefined ? consent(hidden) : refusal(hidden, reason)) : line;
  });
  for (const command of plan.leftOut) if (command !== plan.hidden) told.push(consent(command.line));
  for (const [command, reason] of plan.refused) if (command !== plan.hidden) told.push(refusal(command.line, reason));
  const report = Buffer.concat([...told.map(packet), FLUSH]);
  return { packets: sideBand === undefined ? [report] : [...onChannel(1, report, sideBand), FLUSH], moved };
}

function withoutPaths(each: Buffer, words: RepositoryWords): Buffer {
  return each.length <= FLUSH.length
    ? each
    : packet(Buffer.from(words.ofLatin1(each.toString("latin1", FLUSH.length)), "latin1"));
}

const NEWLINE = Buffer.from("\n");

function consent(line: Buffer): Buffer {
  return Buffer.concat([Buffer.from("ok "), nameBytes(line), NEWLINE]);
}

function refusal(line: Buffer, reason: string): Buffer {
  return Buffer.concat([Buffer.from("ng "), nameBytes(line), Buffer.from(` ${reason}\n`)]);
}

/** The name in a command's line: what stands behind the second space. */
function nameBytes(line: Buffer): Buffer {
  return line.subarray(line.indexOf(" ", line.indexOf(" ") + 1) + 1);
}

function nameOf(line: Buffer): string {
  return nameBytes(line).toString("latin1");
}

/** The lines of a report; undefined if this is none (a fatal error, or a client that asked for none). */
function linesOf(said: readonly Buffer[], sideBand: SideBand): Buffer[] | undefined {
  const payloads = said.map((each) => each.subarray(FLUSH.length));
  if (sideBand !== undefined && payloads.some((payload) => payload.length > 0 && payload[0] !== 1)) return undefined;
  try {
    const packets =
      sideBand === undefined
        ? said
        : packetCutter()(
            Buffer.concat(payloads.flatMap((payload) => (payload.length > 0 ? [payload.subarray(1)] : []))),
          );
    const lines = packets.filter((each) => each.length > FLUSH.length).map((each) => each.subarray(FLUSH.length));
    return lines[0]?.toString("latin1").startsWith("unpack ") ? lines : undefined;
  } catch {
    return undefined;
  }
}
